"""One partition per trading session: market sessions from the provider's first, book sessions from `book_start`."""

from datetime import date, datetime, timedelta

from sigmasight_assets.defs.deployment import DEPLOYMENT, Deployment
from sigmasight_assets.defs.session_partitions import SessionPartitionsDefinition
from sigmasight_assets.sessions import FIRST_DATE, utc_now

WEEKENDS = ["0 0 * * 6", "0 0 * * 0"]


def session_partitions(deployment: Deployment, first: date, now: datetime) -> SessionPartitionsDefinition:
    """Daily partitions without weekends and holidays.

    The holidays run from the first session to the end of the calendar (31 December of next year): they are part of the definition's
    identity, which must not change daily. Without a live provider the partitions end with its last session, so that none is grey.
    """
    holidays = [datetime(day.year, day.month, day.day) for day in deployment.calendar.holidays(max(first, FIRST_DATE))]  # noqa: DTZ001
    end = None if deployment.provider.is_live else deployment.provider.last_session(now) + timedelta(days=1)
    return SessionPartitionsDefinition(
        start_date=first.isoformat(),
        end_date=end.isoformat() if end else None,
        end_offset=0 if end else 1,
        timezone="America/New_York",
        exclusions=[*WEEKENDS, *holidays],
    )


MARKET_SESSIONS = session_partitions(DEPLOYMENT, DEPLOYMENT.provider.first_session(), utc_now())
BOOK_SESSIONS = session_partitions(DEPLOYMENT, DEPLOYMENT.first_book_session, utc_now())
