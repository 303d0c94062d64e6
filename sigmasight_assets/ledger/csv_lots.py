"""Reading a CSV of lots: every fault at once, with its line, column, value, code and remedy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sigmasight_assets.errors import InvalidSymbol
from sigmasight_assets.ledger.csv_fields import CURRENCY, RowReader
from sigmasight_assets.ledger.csv_problems import Problem, by_line, problem
from sigmasight_assets.ledger.csv_table import content_hash, read_table
from sigmasight_assets.ledger.option_symbols import OptionSymbol, looks_like_option, parse
from sigmasight_assets.sessions import FIRST_DATE, SessionCalendar

REQUIRED = ("ticker", "quantity", "entry_price", "entry_date")
OPTIONAL = ("tags", "exit_date", "exit_price", "asset_class")
LEGACY = {
    "symbol": "ticker",
    "security": "ticker",
    "qty": "quantity",
    "shares": "quantity",
    "contracts": "quantity",
    "price": "entry_price",
    "price_per_share": "entry_price",
    "entry_price_per_share": "entry_price",
    "cost_per_share": "entry_price",
    "purchase_price": "entry_price",
    "trade_date": "entry_date",
    "purchase_date": "entry_date",
    "date": "entry_date",
    "date_acquired": "entry_date",
    "tag": "tags",
    "sale_date": "exit_date",
    "sale_price": "exit_price",
    "exit_price_per_share": "exit_price",
    "class": "asset_class",
    "investment_class": "asset_class",
}
"""Other headers that mean the same, blanks and dashes read as underscores."""
OPTION_TERMS = ("strike", "strike_price", "expiry", "expiration", "expiration_date", "option_type", "put_call")
"""Columns that would make a share ticker an option: a row that fills one of them is refused rather than held as shares."""
ASSET_CLASSES = {
    "equity": "equity",
    "stock": "equity",
    "share": "equity",
    "shares": "equity",
    "etf": "equity",
    "fund": "equity",
    "public": "equity",
    "option": "option",
    "options": "option",
    "private": "private",
    "alternative": "private",
}
OLDEST_ENTRY_YEARS = 5
_SHARE = re.compile(r"[A-Z0-9]{1,10}([./-][A-Z0-9]{1,4})?")
_PRIVATE = re.compile(r"[A-Z0-9][A-Z0-9_ .&-]{0,63}")


@dataclass(frozen=True)
class LotRow:
    """A valid row.

    `symbol` is canonical: OSI without padding, upper case, a class of shares with a point (BRK.B). `quantity` is signed; prices are
    exact.
    """

    line: int
    symbol: str
    asset_class: str
    quantity: Decimal
    entry_price: Decimal
    entry_date: date
    exit_date: date | None
    exit_price: Decimal | None
    tags: tuple[str, ...]
    option: OptionSymbol | None


@dataclass(frozen=True)
class LotFile:
    """A file read: the caller chooses whether to keep `rows` in spite of `problems`."""

    rows: tuple[LotRow, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    content_hash: str


def read_lots(content: bytes, *, as_of: date, today: date, calendar: SessionCalendar, known_symbols: frozenset[str] | None) -> LotFile:
    """Read and validate a file of lots.

    Parameters
    ----------
    as_of : date
        Date of the stated cash: open lots entered more than five years before it are refused.
    today : date
        No date may lie after it.
    known_symbols : frozenset or None
        Symbols with market data; others are warned of. None: not known, so nothing is warned of.
    """
    table = read_table(content, REQUIRED, OPTIONAL, LEGACY, (*OPTION_TERMS, CURRENCY))
    problems, warnings = list(table.problems), list(table.warnings)
    rows = []
    for line, cells in table.rows:
        reader = RowReader(line, cells, problems)
        row = _lot(reader, as_of, today, max(FIRST_DATE, calendar.days[0].item()))
        if row is not None:
            rows.append(row)
    warnings += _unknown(rows, known_symbols)
    normalised = sorted(_normalised(row) for row in rows)
    return LotFile(tuple(rows), by_line(problems), tuple(warnings), content_hash(normalised))


@dataclass(frozen=True)
class ReadLot:
    """One lot read by the rules of files; `row` is None where there are problems."""

    row: LotRow | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def read_lot(
    cells: Mapping[str, str], *, as_of: date, today: date, calendar: SessionCalendar, known_symbols: frozenset[str] | None
) -> ReadLot:
    """Read and validate one lot as `read_lots` does a row of a file; `cells` are by column name."""
    problems: list[Problem] = []
    row = _lot(RowReader(1, cells, problems), as_of, today, max(FIRST_DATE, calendar.days[0].item()))
    return ReadLot(row, tuple(problems), tuple(_unknown([] if row is None else [row], known_symbols)))


def _normalised(row: LotRow) -> tuple[str, ...]:
    """The row's facts in one spelling."""
    exit_price = f"{row.exit_price.normalize():f}" if row.exit_price else ""
    facts = (row.symbol, row.asset_class, f"{row.quantity.normalize():f}", f"{row.entry_price.normalize():f}", str(row.entry_date))
    return (*facts, str(row.exit_date or ""), exit_price, ",".join(sorted(row.tags)))


def _lot(reader: RowReader, as_of: date, today: date, first: date) -> LotRow | None:
    symbol, asset_class, option = _security(reader)
    if asset_class == "equity":
        for column in (name for name in OPTION_TERMS if reader.text(name)):
            reader.refuse("option_terms_apart", column)
    reader.require_usd()
    quantity = reader.number("quantity")
    if quantity == 0:
        reader.refuse("zero_quantity", "quantity")
    entry_price = reader.price("entry_price")
    entry = reader.day("entry_date", today, first)
    exit_date = reader.day("exit_date", today, first, required=False)
    exit_price = reader.price("exit_price", required=False)
    tags = reader.tags("tags")
    if bool(reader.text("exit_date")) != bool(reader.text("exit_price")):
        reader.refuse("exit_incomplete", "exit_price" if reader.text("exit_date") else "exit_date")
    _check_dates(reader, entry, exit_date, as_of, asset_class, option)
    if reader.n_problems or quantity is None or entry_price is None or entry is None:
        return None
    return LotRow(reader.line, symbol, asset_class, quantity, entry_price, entry, exit_date, exit_price, tags, option)


def _check_dates(
    reader: RowReader, entry: date | None, exit_date: date | None, as_of: date, asset_class: str, option: OptionSymbol | None
) -> None:
    if entry is None:
        return
    if exit_date is not None and exit_date < entry:
        reader.refuse("exit_before_entry", "exit_date", f"The entry is {entry}.")
    if option is not None and entry > option.expiry:
        reader.refuse("entry_after_expiry", "entry_date", f"The expiry is {option.expiry}.")
    elif option is not None and exit_date is not None and exit_date > option.expiry:
        reader.refuse("exit_after_expiry", "exit_date", f"The expiry is {option.expiry}.")
    still_open = not reader.text("exit_date") and (option is None or option.expiry > as_of)
    if still_open and asset_class != "private" and entry < _years_before(as_of, OLDEST_ENTRY_YEARS):
        reader.refuse("entry_too_old", "entry_date", f"The as-of date is {as_of}.")


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _security(reader: RowReader) -> tuple[str, str, OptionSymbol | None]:
    """Symbol, asset class and option terms of a row."""
    written = reader.required("ticker")
    ticker = written.upper()
    stated = reader.text("asset_class").lower()
    if stated and stated not in ASSET_CLASSES:
        reader.refuse("unknown_asset_class", "asset_class")
        return ticker, "", None
    asset_class = ASSET_CLASSES.get(stated)
    if not ticker:
        return ticker, asset_class or "", None
    if not written.isascii():
        reader.refuse("invalid_symbol", "ticker")
        return ticker, asset_class or "", None
    if asset_class == "private":
        if not _PRIVATE.fullmatch(ticker):
            reader.refuse("invalid_symbol", "ticker")
        return ticker, "private", None
    if asset_class == "option" or looks_like_option(ticker):
        try:
            option = parse(ticker)
        except InvalidSymbol as error:
            reader.refuse("invalid_symbol", "ticker", str(error))
            return ticker, "option", None
        if asset_class == "equity":
            reader.refuse("asset_class_mismatch", "asset_class")
        return option.symbol, "option", option
    if not _SHARE.fullmatch(ticker):
        reader.refuse("invalid_symbol", "ticker")
    return re.sub(r"[/-]", ".", ticker), "equity", None


def _unknown(rows: list[LotRow], known_symbols: frozenset[str] | None) -> list[Problem]:
    """A warning for each symbol that no provider knows, at its first row."""
    if known_symbols is None:
        return []
    warnings = []
    seen: Counter[str] = Counter()
    for row in rows:
        needed = row.option.underlying if row.option else row.symbol
        if row.asset_class != "private" and needed not in known_symbols:
            seen[needed] += 1
            if seen[needed] == 1:
                warnings.append(problem("unknown_symbol", row.line, "ticker", needed))
    return warnings
