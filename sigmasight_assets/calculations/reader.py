"""What a calculation reads with: one connection, so one moment, and the session calendar."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, Table, and_

from sigmasight_assets.engines.arrays import IntArray
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.arrays import by_object
from sigmasight_assets.store.database import Database

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reader:
    """One consistent moment of the store.

    Times are positions in the calendar; `positions` and `sessions` convert.
    """

    database: Database
    connection: Connection
    calendar: SessionCalendar

    def frame(self, query: Select) -> pd.DataFrame:
        return self.database.frame(query, self.connection)

    def positions(self, sessions: Sequence[date]) -> IntArray:
        """Calendar positions of sessions, shape (n_sessions,)."""
        return np.searchsorted(self.calendar.days, np.array(sessions, dtype="datetime64[D]")).astype(np.int64)

    def positions_of(self, column: pd.Series) -> IntArray:
        """Calendar positions of a frame's session column."""
        return np.searchsorted(self.calendar.days, column.to_numpy().astype("datetime64[D]")).astype(np.int64)

    def sessions(self, positions: IntArray) -> np.ndarray:
        """Sessions at calendar positions in the frames' dtype; NaT where a position is negative."""
        days = self.calendar.days[np.maximum(positions, 0)].astype("datetime64[s]")
        return np.where(positions < 0, np.datetime64("NaT", "s"), days)

    def days(self, positions: IntArray) -> list[date]:
        """The sessions at calendar positions."""
        return [self.day(p) for p in positions.tolist()]

    def day(self, position: int) -> date:
        """The session at a calendar position; the calendar's first for what lies before it."""
        day: date = self.calendar.days[max(position, 0)].item()
        return day


@contextmanager
def reading(database: Database, calendar: SessionCalendar) -> Iterator[Reader]:
    """Read one moment of the store."""
    with database.read() as connection:
        yield Reader(database, connection, calendar)


def rows_of(table: Table, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID]) -> ColumnElement[bool]:
    """The rows of some sessions and portfolios: both named, so that the primary key gives them in its order and nothing is sorted."""
    key = table.c
    return and_(
        key.session.between(min(sessions), max(sessions)), key.session.in_(list(sessions)), key.portfolio_id.in_(list(portfolio_ids))
    )


def places_of(ids: pd.Series, known: Sequence[uuid.UUID]) -> IntArray:
    """Where each id of a column stands among the known ones."""
    place = {one: i for i, one in enumerate(known)}
    return by_object(ids.tolist(), place.__getitem__).astype(np.int64)
