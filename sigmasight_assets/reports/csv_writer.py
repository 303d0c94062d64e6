"""CSV of positions: every digit, and text cells that a spreadsheet cannot take for a formula."""

from __future__ import annotations

import csv
import io
from typing import Any

from sigmasight_assets.reports.model import Report
from sigmasight_assets.reports.positions import COLUMNS

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> str:
    """One line per lot, header first; missing cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in report.positions:
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text
