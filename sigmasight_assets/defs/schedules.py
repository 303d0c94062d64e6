"""The daily schedule: market data after the close, then (by the sensor) the book."""

from collections.abc import Collection
from datetime import datetime

import dagster as dg

from sigmasight_assets.calculations.evening import EVENING, evening_session
from sigmasight_assets.defs.checks import PARTITION, RANGE_END, RANGE_START
from sigmasight_assets.defs.deployment import DEPLOYMENT, Deployment
from sigmasight_assets.defs.jobs import market_data
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.defs.sensors import materialized_market_sessions


def session_to_run(deployment: Deployment, moment: datetime) -> str | dg.SkipReason:
    """The session that an evening tick is for, or why there is none."""
    found = evening_session(deployment.calendar, deployment.provider, moment)
    return dg.SkipReason(found) if isinstance(found, str) else found.isoformat()


def first_to_run(deployment: Deployment, session: str, stored: Collection[str]) -> str:
    """The first session after the last stored one: a tick missed while the daemon was off is made up for.

    A store without any session begins with today's: history is a backfill, which its owner asks for.
    """
    earlier = [key for key in stored if key < session]
    if not earlier:
        return session
    calendar = deployment.calendar
    return calendar.offset(datetime.fromisoformat(max(earlier)).date(), 1).isoformat()


@dg.schedule(
    job=market_data,
    cron_schedule=f"{EVENING.minute} {EVENING.hour} * * *",
    execution_timezone="America/New_York",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="18:30 New York: the session that closed today, with those missed before it. Weekends and holidays are skipped.",
)
def daily(context: dg.ScheduleEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    found = session_to_run(DEPLOYMENT, context.scheduled_execution_time)
    if isinstance(found, dg.SkipReason):
        return found
    first = first_to_run(DEPLOYMENT, found, materialized_market_sessions(store))
    if first == found:
        return dg.RunRequest(run_key=f"daily-{found}", partition_key=found, tags={PARTITION: found})
    return dg.RunRequest(run_key=f"daily-{found}", tags={RANGE_START: first, RANGE_END: found})
