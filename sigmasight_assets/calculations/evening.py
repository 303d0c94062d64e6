"""The evening's run: when it begins, and which session it is for."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from sigmasight_assets.sessions import NEW_YORK, SessionCalendar

if TYPE_CHECKING:
    from sigmasight_assets.providers.protocol import MarketDataProvider

EVENING = time(18, 30)
"""In New York: after the close, when vendors have the day's prices."""


def evening_session(calendar: SessionCalendar, provider: MarketDataProvider, moment: datetime) -> date | str:
    """The session that the run of an evening is for, or why there is none."""
    today = moment.astimezone(NEW_YORK).date()
    if not calendar.is_session(today):
        return f"{today} is not a trading session"
    if today > calendar.last_closed(moment):
        return f"the session {today} has not closed"
    last = provider.last_session(moment)
    if today > last:
        return f"{provider.name} data end {last}"
    return today
