"""The book that a process read last, for as long as the ledger is the one that it was read from.

All tables of an evening start from the same book. Whatever changes lots, flows, marks or cash notes it in `ledger_changes` within its
own transaction, and the changes become visible in the order of their ids: where the last one is the same, by id and moment, the ledger
is. The moment also tells a restored or another database from the one that was read. Cash and portfolios are compared themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, func, select

from sigmasight_assets.kept import Kept
from sigmasight_assets.ledger.book import Book, load_book, scoped
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import appraisals, flows, ledger_changes, lots, portfolios


@dataclass(frozen=True)
class LedgerState:
    """What two moments of a ledger have in common when no book in it differs."""

    database: str
    calendar_end: date
    heads: tuple[tuple[uuid.UUID, Decimal, date], ...]
    last_change: tuple[int, datetime] | None
    rows: tuple[int, ...]


KEPT: Kept[LedgerState, Book] = Kept(1)


def kept_book(
    database: Database, connection: Connection, calendar: SessionCalendar, portfolio_ids: Sequence[uuid.UUID] | None = None
) -> Book:
    """What `load_book` gives, without reading it again where nothing has changed; its arrays are not to be written to."""
    state = ledger_state(database, connection, calendar, portfolio_ids)
    return KEPT.at(state, lambda: _for_reading(load_book(database, connection, calendar, portfolio_ids)))


def _for_reading(book: Book) -> Book:
    """A book whose arrays cannot be written to."""
    for values in (*vars(book).values(), *vars(book.lots).values()):
        if hasattr(values, "setflags"):
            values.setflags(write=False)
    return book


def ledger_state(
    database: Database, connection: Connection, calendar: SessionCalendar, portfolio_ids: Sequence[uuid.UUID] | None
) -> LedgerState:
    """The state that the connection sees."""
    p, c = portfolios.c, ledger_changes.c
    heads = connection.execute(scoped(select(p.id, p.cash_balance, p.cash_as_of), portfolio_ids).order_by(p.id)).all()
    last = connection.execute(select(c.id, c.changed_at).order_by(c.id.desc()).limit(1)).one_or_none()
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in (ledger_changes, lots, flows, appraisals)]
    return LedgerState(
        database=database.url.render_as_string(hide_password=True),
        calendar_end=calendar.last_date,
        heads=tuple((head.id, head.cash_balance, head.cash_as_of) for head in heads),
        last_change=None if last is None else (last.id, last.changed_at),
        rows=tuple(connection.execute(select(*counts)).one()),
    )
