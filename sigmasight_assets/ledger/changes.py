"""The record of ledger changes: which sessions' numbers each one affects."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, update

from sigmasight_assets.sessions import FIRST_DATE
from sigmasight_assets.store.database import lock_for_writing, moment_of_change
from sigmasight_assets.store.tables import ledger_changes

INCEPTION = FIRST_DATE
"""The first session of a change that moves C0: every session of the portfolio is affected."""


def record_change(connection: Connection, portfolio_id: uuid.UUID, first_session: date, what: str, facet: str = "book") -> None:
    """Note that a portfolio's numbers from `first_session` on are old.

    Changes are committed in the order of their ids: whoever has seen one has seen all before it.
    """
    lock_for_writing(connection, ledger_changes.name)
    changed_at = moment_of_change(connection)
    row = {"portfolio_id": portfolio_id, "facet": facet, "first_session": first_session, "what": what, "changed_at": changed_at}
    connection.execute(insert(ledger_changes), row)


@dataclass(frozen=True)
class Unprocessed:
    """Changes that no run covers yet: from which session on, and up to which change.

    Attributes
    ----------
    mark : str
        Names the last change, also to a later reader of another database: its id and its moment.
    """

    first_session: date
    last_id: int
    n_changes: int
    mark: str


def unprocessed(connection: Connection) -> Unprocessed | None:
    """What the sensor has to cover; None when nothing."""
    c = ledger_changes.c
    query = select(func.min(c.first_session), func.max(c.id), func.count()).where(c.processed_at.is_(None))
    first, last, n = connection.execute(query).one()
    if not n:
        return None
    moment = connection.execute(select(c.changed_at).where(c.id == last)).scalar_one()
    return Unprocessed(first, last, n, f"{last}@{moment.isoformat()}")


def position_of(connection: Connection, mark: str) -> int:
    """The id of the change that a mark names; 0 where this database has no such change."""
    c = ledger_changes.c
    last_id, _, moment = mark.partition("@")
    query = select(c.id).where(c.id == int(last_id), c.changed_at == datetime.fromisoformat(moment))
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found or 0


def mark_processed(connection: Connection, last_id: int, at: datetime) -> None:
    """Changes up to `last_id` are covered by a run that succeeded."""
    changed = ledger_changes.c
    connection.execute(update(ledger_changes).where(changed.id <= last_id, changed.processed_at.is_(None)).values(processed_at=at))


def mark_processed_of(connection: Connection, portfolio_id: uuid.UUID, last_id: int, at: datetime) -> None:
    """The changes of one portfolio up to `last_id` are in its numbers."""
    changed = ledger_changes.c
    is_covered = (changed.portfolio_id == portfolio_id) & (changed.id <= last_id) & changed.processed_at.is_(None)
    connection.execute(update(ledger_changes).where(is_covered).values(processed_at=at))
