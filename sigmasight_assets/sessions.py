"""Trading sessions of the New York Stock Exchange: the only place that knows holidays, closes and "today".

A *session* is a `datetime.date` on which XNYS trades. Windows count sessions, never calendar days (docs/conventions.md §1).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np

from sigmasight_assets.errors import NotASession
from sigmasight_assets.session_schedule import FIRST_DATE, NEW_YORK, schedule

__all__ = ["FIRST_DATE", "NEW_YORK", "SessionCalendar", "as_dates", "calendar_for", "utc_now"]


class SessionCalendar:
    """Sessions from `FIRST_DATE` to the end of a year, with their closing times.

    Parameters
    ----------
    last_year : int
        The calendar ends on 31 December of this year.
    """

    def __init__(self, last_year: int) -> None:
        self.last_date = date(last_year, 12, 31)
        self.days, self._closes = schedule(self.last_date)  # (n_sessions,) each

    def is_session(self, day: date) -> bool:
        position = int(np.searchsorted(self.days, np.datetime64(day, "D")))
        return position < len(self.days) and bool(self.days[position] == np.datetime64(day, "D"))

    def require(self, day: date) -> date:
        """The day itself, or `NotASession` naming its neighbours."""
        if not self.is_session(day):
            before, after = self.roll_back(day), self.roll_forward(day)
            raise NotASession(f"{day} is not a trading session of XNYS: expected {before} or {after}.")
        return day

    def roll_back(self, day: date) -> date:
        """The last session on or before a date."""
        return self._at(self.position_on_or_before(day), day)

    def roll_forward(self, day: date) -> date:
        """The first session on or after a date."""
        return self._at(self.position_on_or_after(day), day)

    def offset(self, session: date, n: int) -> date:
        """The session `n` sessions later (earlier when negative)."""
        return self._at(self.position(session) + n, session)

    def between(self, first: date, last: date) -> list[date]:
        """All sessions of a closed range, in order; empty when the range holds none."""
        selected = self.days[self.position_on_or_after(first) : self.position_on_or_before(last) + 1]
        return list(selected.tolist())

    def position(self, session: date) -> int:
        """The index of a session in `days`."""
        return int(np.searchsorted(self.days, np.datetime64(self.require(session), "D")))

    def position_on_or_before(self, day: date) -> int:
        return int(np.searchsorted(self.days, np.datetime64(day, "D"), side="right")) - 1

    def position_on_or_after(self, day: date) -> int:
        return int(np.searchsorted(self.days, np.datetime64(day, "D"), side="left"))

    def close_time(self, session: date) -> datetime:
        """The moment, in UTC, at which a session closes (13:00 in New York on half days)."""
        closes: datetime = self._closes[self.position(session)].item()
        return closes.replace(tzinfo=UTC)

    def last_closed(self, now: datetime) -> date:
        """The last session that had closed at a moment; `now` must carry a time zone."""
        if now.tzinfo is None:
            raise ValueError("expected a moment with a time zone, was a naive datetime")
        moment = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "s")
        return self._at(int(np.searchsorted(self._closes, moment, side="right")) - 1, now.date())

    def holidays(self, first: date) -> list[date]:
        """Weekdays from `first` to the calendar's end on which the exchange does not trade."""
        weekdays = np.arange(np.datetime64(first, "D"), np.datetime64(self.last_date, "D") + 1)
        weekdays = weekdays[np.is_busday(weekdays)]
        closed: list[date] = np.setdiff1d(weekdays, self.days).tolist()
        return closed

    def _at(self, position: int, asked: date) -> date:
        if not 0 <= position < len(self.days):
            raise NotASession(f"{asked} is outside the session calendar ({FIRST_DATE} … {self.last_date}).")
        session: date = self.days[position].item()
        return session


def calendar_for(now: datetime) -> SessionCalendar:
    """The calendar to 31 December of the year after a moment (so that it changes once a year, not daily)."""
    return _calendar(now.astimezone(NEW_YORK).year + 1)


@functools.lru_cache(maxsize=4)
def _calendar(last_year: int) -> SessionCalendar:
    return SessionCalendar(last_year)


def utc_now() -> datetime:
    """The real clock. Everything below takes the moment as an argument; only edges call this."""
    return datetime.now(UTC)


def as_dates(values: Sequence[date | str]) -> list[date]:
    """ISO texts or dates as plain dates, in the given order."""
    return [value if isinstance(value, date) else date.fromisoformat(value) for value in values]
