"""On which session a dated event of the ledger counts (docs/conventions.md §1)."""

from __future__ import annotations

from datetime import date

from sigmasight_assets.sessions import SessionCalendar


def event_session(day: date, stated_as_of: date, calendar: SessionCalendar) -> date:
    """The session of a lot's entry or exit, or of a flow.

    The stated as-of date rolls back to the last session s*; what is dated after s* but not after the stated date belongs to s*.
    Every other event on a non-session falls on the next session.
    """
    as_of_session = calendar.roll_back(stated_as_of)
    if as_of_session < day <= stated_as_of:
        return as_of_session
    return calendar.roll_forward(day)


def settlement_session(expiry: date, calendar: SessionCalendar) -> date:
    """The session on which an option settles: its expiry, or the session before where that is no session."""
    return calendar.roll_back(expiry)
