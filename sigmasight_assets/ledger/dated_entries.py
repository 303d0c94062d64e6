"""Flows and appraisals into a portfolio; the same file twice changes nothing."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import insert, select, update

from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.ledger.accounts import LEDGER_LOCK, Portfolio, find_portfolio
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.ledger.csv_flows import AppraisalRow, FlowRow
from sigmasight_assets.ledger.event_sessions import event_session
from sigmasight_assets.ledger.importing import record_import
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database, lock_for_writing
from sigmasight_assets.store.tables import appraisals, flows, lots


def require_portfolio(database: Database, name: str) -> Portfolio:
    """The portfolio of a slug, name or UUID, or `NotFound`."""
    with database.read() as connection:
        found = find_portfolio(connection, name)
    if found is None:
        raise NotFound(f"There is no portfolio {name!r}: create it by importing its lots with `sigmasight import`.")
    return found


def import_flows(
    database: Database, calendar: SessionCalendar, portfolio: Portfolio, rows: Sequence[FlowRow], content_hash: str, file_name: str
) -> int:
    """Add the flows that the ledger does not have yet, each as often as the file names it; the number added."""
    with database.write() as connection:
        lock_for_writing(connection, LEDGER_LOCK)
        held = connection.execute(select(flows.c.date, flows.c.amount, flows.c.note).where(flows.c.portfolio_id == portfolio.id))
        have = Counter((day, amount, note or "") for day, amount, note in held)
        new = []
        for row in rows:
            key = (row.date, row.amount, row.note or "")
            if have[key]:
                have[key] -= 1
            else:
                new.append(row)
        if not new:
            return 0
        now = utc_now()
        values = [
            {"id": uuid.uuid4(), "portfolio_id": portfolio.id, "date": row.date, "amount": row.amount, "note": row.note, "created_at": now}
            for row in new
        ]
        connection.execute(insert(flows), values)
        as_of = calendar.roll_back(portfolio.cash_as_of)
        sessions = [event_session(row.date, portfolio.cash_as_of, calendar) for row in new]
        first = INCEPTION if min(sessions) <= as_of else min(sessions)  # a flow up to the as-of date moves C0
        record_change(connection, portfolio.id, first, f"flows: {len(new)} added")
        record_import(connection, portfolio.id, "flows", content_hash, file_name, "add", len(new))
        return len(new)


def import_appraisals(
    database: Database, calendar: SessionCalendar, portfolio: Portfolio, rows: Sequence[AppraisalRow], content_hash: str, file_name: str
) -> int:
    """Add or correct the owner's marks of private assets; the number added or corrected.

    Raises
    ------
    LedgerRefused
        For a ticker that is no private asset of the portfolio; nothing is written.
    """
    with database.write() as connection:
        lock_for_writing(connection, LEDGER_LOCK)
        private = select(lots.c.symbol).distinct().where(lots.c.portfolio_id == portfolio.id, lots.c.asset_class == "private")
        owned = set(connection.execute(private).scalars())
        strangers = sorted({row.symbol for row in rows} - owned)
        if strangers:
            raise LedgerRefused(
                f"{', '.join(strangers)}: no private asset of {portfolio.slug} "
                f"(it has {', '.join(sorted(owned)) or 'none'}); nothing was imported."
            )
        query = select(appraisals.c.symbol, appraisals.c.date, appraisals.c.id, appraisals.c.price_per_unit)
        held = {(row[0], row[1]): row for row in connection.execute(query.where(appraisals.c.portfolio_id == portfolio.id))}
        changed = [row for row in rows if (row.symbol, row.date) not in held or held[row.symbol, row.date][3] != row.price_per_unit]
        for row in changed:
            known = held.get((row.symbol, row.date))
            if known is not None:
                connection.execute(update(appraisals).where(appraisals.c.id == known[2]).values(price_per_unit=row.price_per_unit))
            else:
                values = {"id": uuid.uuid4(), "portfolio_id": portfolio.id, "created_at": utc_now(), "symbol": row.symbol, "date": row.date}
                connection.execute(insert(appraisals), values | {"price_per_unit": row.price_per_unit})
        if changed:
            first = min(event_session(row.date, portfolio.cash_as_of, calendar) for row in changed)
            record_change(connection, portfolio.id, first, f"appraisals: {len(changed)} added or corrected")
            record_import(connection, portfolio.id, "appraisals", content_hash, file_name, "add", len(changed))
        return len(changed)
