"""Checks of the reports."""

from sigmasight_assets.defs.checks import general_checks, store_check
from sigmasight_assets.reports.checks import files_hold, json_is_valid

CHECKS = [
    *general_checks("portfolio_reports"),
    store_check("portfolio_reports", "files", "Each written file is there, with the bytes that were recorded", files_hold),
    store_check("portfolio_reports", "json_schema", "The JSON of the last session validates and is at most 60 KB", json_is_valid),
]
