"""Sensors: the book follows the market data, and follows the ledger."""

from collections.abc import Mapping

import dagster as dg
from sqlalchemy import select

from sigmasight_assets.defs.checks import PARTITION, RANGE_END, RANGE_START
from sigmasight_assets.defs.jobs import book, market_data
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.ledger.changes import mark_processed, unprocessed
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.tables import materializations


def book_range(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The book sessions that a market run touches; None when it touches none."""
    first = tags.get(PARTITION) or tags.get(RANGE_START)
    last = tags.get(PARTITION) or tags.get(RANGE_END)
    if first is None or last is None:
        return None
    keys = [key for key in BOOK_SESSIONS.get_partition_keys() if first <= key <= last]
    return (keys[0], keys[-1]) if keys else None


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[market_data],
    request_job=book,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="After market data of some sessions, the book of the same sessions.",
)
def book_after_market_data(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    if context.dagster_run.tags.get("sigmasight/book_follows") == "command":
        return dg.SkipReason("the command that ran the market data runs the book itself")
    found = book_range(context.dagster_run.tags)
    if found is None:
        return dg.SkipReason("the market run is of no book session")
    return dg.RunRequest(run_key=f"after-{context.dagster_run.run_id}", tags={RANGE_START: found[0], RANGE_END: found[1]})


@dg.sensor(
    job=book,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Imports and edits since the last run become one run over the sessions that they affect.",
)
def ledger_changed(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    database = store.database
    with database.read() as connection:
        found = unprocessed(connection)
    if found is None:
        return dg.SkipReason("no change of the ledger waits")
    covered = materialized_market_sessions(store)
    keys = [key for key in BOOK_SESSIONS.get_partition_keys() if key >= found.first_session.isoformat() and key in covered]
    if not keys:
        return dg.SkipReason("the changed sessions have no market data yet")
    with database.write() as connection:
        mark_processed(connection, found.last_id, utc_now())
    context.log.info(f"{found.n_changes} changes from {found.first_session} on: {len(keys)} sessions")
    return dg.RunRequest(run_key=f"ledger-{found.last_id}", tags={RANGE_START: keys[0], RANGE_END: keys[-1]})


def materialized_market_sessions(store: StoreResource) -> set[str]:
    """Sessions whose prices are stored."""
    query = select(materializations.c.session).where(materializations.c.table_name == "prices")
    return {f"{day:%Y-%m-%d}" for day in store.database.frame(query)["session"]}
