"""The record of ledger changes: which sessions' numbers each one affects."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, update

from sigmasight_assets.sessions import FIRST_DATE, utc_now
from sigmasight_assets.store.tables import ledger_changes

INCEPTION = FIRST_DATE
"""The first session of a change that moves C0: every session of the portfolio is affected."""


def record_change(connection: Connection, portfolio_id: uuid.UUID, first_session: date, what: str, facet: str = "book") -> None:
    """Note that a portfolio's numbers from `first_session` on are old."""
    row = {"portfolio_id": portfolio_id, "facet": facet, "first_session": first_session, "what": what, "changed_at": utc_now()}
    connection.execute(insert(ledger_changes), row)


@dataclass(frozen=True)
class Unprocessed:
    """Changes that no run covers yet: from which session on, and up to which change."""

    first_session: date
    last_id: int
    n_changes: int


def unprocessed(connection: Connection) -> Unprocessed | None:
    """What the sensor has to cover; None when nothing."""
    c = ledger_changes.c
    query = select(func.min(c.first_session), func.max(c.id), func.count()).where(c.processed_at.is_(None))
    first, last, n = connection.execute(query).one()
    return None if not n else Unprocessed(first, last, n)


def mark_processed(connection: Connection, last_id: int, at: datetime) -> None:
    """Changes up to `last_id` are covered by a run."""
    changed = ledger_changes.c
    connection.execute(update(ledger_changes).where(changed.id <= last_id, changed.processed_at.is_(None)).values(processed_at=at))
