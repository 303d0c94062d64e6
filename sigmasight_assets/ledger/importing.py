"""Bringing a file's lots into a portfolio: first the difference, then the change, in one transaction."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.ledger.csv_lots import LotRow
from sigmasight_assets.ledger.event_sessions import event_session
from sigmasight_assets.ledger.tagging import give_tags, record_tagging
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.tables import imports, instruments, lot_tags, lots, tags

Mode = Literal["add", "replace"]
EntryFacts = tuple[str, str, Decimal, Decimal, date]
ExitFacts = tuple[date | None, Decimal | None, tuple[str, ...]]


@dataclass(frozen=True)
class HeldLot:
    """A lot as the ledger has it."""

    id: uuid.UUID
    symbol: str
    asset_class: str
    quantity: Decimal
    entry_price: Decimal
    entry_date: date
    exit_date: date | None
    exit_price: Decimal | None
    tags: tuple[str, ...]


@dataclass
class Difference:
    """What an import would change.

    Attributes
    ----------
    added : list of LotRow
    removed : list of HeldLot
        Only when replacing.
    changed : list of (HeldLot, LotRow)
        Same entry, other exit or tags.
    conflicts : list of (HeldLot, LotRow)
        The same when adding: refused, as the file and the ledger disagree about a lot.
    unchanged : int
    """

    added: list[LotRow] = field(default_factory=list)
    removed: list[HeldLot] = field(default_factory=list)
    changed: list[tuple[HeldLot, LotRow]] = field(default_factory=list)
    conflicts: list[tuple[HeldLot, LotRow]] = field(default_factory=list)
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.changed or self.conflicts)


@dataclass(frozen=True)
class Applied:
    """What a difference became.

    Attributes
    ----------
    lot_ids : list of UUID
        Of the lots that it added, in order.
    first_session : date or None
        The first session whose numbers are old.
    """

    lot_ids: list[uuid.UUID]
    first_session: date | None


def held_lots(connection: Connection, portfolio_id: uuid.UUID) -> list[HeldLot]:
    """The portfolio's lots with their tags, in order of entry into the ledger."""
    named: dict[uuid.UUID, list[str]] = defaultdict(list)
    pairs = select(lot_tags.c.lot_id, tags.c.name).join(tags, tags.c.id == lot_tags.c.tag_id).join(lots, lots.c.id == lot_tags.c.lot_id)
    for lot_id, name in connection.execute(pairs.where(lots.c.portfolio_id == portfolio_id)):
        named[lot_id].append(name)
    columns = [lots.c[name] for name in HeldLot.__dataclass_fields__ if name != "tags"]
    rows = connection.execute(select(*columns).where(lots.c.portfolio_id == portfolio_id).order_by(lots.c.ordinal))
    return [HeldLot(**row._mapping, tags=tuple(sorted(named[row.id], key=str.lower))) for row in rows]


def difference(held: Sequence[HeldLot], rows: Sequence[LotRow], mode: Mode) -> Difference:
    """Compare a file with the ledger, lot by lot: two equal lots are two lots, and the same file twice is no difference."""
    out = Difference()
    waiting: dict[EntryFacts, list[HeldLot]] = defaultdict(list)
    for lot in held:
        waiting[_entry(lot)].append(lot)
    unmatched: list[LotRow] = []
    for row in rows:  # equal in everything first, so that equal entries pair with their own exits
        same = next((lot for lot in waiting[_entry(row)] if _exit(lot) == _exit(row)), None)
        if same is None:
            unmatched.append(row)
        else:
            waiting[_entry(row)].remove(same)
            out.unchanged += 1
    for row in unmatched:
        others = waiting[_entry(row)]
        if others:
            (out.changed if mode == "replace" else out.conflicts).append((others.pop(0), row))
        else:
            out.added.append(row)
    if mode == "replace":
        out.removed = [lot for remaining in waiting.values() for lot in remaining]
    return out


def _entry(lot: HeldLot | LotRow) -> EntryFacts:
    return lot.symbol, lot.asset_class, lot.quantity, lot.entry_price, lot.entry_date


def _exit(lot: HeldLot | LotRow) -> ExitFacts:
    return lot.exit_date, lot.exit_price, tuple(sorted(tag.lower() for tag in lot.tags))


def apply_difference(
    connection: Connection,
    portfolio: Portfolio,
    diff: Difference,
    calendar: SessionCalendar,
    content_hash: str,
    *,
    cash_moved: bool,
    is_new: bool,
) -> Applied:
    """Write a difference, and record which sessions it affects; `content_hash` is that of the file it comes from."""
    if diff.removed:
        connection.execute(delete(lots).where(lots.c.id == bindparam("lot")), [{"lot": lot.id} for lot in diff.removed])
    for lot, row in diff.changed:
        connection.execute(update(lots).where(lots.c.id == lot.id).values(exit_date=row.exit_date, exit_price=row.exit_price))
        connection.execute(delete(lot_tags).where(lot_tags.c.lot_id == lot.id))
    new_ids = _insert_lots(connection, portfolio, diff.added, content_hash)
    tagged = [(lot.id, row) for lot, row in diff.changed] + list(zip(new_ids, diff.added, strict=True))
    give_tags(connection, portfolio.owner_id, [(lot_id, row.tags) for lot_id, row in tagged])
    return Applied(new_ids, _record(connection, portfolio, diff, calendar, cash_moved=cash_moved, is_new=is_new))


def _insert_lots(connection: Connection, portfolio: Portfolio, rows: Sequence[LotRow], content_hash: str) -> list[uuid.UUID]:
    if not rows:
        return []
    _ensure_instruments(connection, rows)
    last = connection.execute(select(func.max(lots.c.ordinal)).where(lots.c.portfolio_id == portfolio.id)).scalar_one()
    start, now = (0 if last is None else last + 1), utc_now()
    ids = _lot_ids(connection, portfolio, rows, content_hash)
    values = [
        {
            "id": lot_id,
            "portfolio_id": portfolio.id,
            "symbol": row.symbol,
            "asset_class": row.asset_class,
            "quantity": row.quantity,
            "entry_price": row.entry_price,
            "entry_date": row.entry_date,
            "exit_date": row.exit_date,
            "exit_price": row.exit_price,
            "ordinal": start + i,
            "created_at": now,
        }
        for i, (lot_id, row) in enumerate(zip(ids, rows, strict=True))
    ]
    connection.execute(insert(lots), values)
    return ids


def _lot_ids(connection: Connection, portfolio: Portfolio, rows: Sequence[LotRow], content_hash: str) -> list[uuid.UUID]:
    """The same file in the same portfolio gives the same ids, so that what is said of a lot holds in every copy."""
    wanted = [uuid.uuid5(portfolio.id, f"{content_hash} line {row.line}") for row in rows]
    taken = set(connection.execute(select(lots.c.id).where(lots.c.portfolio_id == portfolio.id)).scalars())
    return [uuid.uuid4() if lot_id in taken else lot_id for lot_id in wanted]


def _ensure_instruments(connection: Connection, rows: Sequence[LotRow]) -> None:
    """Every (symbol, asset class) that the lots name has its terms in `instruments`."""
    wanted = {(row.symbol, row.asset_class): row for row in rows}
    known = {(row.symbol, row.asset_class) for row in connection.execute(select(instruments.c.symbol, instruments.c.asset_class))}
    values = []
    for (symbol, asset_class), row in wanted.items():
        if (symbol, asset_class) not in known:
            option = row.option
            values.append(
                {
                    "symbol": symbol,
                    "asset_class": asset_class,
                    "underlying": option.underlying if option else symbol,
                    "multiplier": option.multiplier if option else 1,
                    "expiry": option.expiry if option else None,
                    "strike": option.strike if option else None,
                    "option_type": option.option_type if option else None,
                    "exercise_style": option.exercise_style if option else None,
                    "created_at": utc_now(),
                }
            )
    if values:
        connection.execute(insert(instruments), values)


def _record(
    connection: Connection, portfolio: Portfolio, diff: Difference, calendar: SessionCalendar, *, cash_moved: bool, is_new: bool
) -> date | None:
    """Note which sessions a difference affects; the first one, None where it changes no number."""
    moved = [pair for pair in diff.changed if _exit(pair[0])[:2] != _exit(pair[1])[:2]]
    touched: list[HeldLot | LotRow] = [*diff.added, *diff.removed, *(lot for lot, _ in moved)]
    sessions = {id(lot): event_session(lot.entry_date, portfolio.cash_as_of, calendar) for lot in touched}
    affected: date | None = None
    if is_new or cash_moved or touched:
        as_of = calendar.roll_back(portfolio.cash_as_of)
        moves_opening_cash = is_new or cash_moved or any(session <= as_of for session in sessions.values())
        affected = INCEPTION if moves_opening_cash else min(sessions.values())
        what = f"lots: {len(diff.added)} added, {len(diff.removed)} removed, {len(diff.changed)} changed" + (", cash restated" * cash_moved)
        record_change(connection, portfolio.id, affected, what)
    options = [lot for lot in touched if lot.asset_class == "option"]
    if options:
        first = min(sessions[id(lot)] for lot in options)
        record_change(connection, portfolio.id, first, f"options held anew or no more: {len(options)} lots", facet="contracts")
    retagged = [lot.id for lot, row in diff.changed if _exit(lot)[2] != _exit(row)[2]]
    named_otherwise = record_tagging(connection, retagged, calendar, f"tags of {len(retagged)} lots").get(portfolio.id)
    return min((day for day in (affected, named_otherwise) if day is not None), default=None)


def record_import(
    connection: Connection, portfolio_id: uuid.UUID, kind: str, content_hash: str, file_name: str, mode: str, rows_added: int
) -> None:
    """Note which file came in."""
    row = {
        "id": uuid.uuid4(),
        "portfolio_id": portfolio_id,
        "kind": kind,
        "content_hash": content_hash,
        "file_name": file_name[:255],
        "mode": mode,
        "rows_added": rows_added,
        "created_at": utc_now(),
    }
    connection.execute(insert(imports), row)
