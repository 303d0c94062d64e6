"""REST API over the tables that the assets materialize."""
