"""Reading CSVs of flows (money in and out) and of appraisals (the owner's marks of private assets)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sigmasight_assets.ledger.csv_fields import CURRENCY, RowReader
from sigmasight_assets.ledger.csv_problems import Problem, by_line
from sigmasight_assets.ledger.csv_table import content_hash, read_table
from sigmasight_assets.sessions import FIRST_DATE, SessionCalendar

MAX_NOTE = 500


@dataclass(frozen=True)
class FlowRow:
    """Money put in (+) or taken out (-), USD."""

    line: int
    date: date
    amount: Decimal
    note: str | None


@dataclass(frozen=True)
class FlowFile:
    rows: tuple[FlowRow, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    content_hash: str


@dataclass(frozen=True)
class AppraisalRow:
    """A mark: USD per unit from a date on."""

    line: int
    symbol: str
    date: date
    price_per_unit: Decimal


@dataclass(frozen=True)
class AppraisalFile:
    rows: tuple[AppraisalRow, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    content_hash: str


def read_flows(content: bytes, *, today: date, calendar: SessionCalendar) -> FlowFile:
    """Read and validate flows: date, amount and an optional note."""
    table = read_table(content, ("date", "amount"), ("note",), {"cash_flow": "amount", "description": "note"}, (CURRENCY,))
    problems = list(table.problems)
    rows = []
    for line, cells in table.rows:
        row = read_flow(RowReader(line, cells, problems), today=today, calendar=calendar)
        if row is not None:
            rows.append(row)
    digest = content_hash(sorted((row.date.isoformat(), f"{row.amount.normalize():f}", row.note or "") for row in rows))
    return FlowFile(tuple(rows), by_line(problems), table.warnings, digest)


def read_flow(reader: RowReader, *, today: date, calendar: SessionCalendar) -> FlowRow | None:
    """One flow; None where the reader has problems."""
    reader.require_usd()
    day = reader.day("date", today, max(FIRST_DATE, calendar.days[0].item()))
    amount = reader.number("amount")
    if amount == 0:
        reader.refuse("zero_amount", "amount")
    note = reader.text("note")
    if len(note) > MAX_NOTE:
        reader.refuse("note_too_long", "note")
    return None if reader.n_problems or day is None or amount is None else FlowRow(reader.line, day, amount, note or None)


def read_appraisal(reader: RowReader, *, today: date, calendar: SessionCalendar) -> AppraisalRow | None:
    """One mark; None where the reader has problems."""
    reader.require_usd()
    ticker = reader.required("ticker").upper()
    day = reader.day("date", today, max(FIRST_DATE, calendar.days[0].item()))
    price = reader.price("price_per_unit")
    return None if reader.n_problems or day is None or price is None else AppraisalRow(reader.line, ticker, day, price)


def read_appraisals(content: bytes, *, today: date, calendar: SessionCalendar) -> AppraisalFile:
    """Read and validate appraisals: ticker, date and price_per_unit; one mark a ticker and date."""
    table = read_table(content, ("ticker", "date", "price_per_unit"), (), {"symbol": "ticker", "price": "price_per_unit"}, (CURRENCY,))
    problems = list(table.problems)
    rows: list[AppraisalRow] = []
    known: dict[tuple[str, date], Decimal] = {}
    for line, cells in table.rows:
        reader = RowReader(line, cells, problems)
        row = read_appraisal(reader, today=today, calendar=calendar)
        if row is None:
            continue
        if (row.symbol, row.date) not in known:
            known[row.symbol, row.date] = row.price_per_unit
            rows.append(row)
        elif known[row.symbol, row.date] != row.price_per_unit:
            reader.refuse("duplicate_row", "price_per_unit")
    digest = content_hash(sorted((row.symbol, row.date.isoformat(), f"{row.price_per_unit.normalize():f}") for row in rows))
    return AppraisalFile(tuple(rows), by_line(problems), table.warnings, digest)
