"""What `sigmasight doctor` asks Dagster, and only asks: runs in trouble, schedules that are off, where its log and the store disagree."""

import time
from dataclasses import dataclass

import dagster as dg

from sigmasight_assets.defs.jobs import book, market_data
from sigmasight_assets.defs.runs import IN_PROGRESS, is_lost, stored_keys
from sigmasight_assets.store.database import Database

QUEUED_TOO_LONG_SECONDS = 3600.0


@dataclass(frozen=True)
class DagsterHealth:
    """Facts about an instance.

    Attributes
    ----------
    lost_runs : list of str
        Runs in progress whose process is gone.
    working_runs, waiting_runs : list of str
        Runs at work, and queued for more than an hour.
    failed_runs : dict
        Job -> its latest run, where that failed.
    stopped : list of str
        Schedules and sensors that somebody turned off.
    daemon_is_running : bool
    only_in_store, only_in_log : int
        Row sets that the log lacks, and partitions of the log that the store lacks.
    """

    lost_runs: list[str]
    working_runs: list[str]
    waiting_runs: list[str]
    failed_runs: dict[str, str]
    stopped: list[str]
    daemon_is_running: bool
    only_in_store: int
    only_in_log: int


def dagster_health(instance: dg.DagsterInstance, database: Database | None) -> DagsterHealth:
    """Look at an instance; without a database the log is not compared."""
    active = instance.get_runs(filters=dg.RunsFilter(statuses=IN_PROGRESS))
    lost = [run.run_id for run in active if is_lost(instance, run)]
    queued = instance.get_run_records(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    waiting = [one.dagster_run.run_id for one in queued if time.time() - one.create_timestamp.timestamp() > QUEUED_TOO_LONG_SECONDS]
    failed = {}
    for job in (market_data.name, book.name):
        for run in instance.get_runs(filters=dg.RunsFilter(job_name=job), limit=1):
            if run.status == dg.DagsterRunStatus.FAILURE:
                failed[job] = run.run_id
    stopped = sorted(state.instigator_name for state in instance.all_instigator_state() if state.status.value == "STOPPED")
    daemons = instance.get_daemon_statuses().values()
    only_in_store, only_in_log = _differences(instance, database) if database is not None else (0, 0)
    return DagsterHealth(
        lost_runs=lost,
        working_runs=[run.run_id for run in active if run.run_id not in lost],
        waiting_runs=waiting,
        failed_runs=failed,
        stopped=stopped,
        daemon_is_running=any(status.healthy for status in daemons if status.required),
        only_in_store=only_in_store,
        only_in_log=only_in_log,
    )


def _differences(instance: dg.DagsterInstance, database: Database) -> tuple[int, int]:
    only_in_store = only_in_log = 0
    for asset, keys in stored_keys(database).items():
        key, stored = dg.AssetKey(asset), {day for day in keys if day is not None}
        known = set(instance.get_materialized_partitions(key))
        only_in_store += len(stored - known) + (None in keys and instance.get_latest_materialization_event(key) is None)
        only_in_log += len(known - stored)
    return only_in_store, only_in_log
