"""Pictures of tables: small PNGs for the asset catalogue."""
