"""A file of lots into an owner's portfolio: the one entry for the command line and the API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from sigmasight_assets.errors import LedgerRefused
from sigmasight_assets.ledger.accounts import (
    LEDGER_LOCK,
    Portfolio,
    create_portfolio,
    draft_portfolio,
    find_portfolio,
    find_user,
    state_cash,
)
from sigmasight_assets.ledger.csv_lots import LotFile
from sigmasight_assets.ledger.importing import Difference, Mode, apply_difference, difference, held_lots, record_import
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database, lock_for_writing

CONFLICTS_SHOWN = 5


@dataclass(frozen=True)
class ImportRequest:
    """Who imports what into which portfolio.

    Attributes
    ----------
    cash, as_of
        The stated balance, and the date at whose close it stood. None leaves an existing portfolio's as they are.
    portfolio_id
        The id of a portfolio that is new; None makes one up.
    """

    owner: str
    portfolio: str
    file_name: str
    mode: Mode
    cash: Decimal | None = None
    as_of: date | None = None
    slug: str | None = None
    portfolio_id: uuid.UUID | None = None


@dataclass(frozen=True)
class ImportOutcome:
    """What an import changed, or would change.

    Attributes
    ----------
    portfolio, before : Portfolio
        As it is after the import, and as it was; `before` is None for a new one.
    """

    portfolio: Portfolio
    before: Portfolio | None
    difference: Difference

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def cash_moved(self) -> bool:
        was, now = self.before, self.portfolio
        return was is not None and (was.cash_balance, was.cash_as_of) != (now.cash_balance, now.cash_as_of)

    @property
    def changes_nothing(self) -> bool:
        return not self.is_new and not self.cash_moved and self.difference.is_empty


def require_covered(as_of: date, last_session: date, calendar: SessionCalendar) -> None:
    """Refuse an as-of date after the market data end: C0 and every value at that date would be unknown."""
    if calendar.roll_back(as_of) > last_session:
        raise LedgerRefused(
            f"The as-of date {as_of} is after the last session of the market data ({last_session}): "
            f"state the cash as of {last_session} or earlier, or use a provider with later data."
        )


def import_lots(
    database: Database, calendar: SessionCalendar, request: ImportRequest, file: LotFile, *, dry_run: bool = False
) -> ImportOutcome:
    """Add the file's lots to a portfolio, or make the portfolio what the file says; the same file twice changes nothing.

    Raises
    ------
    NotFound
        For an unknown owner.
    LedgerRefused
        For a portfolio of somebody else, a missing cash balance of a new one, or lots on which file and ledger disagree (`add`).
    """
    if dry_run:
        with database.read() as connection:
            return _plan(connection, request, file, create=False)
    with database.write() as connection:
        lock_for_writing(connection, LEDGER_LOCK)
        outcome = _plan(connection, request, file, create=True)
        if outcome.changes_nothing:
            return outcome
        changes = (connection, outcome.portfolio, outcome.difference, calendar, file.content_hash)
        apply_difference(*changes, cash_moved=outcome.cash_moved, is_new=outcome.is_new)
        added = len(outcome.difference.added)
        record_import(connection, outcome.portfolio.id, "lots", file.content_hash, request.file_name, request.mode, added)
        return outcome


def effective_as_of(database: Database, request: ImportRequest) -> date:
    """The as-of date by which the request's rows are judged: the stated one, else the portfolio's.

    Raises
    ------
    NotFound, LedgerRefused
        As `import_lots`: so that a request for nobody is refused before its file is read.
    """
    with database.read() as connection:
        _, found = _whose(connection, request)
    if request.as_of is not None:
        return request.as_of
    if found is None:
        raise LedgerRefused(_is_new(request))
    return found.cash_as_of


def _whose(connection: Connection, request: ImportRequest) -> tuple[uuid.UUID, Portfolio | None]:
    owner_id = find_user(connection, request.owner)
    found = find_portfolio(connection, request.slug or request.portfolio, owner_id)
    if found is not None and found.owner_id != owner_id:
        raise LedgerRefused(f"The portfolio name {request.portfolio!r} is taken: choose another one.")
    return owner_id, found


def _plan(connection: Connection, request: ImportRequest, file: LotFile, *, create: bool) -> ImportOutcome:
    owner_id, found = _whose(connection, request)
    if found is None:
        portfolio = _new_portfolio(connection, owner_id, request, create=create)
        return ImportOutcome(portfolio, None, difference([], file.rows, request.mode))
    diff = difference(held_lots(connection, found.id), file.rows, request.mode)
    if diff.conflicts:
        raise LedgerRefused(_conflict_text(diff))
    cash = found.cash_balance if request.cash is None else request.cash
    as_of = found.cash_as_of if request.as_of is None else request.as_of
    if create:
        state_cash(connection, found, cash, as_of)
    return ImportOutcome(replace(found, cash_balance=cash, cash_as_of=as_of), found, diff)


def _new_portfolio(connection: Connection, owner_id: uuid.UUID, request: ImportRequest, *, create: bool) -> Portfolio:
    if request.cash is None or request.as_of is None:
        raise LedgerRefused(_is_new(request))
    make = create_portfolio if create else draft_portfolio
    return make(connection, owner_id, request.portfolio, request.cash, request.as_of, request.slug, request.portfolio_id)


def _is_new(request: ImportRequest) -> str:
    return f"The portfolio {request.portfolio!r} is new: state its cash balance and the date of it (--cash, --as-of)."


def _conflict_text(diff: Difference) -> str:
    lines = [  # what each side says of the lot
        f"line {row.line}: {row.symbol} {row.quantity} of {row.entry_date} is in the ledger with exit {lot.exit_date or 'none'} "
        f"and tags {', '.join(lot.tags) or 'none'}, in the file with exit {row.exit_date or 'none'} "
        f"and tags {', '.join(row.tags) or 'none'}"
        for lot, row in diff.conflicts[:CONFLICTS_SHOWN]
    ]
    more = len(diff.conflicts) - len(lines)
    return (
        "The file and the ledger disagree about lots that are held already; nothing was changed. "
        "Use --mode replace with a file of all lots. " + "; ".join(lines) + (f"; and {more} more" if more else "") + "."
    )
