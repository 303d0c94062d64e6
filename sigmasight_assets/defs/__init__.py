"""Dagster definitions, one folder a domain."""

import warnings

warnings.filterwarnings("ignore", message=".* is currently in beta")  # Dagster's partition parameters; its version is pinned exactly
