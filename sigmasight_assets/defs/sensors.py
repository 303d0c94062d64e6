"""Sensors: the book follows the market data and the ledger, and what is stale is computed anew."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import dagster as dg
from sqlalchemy import func, select

from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.refreshing import Refresh, pending_refreshes
from sigmasight_assets.defs.checks import PARTITION, RANGE_END, RANGE_START
from sigmasight_assets.defs.deployment import DEPLOYMENT
from sigmasight_assets.defs.jobs import BOOK, book, market_data
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import SCOPE_TAG, StoreResource
from sigmasight_assets.defs.runs import tidy
from sigmasight_assets.ledger.changes import Unprocessed, mark_processed, position_of, unprocessed
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations, operations

LEDGER_TAG = "sigmasight/ledger_change"
"""Run tag: the last ledger change that the run covers."""
ASKED_BY_TAG = "sigmasight/asked_by"
API_PATIENCE = timedelta(minutes=15)
MAX_ATTEMPTS = 3
"""Runs for one state of the ledger: after as many failures the next change, or a person, has to come."""


def book_range(tags: Mapping[str, str], stale: Sequence[str]) -> tuple[str, str] | None:
    """The book sessions to compute after a market run: those it is of, and those that are stale; None when there are none."""
    first = tags.get(PARTITION) or tags.get(RANGE_START)
    last = tags.get(PARTITION) or tags.get(RANGE_END)
    if first is None or last is None:
        return None
    old = set(stale)
    keys = [key for key in BOOK_SESSIONS.get_partition_keys() if first <= key <= last or key in old]
    return (keys[0], keys[-1]) if keys else None


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[market_data],
    request_job=book,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="After market data of some sessions: the book of the same sessions, and of those that the new data make stale.",
)
def book_after_market_data(context: dg.RunStatusSensorContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    if context.dagster_run.tags.get("sigmasight/book_follows") == "command":
        return dg.SkipReason("the command that ran the market data runs the book itself")
    found = book_range(context.dagster_run.tags, stale_book_sessions(store.database))
    if found is None:
        return dg.SkipReason("the market run is of no book session")
    return dg.RunRequest(run_key=f"after-{context.dagster_run.run_id}", tags={RANGE_START: found[0], RANGE_END: found[1]})


def stale_book_sessions(database: Database) -> list[str]:
    """Sessions with a stale row set of the book."""
    rows = stale_rows(database, DEPLOYMENT.calendar, DEPLOYMENT.provider, tables=BOOK)
    return sorted({f"{day:%Y-%m-%d}" for day in rows["session"].dropna()})


@dg.sensor(
    job=book,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Imports and edits since the last run become one run over the sessions that they affect; a run that fails is asked for "
    f"again, {MAX_ATTEMPTS} times in all.",
)
def ledger_changed(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    """A change counts as processed when a run that covers it has succeeded, not when one was asked for: nothing gets lost between."""
    database = store.database
    with database.read() as connection:
        found = unprocessed(connection)
    if found is None:
        return dg.SkipReason("no change of the ledger waits")
    if is_api_at_work(database):
        return dg.SkipReason("an operation of the API brings the books up to date")
    tidy(context.instance, database)
    filters = dg.RunsFilter(job_name=book.name, tags={ASKED_BY_TAG: "ledger_changed"})
    runs = context.instance.get_runs(filters=filters, limit=4 * MAX_ATTEMPTS)
    found = _still_unprocessed(database, [run for run in runs if run.status == dg.DagsterRunStatus.SUCCESS])
    if found is None:
        return dg.SkipReason("a run has covered the changes of the ledger")
    working = [run for run in runs if not run.is_finished and run.status != dg.DagsterRunStatus.NOT_STARTED]
    if working:
        return dg.SkipReason(f"the run {working[0].run_id} is at work")
    failed = [run for run in runs if run.is_finished and run.tags.get(LEDGER_TAG) == found.mark]
    if len(failed) >= MAX_ATTEMPTS:
        return dg.SkipReason(f"{len(failed)} runs failed, last {failed[0].run_id}: re-execute one when its cause is mended")
    covered = materialized_market_sessions(store)
    keys = [key for key in BOOK_SESSIONS.get_partition_keys() if key >= found.first_session.isoformat() and key in covered]
    if not keys:
        return dg.SkipReason("the changed sessions have no market data yet")
    context.log.info(f"{found.n_changes} changes from {found.first_session} on: {len(keys)} sessions")
    tags = {RANGE_START: keys[0], RANGE_END: keys[-1], ASKED_BY_TAG: "ledger_changed", LEDGER_TAG: found.mark}
    return dg.RunRequest(run_key=f"ledger-{found.mark}-{len(failed)}", tags=tags)


def is_api_at_work(database: Database) -> bool:
    """Whether somebody asked the API for work a short while ago that is not done: one of an API that is gone is not waited for."""
    c = operations.c
    query = select(c.id).where(c.state.in_(("queued", "running")), c.created_at > utc_now() - API_PATIENCE).limit(1)
    with database.read() as connection:
        return connection.execute(query).first() is not None


def _still_unprocessed(database: Database, succeeded: Sequence[dg.DagsterRun]) -> Unprocessed | None:
    """What waits when the changes that runs have covered are marked."""
    with database.write() as connection:
        covered = [position_of(connection, run.tags[LEDGER_TAG]) for run in succeeded if LEDGER_TAG in run.tags]
        if any(covered):
            mark_processed(connection, max(covered), utc_now())
        return unprocessed(connection)


def materialized_market_sessions(store: StoreResource) -> set[str]:
    """Sessions whose prices are stored."""
    query = select(materializations.c.session).where(materializations.c.table_name == "prices")
    return {f"{day:%Y-%m-%d}" for day in store.database.frame(query)["session"]}


ACTIVE = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dg.sensor(
    jobs=[market_data, book],
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Row sets older than their inputs or their code are computed anew, and nothing else; the same as `sigmasight run --stale`.",
)
def stale_refreshed(context: dg.SensorEvaluationContext, store: StoreResource) -> list[dg.RunRequest] | dg.SkipReason:
    database = store.database
    if is_api_at_work(database):
        return dg.SkipReason("an operation of the API is at work: it may compute what is stale")
    tidy(context.instance, database)
    if context.instance.get_run_ids(filters=dg.RunsFilter(statuses=ACTIVE), limit=1):
        return dg.SkipReason("a run is in progress: it may compute what is stale")
    with database.read() as connection:
        if unprocessed(connection) is not None:
            return dg.SkipReason("a change of the ledger waits for its own run")
    rows = stale_rows(database, DEPLOYMENT.calendar, DEPLOYMENT.provider)
    found = pending_refreshes(database, DEPLOYMENT.calendar, DEPLOYMENT.provider, DEPLOYMENT.first_book_session, rows)
    if not found:
        return dg.SkipReason("nothing is stale")
    moments = database.frame(select(func.max(materializations.c.changed_at).label("last")))["last"]
    return [_request(refresh, str(moments.iloc[0])) for refresh in found]


def _request(refresh: Refresh, moment: str) -> dg.RunRequest:
    """A run that fails is not asked for again until something else changed: `moment` is part of its key."""
    scope = {SCOPE_TAG: ",".join(map(str, refresh.portfolio_ids))} if refresh.portfolio_ids else {}
    span = {RANGE_START: refresh.first.isoformat(), RANGE_END: refresh.last.isoformat()}
    return dg.RunRequest(
        run_key=f"stale-{moment}-{refresh}",
        job_name=market_data.name if refresh.is_market else book.name,
        asset_selection=[dg.AssetKey(table) for table in refresh.tables],
        tags={**span, **scope},
    )
