"""The daily schedule: market data after the close, then (by the sensor) the book."""

from datetime import datetime

import dagster as dg

from sigmasight_assets.defs.checks import PARTITION
from sigmasight_assets.defs.deployment import DEPLOYMENT, Deployment
from sigmasight_assets.defs.jobs import market_data
from sigmasight_assets.sessions import NEW_YORK


def session_to_run(deployment: Deployment, moment: datetime) -> str | dg.SkipReason:
    """The session that an evening tick is for, or why there is none."""
    today = moment.astimezone(NEW_YORK).date()
    if not deployment.calendar.is_session(today):
        return dg.SkipReason(f"{today} is not a trading session")
    last = deployment.provider.last_session(moment)
    if today > last:
        name = deployment.provider.name
        return dg.SkipReason(f"{name} data end {last}")
    return today.isoformat()


@dg.schedule(
    job=market_data,
    cron_schedule="30 18 * * *",
    execution_timezone="America/New_York",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="18:30 New York: the session that closed today. Weekends and holidays are skipped.",
)
def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    found = session_to_run(DEPLOYMENT, context.scheduled_execution_time)
    if isinstance(found, dg.SkipReason):
        return found
    return dg.RunRequest(run_key=f"daily-{found}", partition_key=found, tags={PARTITION: found})
