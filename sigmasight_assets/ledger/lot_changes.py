"""One lot at a time: added, corrected, closed in whole or in part, deleted. Each notes the first session whose numbers it affects."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from sqlalchemy import Connection, insert, select, update

from sigmasight_assets.errors import LedgerConflict, LedgerRefused, NotFound
from sigmasight_assets.ledger.accounts import Portfolio, locked
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.ledger.csv_lots import LotRow
from sigmasight_assets.ledger.event_sessions import event_session, settlement_session
from sigmasight_assets.ledger.importing import Applied, Difference, HeldLot, apply_difference, held_lots
from sigmasight_assets.ledger.option_symbols import parse
from sigmasight_assets.ledger.tagging import give_tags
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.columns import DECIMALS
from sigmasight_assets.store.tables import lots, prices

_SMALLEST = Decimal(1).scaleb(-DECIMALS)


@dataclass(frozen=True)
class Closed:
    """What closing a lot left.

    Attributes
    ----------
    lot_id : UUID
        The lot that is closed: the lot itself, or a new one with the part that was closed.
    remaining_id : UUID or None
        The lot itself, with what is still held; None where nothing is.
    """

    lot_id: uuid.UUID
    remaining_id: uuid.UUID | None
    first_session: date


def add_lot(connection: Connection, portfolio: Portfolio, row: LotRow, calendar: SessionCalendar) -> Applied:
    """Add a lot to a portfolio; two equal lots are two lots.

    Raises
    ------
    LedgerRefused
        Where the owner would have too many tags.
    """
    return _applied(connection, locked(connection, portfolio), Difference(added=[row]), calendar)


def delete_lot(connection: Connection, portfolio: Portfolio, lot: HeldLot, calendar: SessionCalendar) -> Applied:
    """Remove a lot from the books, as though it had never been held."""
    return _applied(connection, locked(connection, portfolio), Difference(removed=[lot]), calendar)


def _applied(connection: Connection, portfolio: Portfolio, diff: Difference, calendar: SessionCalendar) -> Applied:
    return apply_difference(connection, portfolio, diff, calendar, uuid.uuid4().hex, cash_moved=False, is_new=False)


def require_lot(connection: Connection, portfolio: Portfolio, lot_id: uuid.UUID) -> HeldLot:
    """A lot of the portfolio as it stands, held against other changes of the books; `NotFound` where there is none."""
    locked(connection, portfolio)
    found = next((lot for lot in held_lots(connection, portfolio.id) if lot.id == lot_id), None)
    if found is None:
        raise NotFound(f"There is no position {lot_id}.")
    return found


def change_lot(connection: Connection, portfolio: Portfolio, lot: HeldLot, row: LotRow, calendar: SessionCalendar) -> date | None:
    """Make quantity, entry and exit of a lot what `row` says; the first affected session, None where it is what it was.

    The row is one that the rules of files have passed; its symbol and tags are not looked at.
    """
    portfolio = locked(connection, portfolio)
    values = {name: getattr(row, name) for name in ("quantity", "entry_price", "entry_date", "exit_date", "exit_price")}
    if all(getattr(lot, name) == value for name, value in values.items()):
        return None
    connection.execute(update(lots).where(lots.c.id == lot.id).values(**values))
    same_entry = (lot.quantity, lot.entry_price, lot.entry_date) == (row.quantity, row.entry_price, row.entry_date)
    dates = [lot.exit_date, row.exit_date] if same_entry else [lot.entry_date, row.entry_date]
    return _record(connection, portfolio, lot, dates, calendar, "corrected")


def close_lot(
    connection: Connection, portfolio: Portfolio, lot: HeldLot, row: LotRow, quantity: Decimal | None, calendar: SessionCalendar
) -> Closed:
    """Close a lot, or `quantity` of it, at the exit that `row` states: the lot's own facts with the exit, passed by the rules of files.

    A part splits the lot: the lot keeps what is still held, and a new lot with its entry and its tags has the part and the exit.

    Parameters
    ----------
    quantity : Decimal or None
        Shares or contracts of the exit date, without a sign; None closes all. A lot is kept in those of its entry date: splits between
        the two are taken out.

    Raises
    ------
    LedgerRefused
        For a quantity that is not above 0, or more than is held.
    LedgerConflict
        For a lot that is closed already.
    """
    portfolio = locked(connection, portfolio)
    if lot.exit_date is not None:
        raise LedgerConflict(f"The position was closed on {lot.exit_date}.")
    part = None if quantity is None else _part(connection, portfolio, lot, row, quantity, calendar)
    if part is None:
        values = {"exit_date": row.exit_date, "exit_price": row.exit_price}
        connection.execute(update(lots).where(lots.c.id == lot.id).values(**values))
        return Closed(lot.id, None, _record(connection, portfolio, lot, [row.exit_date], calendar, "closed"))
    connection.execute(update(lots).where(lots.c.id == lot.id).values(quantity=lot.quantity - part))
    new_id = uuid.uuid4()
    ordinal = select(lots.c.ordinal).where(lots.c.id == lot.id).scalar_subquery()  # beside the lot that it was a part of
    facts = replace(lot, id=new_id, quantity=part, exit_date=row.exit_date, exit_price=row.exit_price)
    stated = {name: value for name, value in vars(facts).items() if name != "tags"}
    connection.execute(insert(lots).values(**stated, portfolio_id=portfolio.id, ordinal=ordinal, created_at=utc_now()))
    give_tags(connection, portfolio.owner_id, [(new_id, lot.tags)])
    first = _record(connection, portfolio, lot, [row.exit_date], calendar, "closed in part", rows_from=lot.entry_date)
    return Closed(new_id, lot.id, first)


def _part(
    connection: Connection, portfolio: Portfolio, lot: HeldLot, row: LotRow, quantity: Decimal, calendar: SessionCalendar
) -> Decimal | None:
    """The part of a lot's quantity, in shares of its entry date, that `quantity` of the exit date is; None for all of it."""
    if row.exit_date is None:
        raise LedgerRefused("Expected an exit date and an exit price.")
    first, last = (event_session(day, portfolio.cash_as_of, calendar) for day in (lot.entry_date, row.exit_date))
    factor = Decimal(1) if lot.asset_class == "private" else split_factor(connection, _underlying(lot), first, last)
    held = abs(lot.quantity) * factor
    if not 0 < quantity <= held:
        raise LedgerRefused(
            f"Expected a quantity above 0 and at most {held.normalize():f}, what is held on {row.exit_date}, was {quantity}."
        )
    if quantity == held:
        return None
    return (quantity / factor).quantize(_SMALLEST, ROUND_HALF_EVEN).copy_sign(lot.quantity)


def split_factor(connection: Connection, underlying: str, entry: date, last: date) -> Decimal:
    """Shares on a session for one share of an entry session: the product of the ratios of splits after it."""
    p = prices.c
    query = select(p.split_ratio).where(p.symbol == underlying, p.session > entry, p.session <= last, p.split_ratio != 1)
    factor = Decimal(1)
    for ratio in connection.execute(query.where(p.status != "quarantined")).scalars():
        factor *= Decimal(repr(float(ratio)))
    return factor


def _underlying(lot: HeldLot) -> str:
    return parse(lot.symbol).underlying if lot.asset_class == "option" else lot.symbol


def _record(
    connection: Connection,
    portfolio: Portfolio,
    lot: HeldLot,
    dates: Sequence[date | None],
    calendar: SessionCalendar,
    what: str,
    rows_from: date | None = None,
) -> date:
    """Note a change of what a lot did on some dates; the first affected session.

    What counts up to the session of the stated cash moves C0. `rows_from` is a date from which rows of the lot are others although no
    cash moves: a part of it has a row of its own.
    """
    sessions = [_session(lot, day, portfolio, calendar) for day in dates if day is not None]
    first = INCEPTION if min(sessions) <= calendar.roll_back(portfolio.cash_as_of) else min(sessions)
    if rows_from is not None:
        sessions.append(_session(lot, rows_from, portfolio, calendar))
        first = min(first, *sessions)
    record_change(connection, portfolio.id, first, f"lot of {lot.symbol} {what}")
    if lot.asset_class == "option":
        record_change(connection, portfolio.id, min(sessions), f"options held anew or no more: {lot.symbol} {what}", facet="contracts")
    return first


def _session(lot: HeldLot, day: date, portfolio: Portfolio, calendar: SessionCalendar) -> date:
    """On which session an event of a lot counts: of an option never after its settlement."""
    session = event_session(day, portfolio.cash_as_of, calendar)
    expiry = parse(lot.symbol).expiry if lot.asset_class == "option" else None
    return session if expiry is None or expiry > calendar.last_date else min(session, settlement_session(expiry, calendar))
