"""Flows and appraisals into a portfolio; the same file twice changes nothing."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Table, delete, insert, select, update

from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.ledger.accounts import LEDGER_LOCK, Portfolio, find_portfolio, locked
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


def add_flow(connection: Connection, calendar: SessionCalendar, portfolio: Portfolio, row: FlowRow) -> tuple[uuid.UUID, date]:
    """Add a flow, also beside an equal one; its id, and the first affected session."""
    portfolio = locked(connection, portfolio)
    flow_id = uuid.uuid4()
    values = {"id": flow_id, "portfolio_id": portfolio.id, "date": row.date, "amount": row.amount, "note": row.note}
    connection.execute(insert(flows), {**values, "created_at": utc_now()})
    return flow_id, _record_flow(connection, calendar, portfolio, row.date, "added")


def remove_flow(connection: Connection, calendar: SessionCalendar, portfolio: Portfolio, flow_id: uuid.UUID) -> date:
    """Remove a flow; the first affected session. `NotFound` where the portfolio has none of that id."""
    portfolio = locked(connection, portfolio)
    return _record_flow(connection, calendar, portfolio, _taken_out(connection, flows, portfolio, flow_id, "flow"), "removed")


def _taken_out(connection: Connection, table: Table, portfolio: Portfolio, row_id: uuid.UUID, what: str) -> date:
    """Delete a row of a portfolio; the date that it had."""
    mine = (table.c.id == row_id) & (table.c.portfolio_id == portfolio.id)
    day: date | None = connection.execute(select(table.c.date).where(mine)).scalar_one_or_none()
    if day is None:
        raise NotFound(f"There is no {what} {row_id} of this portfolio.")
    connection.execute(delete(table).where(mine))
    return day


def _record_flow(connection: Connection, calendar: SessionCalendar, portfolio: Portfolio, day: date, what: str) -> date:
    session = event_session(day, portfolio.cash_as_of, calendar)
    first = INCEPTION if session <= calendar.roll_back(portfolio.cash_as_of) else session
    record_change(connection, portfolio.id, first, f"flows: 1 {what}")
    return first


def set_appraisal(
    connection: Connection, calendar: SessionCalendar, portfolio: Portfolio, row: AppraisalRow
) -> tuple[uuid.UUID, date | None, bool]:
    """Add or correct the owner's mark of a private asset on a date.

    Returns
    -------
    (id, first_session, is_new)
        `first_session` is None where the mark was there with this price.

    Raises
    ------
    LedgerRefused
        For a symbol that is no private asset of the portfolio.
    """
    portfolio = locked(connection, portfolio)
    _refuse_strangers(connection, portfolio, {row.symbol})
    a = appraisals.c
    mine = (a.portfolio_id == portfolio.id) & (a.symbol == row.symbol) & (a.date == row.date)
    known = connection.execute(select(a.id, a.price_per_unit).where(mine)).first()
    if known is not None and known.price_per_unit == row.price_per_unit:
        return known.id, None, False
    mark_id = uuid.uuid4() if known is None else known.id
    if known is None:
        values = {"id": mark_id, "portfolio_id": portfolio.id, "symbol": row.symbol, "date": row.date, "created_at": utc_now()}
        connection.execute(insert(appraisals), values | {"price_per_unit": row.price_per_unit})
    else:
        connection.execute(update(appraisals).where(mine).values(price_per_unit=row.price_per_unit))
    return mark_id, _record_mark(connection, calendar, portfolio, row.date, "added or corrected"), known is None


def remove_appraisal(connection: Connection, calendar: SessionCalendar, portfolio: Portfolio, mark_id: uuid.UUID) -> date:
    """Remove a mark; the first affected session. `NotFound` where the portfolio has none of that id."""
    portfolio = locked(connection, portfolio)
    return _record_mark(connection, calendar, portfolio, _taken_out(connection, appraisals, portfolio, mark_id, "appraisal"), "removed")


def _record_mark(connection: Connection, calendar: SessionCalendar, portfolio: Portfolio, day: date, what: str) -> date:
    first = event_session(day, portfolio.cash_as_of, calendar)
    record_change(connection, portfolio.id, first, f"appraisals: 1 {what}")
    return first


def _refuse_strangers(connection: Connection, portfolio: Portfolio, symbols: set[str]) -> None:
    """`LedgerRefused` for symbols that are no private assets of the portfolio."""
    private = select(lots.c.symbol).distinct().where(lots.c.portfolio_id == portfolio.id, lots.c.asset_class == "private")
    owned = set(connection.execute(private).scalars())
    strangers = sorted(symbols - owned)
    if strangers:
        raise LedgerRefused(
            f"{', '.join(strangers)}: no private asset of {portfolio.slug} "
            f"(it has {', '.join(sorted(owned)) or 'none'}); nothing was written."
        )


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
        _refuse_strangers(connection, portfolio, {row.symbol for row in rows})
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
