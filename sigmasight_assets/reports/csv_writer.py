"""CSV of positions: every digit, and text cells that a spreadsheet cannot take for a formula."""

from __future__ import annotations

import csv
import io
from typing import Any

from sigmasight_assets.reports.model import Report
from sigmasight_assets.reports.positions import COLUMNS
from sigmasight_assets.reports.texts import one_line

FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes a spreadsheet read a cell as a formula; some read the full-width forms alike (OWASP, CSV injection)."""


def render(report: Report) -> str:
    """One line per lot, header first; missing cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in report.positions:
        writer.writerow([cell(row[name]) for name in COLUMNS])
    return text.getvalue()


def cell(value: Any) -> str:
    """A number with every digit; a text on one line, behind an apostrophe where it could start a formula."""
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return repr(value)
    text = one_line(str(value))
    return f"'{text}" if text.lstrip().startswith(FORMULA_SIGNS) else text
