"""What can be wrong with a ledger file: every fault and warning with its code, message and remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 10_000
MAX_DECIMALS = 12
MAX_DIGITS = 15

PROBLEMS: dict[str, tuple[str, str]] = {
    "file_too_large": (f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.", "Split it into smaller files."),
    "not_utf8": ("The file is not UTF-8 text.", "Save it as CSV UTF-8."),
    "empty_file": ("The file has no header line.", "The first line names the columns."),
    "wrong_separator": ("The header has no comma but another separator.", "Save it with commas between the cells."),
    "missing_column": ("A required column is missing.", "Add the column to the header."),
    "duplicate_column": ("Two headers name the same column.", "Keep one of them."),
    "ignored_column": ("The column is not used.", "Nothing needs to be done."),
    "too_many_rows": (f"The file has more than {MAX_ROWS:,} rows.", "Split it into smaller files."),
    "wrong_cell_count": ("The row does not have as many cells as the header.", "Quote cells that contain commas."),
    "broken_quotes": ("The quotes of a cell that begins on this line do not match.", 'Close the cell with "; write "" for a quote in it.'),
    "no_rows": ("The file has a header and no rows.", "Nothing needs to be done if that is meant."),
    "required": ("A value is required.", "Fill in the cell."),
    "currency_sign": ("A number carries a currency sign.", "Write 1234.50, in USD, without the sign."),
    "thousands_separator": ("A number carries a thousands separator.", "Write 1234.50 with a point for decimals and no separators."),
    "not_a_number": ("Expected a plain number such as -12.5.", "No parentheses, percent signs or exponents; minus marks a short."),
    "too_many_decimals": (f"At most {MAX_DECIMALS} decimals can be kept exactly.", "Round the number."),
    "number_too_large": ("The number is larger than the ledger keeps exactly.", "Check the value."),
    "not_usd": ("The currency is not USD.", "Convert prices to USD: no other currency is supported."),
    "zero_quantity": ("The quantity is 0.", "Leave the row out, or state the shares or contracts held."),
    "zero_amount": ("The amount is 0.", "Leave the row out, or state the money put in (+) or taken out (-)."),
    "price_not_positive": ("The price is not above 0.", "State the price paid per share or unit."),
    "not_a_date": ("Expected a date that exists as YYYY-MM-DD.", "Write 2022-03-31: other orders of day and month are ambiguous."),
    "date_in_future": ("The date lies in the future.", "State what has happened."),
    "date_too_early": ("The date lies before the session calendar.", "Dates from 1990 on are known."),
    "entry_too_old": (
        "The open lot was entered more than five years before the as-of date.",
        "Fill in its exit if it was sold; private assets are exempt.",
    ),
    "exit_incomplete": ("exit_date and exit_price belong together.", "Fill in both cells or neither."),
    "exit_before_entry": ("The exit lies before the entry.", "Check both dates."),
    "exit_after_expiry": ("The exit lies after the option's expiry.", "An option held to expiry needs no exit: it is settled."),
    "entry_after_expiry": ("The entry lies after the option's expiry.", "Check the date and the symbol."),
    "invalid_symbol": (
        "The ticker is no symbol that can be held.",
        "Shares like AAPL or BRK.B; options like AAPL240119C00195000; others with asset_class private.",
    ),
    "option_terms_apart": (
        "The row states an option's terms in columns of their own.",
        "Write the option's symbol as the ticker, like AAPL240119C00195000, and contracts as the quantity.",
    ),
    "unknown_asset_class": ("The asset class is unknown.", "equity, option or private; empty cells are recognised by the ticker."),
    "asset_class_mismatch": ("The asset class contradicts the ticker.", "Leave the cell empty, or correct the ticker."),
    "invalid_tag": (
        "A tag has a character that is not allowed.",
        "Letters, digits and underscores, at most 50; strategy tags strategy:name.",
    ),
    "too_many_tags": ("The lot has more than 20 tags.", "Keep the important ones."),
    "note_too_long": ("The note is longer than 500 characters.", "Shorten it."),
    "duplicate_row": ("An earlier row has the same ticker and date with another price.", "Keep one of them."),
    "unknown_symbol": ("No market data are known for the symbol.", "Its rows will be `missing` until a provider has it."),
}
"""code -> (message, remedy)."""


@dataclass(frozen=True)
class Problem:
    """A fault or a warning, with its place.

    Attributes
    ----------
    line : int or None
        Line of the file, the header being 1; None for the file as a whole.
    """

    line: int | None
    column: str | None
    value: str | None
    code: str
    message: str
    remedy: str


def problem(code: str, line: int | None = None, column: str | None = None, value: str | None = None, detail: str = "") -> Problem:
    message, remedy = PROBLEMS[code]
    return Problem(line, column, None if value is None else value[:80], code, f"{message}{' ' + detail if detail else ''}", remedy)


def by_line(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems in order of their lines, those of the whole file first."""
    return tuple(sorted(problems, key=lambda found: found.line or 0))
