"""Portfolios made, renamed, restated and deleted: each with the record of which sessions' numbers it affects."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, delete, func, select, update

from sigmasight_assets.errors import LedgerRefused
from sigmasight_assets.ledger.accounts import LEDGER_LOCK, Portfolio, as_uuid, checked_name, create_portfolio, locked, state_cash
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.ledger.event_sessions import event_session
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import lock_for_writing
from sigmasight_assets.store.lineage import BY_PORTFOLIO
from sigmasight_assets.store.tables import METADATA, ledger_changes, lots, materializations, portfolios

GONE = uuid.UUID(int=0)
"""Whose the contracts of deleted portfolios are: nobody's."""


def open_portfolio(
    connection: Connection, owner_id: uuid.UUID, name: str, cash: Decimal, as_of: date, slug: str | None = None
) -> Portfolio:
    """Store a new, empty portfolio; its numbers begin with its first session.

    Raises
    ------
    LedgerRefused, LedgerConflict
        As `draft_portfolio` says.
    """
    lock_for_writing(connection, LEDGER_LOCK)
    portfolio = create_portfolio(connection, owner_id, name, cash, as_of, slug)
    record_change(connection, portfolio.id, INCEPTION, "portfolio opened")
    return portfolio


def change_portfolio(
    connection: Connection, portfolio: Portfolio, name: str | None = None, cash: Decimal | None = None, as_of: date | None = None
) -> tuple[Portfolio, date | None]:
    """Give a portfolio another name or another stated balance; None leaves what is.

    Returns
    -------
    (portfolio, first_session)
        As it is then; the first session whose numbers are old, None where no number is: a name is in no number.

    Raises
    ------
    LedgerRefused
        For a name that is none, or is an id.
    """
    changed = portfolio = locked(connection, portfolio)
    if name is not None:
        changed = replace(changed, name=checked_name(name))
        if as_uuid(changed.name) is not None:
            raise LedgerRefused("Expected a name, was an id.")
        connection.execute(update(portfolios).where(portfolios.c.id == portfolio.id).values(name=changed.name))
    changed = replace(
        changed,
        cash_balance=portfolio.cash_balance if cash is None else cash,
        cash_as_of=portfolio.cash_as_of if as_of is None else as_of,
    )
    if not state_cash(connection, portfolio, changed.cash_balance, changed.cash_as_of):
        return changed, None
    record_change(connection, portfolio.id, INCEPTION, "cash restated")
    return changed, INCEPTION


def delete_portfolio(connection: Connection, portfolio: Portfolio, calendar: SessionCalendar) -> int:
    """Remove a portfolio with everything that is stored of it; the number of its lots.

    What its owner stated goes with it by the tables' own references, what was computed of it is deleted here. The option series that it
    held are noted as held no more, so that sessions with them are computed anew.
    """
    portfolio = locked(connection, portfolio)
    connection.execute(select(portfolios.c.id).where(portfolios.c.id == portfolio.id).with_for_update())  # a run at work asks who stands
    n_lots: int = connection.execute(select(func.count()).where(lots.c.portfolio_id == portfolio.id)).scalar_one()
    first = _first_contract(connection, portfolio, calendar)
    for name in (*BY_PORTFOLIO, materializations.name, ledger_changes.name):
        table = METADATA.tables[name]
        connection.execute(delete(table).where(table.c.portfolio_id == portfolio.id))
    connection.execute(delete(portfolios).where(portfolios.c.id == portfolio.id))
    if first is not None:
        record_change(connection, GONE, first, "options held no more: a portfolio was deleted", facet="contracts")
    return n_lots


def _first_contract(connection: Connection, portfolio: Portfolio, calendar: SessionCalendar) -> date | None:
    """The first session on which the portfolio held an option, or a change of what it held waits for its run."""
    held = select(func.min(lots.c.entry_date)).where(lots.c.portfolio_id == portfolio.id, lots.c.asset_class == "option")
    entry: date | None = connection.execute(held).scalar_one()
    c = ledger_changes.c
    waiting = select(func.min(c.first_session)).where(c.portfolio_id == portfolio.id, c.facet == "contracts", c.processed_at.is_(None))
    noted: date | None = connection.execute(waiting).scalar_one()
    sessions = [] if entry is None else [event_session(entry, portfolio.cash_as_of, calendar)]
    return min([*sessions, *([] if noted is None else [noted])], default=None)
