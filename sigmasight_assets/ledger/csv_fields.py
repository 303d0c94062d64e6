"""Cells of the ledger's CSV files: what is accepted, and every fault with its code, message and remedy."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 10_000
MAX_DECIMALS = 12

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
    "required": ("A value is required.", "Fill in the cell."),
    "currency_sign": ("A number carries a currency sign.", "Write 1234.50, in USD, without the sign."),
    "thousands_separator": ("A number carries a thousands separator.", "Write 1234.50 with a point for decimals and no separators."),
    "not_a_number": ("Expected a plain number such as -12.5.", "No parentheses, percent signs or exponents; minus marks a short."),
    "too_many_decimals": (f"At most {MAX_DECIMALS} decimals can be kept exactly.", "Round the number."),
    "number_too_large": ("The number is larger than the ledger keeps exactly.", "Check the value."),
    "zero_quantity": ("The quantity is 0.", "Leave the row out, or state the shares or contracts held."),
    "price_not_positive": ("The price is not above 0.", "State the price paid per share or unit."),
    "not_a_date": ("Expected a date that exists as YYYY-MM-DD.", "Write 2022-03-31: other orders of day and month are ambiguous."),
    "date_in_future": ("The date lies in the future.", "State what has happened."),
    "date_too_early": ("The date lies before the session calendar.", "Dates from 1990 on are known."),
    "entry_too_old": ("The open lot was entered more than five years before the as-of date.", "State a later entry, or close the lot."),
    "exit_incomplete": ("exit_date and exit_price belong together.", "Fill in both cells or neither."),
    "exit_before_entry": ("The exit lies before the entry.", "Check both dates."),
    "exit_after_expiry": ("The exit lies after the option's expiry.", "An option held to expiry needs no exit: it is settled."),
    "entry_after_expiry": ("The entry lies after the option's expiry.", "Check the date and the symbol."),
    "invalid_symbol": ("The ticker is no symbol that can be held.", "Shares like AAPL or BRK.B; options like AAPL240119C00195000."),
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


class RowReader:
    """Reads the cells of one row, and collects what is wrong with them."""

    def __init__(self, line: int, cells: Mapping[str, str], problems: list[Problem]) -> None:
        self.line, self._cells, self._problems = line, cells, problems
        self.n_problems = 0

    def refuse(self, code: str, column: str, detail: str = "") -> None:
        self.n_problems += 1
        self._problems.append(problem(code, self.line, column, self.text(column), detail))

    def text(self, column: str) -> str:
        return self._cells.get(column, "").strip()

    def required(self, column: str) -> str:
        found = self.text(column)
        if not found:
            self.refuse("required", column)
        return found

    def number(self, column: str, *, required: bool = True) -> Decimal | None:
        """A plain decimal number, exact; None (with a problem where it is required) otherwise."""
        found = self.required(column) if required else self.text(column)
        if not found:
            return None
        fault = _number_fault(found)
        if fault:
            self.refuse(fault, column)
            return None
        return Decimal(found)

    def price(self, column: str, *, required: bool = True) -> Decimal | None:
        found = self.number(column, required=required)
        if found is not None and found <= 0:
            self.refuse("price_not_positive", column)
            return None
        return found

    def day(self, column: str, today: date, first: date, *, required: bool = True) -> date | None:
        """An ISO date, not in the future and not before the calendar."""
        found = self.required(column) if required else self.text(column)
        if not found:
            return None
        try:
            day = date.fromisoformat(found) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", found) else None
        except ValueError:
            day = None
        if day is None:
            self.refuse("not_a_date", column)
        elif day > today:
            self.refuse("date_in_future", column, f"Today is {today}.")
        elif day < first:
            self.refuse("date_too_early", column)
        else:
            return day
        return None

    def tags(self, column: str, most: int = 20) -> tuple[str, ...]:
        """Comma-separated tags, the first spelling of each kept."""
        kept: dict[str, str] = {}
        for tag in (part.strip() for part in self.text(column).split(",")):
            if tag and (not re.fullmatch(r"(strategy:)?[A-Za-z0-9_]+", tag) or len(tag) > 50):
                self.refuse("invalid_tag", column, f"It is {tag[:60]!r}.")
            elif tag:
                kept.setdefault(tag.lower(), tag)
        if len(kept) > most:
            self.refuse("too_many_tags", column)
        return tuple(kept.values())


def _number_fault(text: str) -> str | None:
    if re.search(r"[$€£¥]|USD|EUR|GBP", text, re.IGNORECASE):
        return "currency_sign"
    if re.fullmatch(r"[-+]?\d{1,3}([,' _\u00a0]\d{3})+(\.\d+)?", text) or "," in text:
        return "thousands_separator"
    if not re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)", text, re.ASCII):
        return "not_a_number"
    whole, _, decimals = text.lstrip("+-").partition(".")
    if len(decimals.rstrip("0")) > MAX_DECIMALS:
        return "too_many_decimals"
    return "number_too_large" if len(whole.lstrip("0")) > 15 else None


@dataclass(frozen=True)
class CsvTable:
    """A decoded file: rows as (line, cells by column), or what makes it unreadable."""

    rows: tuple[tuple[int, dict[str, str]], ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def read_table(content: bytes, required: Sequence[str], optional: Sequence[str], legacy: Mapping[str, str]) -> CsvTable:
    """Decode a CSV file whose header may be in any case and order; other columns are ignored with a warning.

    Parameters
    ----------
    legacy : mapping
        Other names of columns -> their name here; all in lower case with underscores.
    """
    if len(content) > MAX_BYTES:
        return CsvTable((), (problem("file_too_large"),), ())
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return CsvTable((), (problem("not_utf8", detail=f"Byte {error.start} is not."),), ())
    if "\x00" in text:
        return CsvTable((), (problem("not_utf8", detail="It contains NUL bytes."),), ())
    records = _records(text)
    header_line, header = next(records, (1, []))
    if not any(cell.strip() for cell in header):
        return CsvTable((), (problem("empty_file"),), ())
    names, problems, warnings = _columns(header, header_line, required, optional, legacy)
    if problems:
        return CsvTable((), tuple(problems), tuple(warnings))
    rows: list[tuple[int, dict[str, str]]] = []
    for line, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            detail = f"Expected {len(names)} cells, was {len(cells)}."
            problems.append(problem("wrong_cell_count", line, value=",".join(cells), detail=detail))
        else:
            rows.append((line, {name: cell for name, cell in zip(names, cells, strict=True) if name}))
        if len(rows) > MAX_ROWS:
            return CsvTable((), (problem("too_many_rows"),), ())
    return CsvTable(tuple(rows), tuple(problems), tuple(warnings))


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins (a quoted cell may hold line breaks)."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=False)
    begins = 1
    for cells in reader:
        yield begins, cells
        begins = reader.line_num + 1


def _columns(
    header: Sequence[str], line: int, required: Sequence[str], optional: Sequence[str], legacy: Mapping[str, str]
) -> tuple[list[str | None], list[Problem], list[Problem]]:
    problems: list[Problem] = []
    warnings: list[Problem] = []
    if len(header) == 1 and any(separator in header[0] for separator in ";\t|"):
        return [], [problem("wrong_separator", line, value=header[0])], []
    names: list[str | None] = []
    for cell in header:
        plain = re.sub(r"[\s_-]+", "_", cell.strip().lower())
        name = legacy.get(plain, plain)
        if name not in (*required, *optional):
            names.append(None)
            if plain:
                warnings.append(problem("ignored_column", line, column=cell.strip()))
        elif name in names:
            names.append(None)
            problems.append(problem("duplicate_column", line, column=name, value=cell.strip()))
        else:
            names.append(name)
    problems += [problem("missing_column", line, column=name) for name in required if name not in names]
    return names, problems, warnings


def content_hash(rows: Iterable[Sequence[object]]) -> str:
    """SHA-256 of normalised rows: the same content in another spelling has the same hash."""
    text = "\n".join("\x1f".join("" if cell is None else str(cell) for cell in row) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()
