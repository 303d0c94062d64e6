"""When the New York Stock Exchange trades, by `exchange_calendars`; what that library says is kept beside this file.

The library builds a calendar in half a second and needs pandas for it. What it says of the exchange is one short list: the weekdays on
which it is closed, and those on which it closes early. The list is read where it was written from the installed version of the library
and reaches far enough; else the library is asked. `scripts/keep_sessions.py` writes it.
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

NEW_YORK = ZoneInfo("America/New_York")
FIRST_DATE = date(1990, 1, 2)
"""The calendar's first date; portfolios and prices before it are refused."""
LAST_KEPT = date(2045, 12, 31)
LIBRARY = "exchange_calendars"
KEPT = Path(__file__).with_name("session_exceptions.csv")
USUAL_CLOSE = time(16)

Dates = npt.NDArray[np.datetime64]
Schedule = tuple[Dates, Dates]
"""Sessions as datetime64[D] and the moments at which they close as datetime64[s] in UTC, each of shape (n_sessions,)."""


def schedule(last: date) -> Schedule:
    """Sessions and closes from `FIRST_DATE` to a date."""
    kept = kept_schedule(last) if last <= LAST_KEPT else None
    return library_schedule(last) if kept is None else kept


def kept_schedule(last: date) -> Schedule | None:
    """From the list that is kept; None where it is of another version of the library than the installed one."""
    with KEPT.open(encoding="utf-8", newline="") as file:
        (_, made_by), *rows = csv.reader(file)
    if made_by != f"{LIBRARY} {version(LIBRARY)}":
        return None
    early = {date.fromisoformat(day): time.fromisoformat(close) for day, close in rows if close}
    days = np.arange(np.datetime64(FIRST_DATE, "D"), np.datetime64(last, "D") + 1)
    days = days[np.is_busday(days, holidays=[day for day, close in rows if not close])]
    closes = [datetime.combine(day, early.get(day, USUAL_CLOSE), NEW_YORK).astimezone(UTC).replace(tzinfo=None) for day in days.tolist()]
    return days, np.array(closes, dtype="datetime64[s]")


def library_schedule(last: date) -> Schedule:
    """From the library itself."""
    import exchange_calendars  # half a second, and pandas

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_DATE.isoformat(), end=last.isoformat())
    closes = calendar.closes.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return calendar.sessions.to_numpy().astype("datetime64[D]"), closes
