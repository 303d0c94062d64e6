"""Runs from the command line: one run for a whole range, in this process, and the tidying after a process that died."""

import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
import psutil
from dagster._core.events import DagsterEventBatchMetadata, StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.launcher import DefaultRunLauncher
from sqlalchemy import select

from sigmasight_assets.defs.checks import RANGE_END, RANGE_START
from sigmasight_assets.defs.ledger_events import report_ledger
from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.tables import materializations

PID_TAG, STARTED_TAG, HOST_TAG = "sigmasight/pid", "sigmasight/process_started", "sigmasight/host"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The run's log is in the UI; the terminal shows progress and the outcome."""
IN_PROGRESS = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.NOT_STARTED]


@dataclass
class StepOutcome:
    """One asset of a run."""

    rows: int = 0
    seconds: float = 0.0
    checks_passed: int = 0
    checks_failed: list[str] = field(default_factory=list)


@dataclass
class RunOutcome:
    """A finished run.

    Attributes
    ----------
    steps : dict
        Asset -> outcome, in order of execution.
    seconds, own_seconds : float
        Wall time of the run, and the part of it spent in calculations, store and checks; the rest is Dagster's.
    error : str or None
        What stopped it.
    interrupted : bool
        Whether that was a signal (Ctrl-C).
    """

    run_id: str
    success: bool
    seconds: float
    steps: dict[str, StepOutcome] = field(default_factory=dict)
    own_seconds: float = 0.0
    error: str | None = None
    interrupted: bool = False


def execute_range(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job: str,
    sessions: Sequence[str],
    tags: Mapping[str, str] | None = None,
    assets: Sequence[str] | None = None,
    run_id: str | None = None,
    checked: Sequence[str] | None = None,
) -> RunOutcome:
    """One run of a job over the sessions from the first to the last, in this process.

    Parameters
    ----------
    sessions : sequence of str
        Partition keys in order; only the ends are used.
    assets : sequence of str, optional
        A part of the job's assets.
    run_id : str, optional
        The id to give it; by default Dagster chooses one.
    checked : sequence of str, optional
        The assets whose checks are run, which may be others; by default those of the run.
    """
    own = psutil.Process()
    all_tags = {
        RANGE_START: sessions[0],
        RANGE_END: sessions[-1],
        PID_TAG: str(own.pid),
        STARTED_TAG: f"{own.create_time():.3f}",
        HOST_TAG: socket.gethostname(),
        **(tags or {}),
    }
    selection = [dg.AssetKey(name) for name in assets] if assets else None
    whole = definitions.resolve_job_def(job)
    start = time.perf_counter()
    if checked is not None and selection is not None:
        wanted = {key for key in whole.asset_layer.asset_graph.asset_check_keys if key.asset_key.path[-1] in checked}
        whole, selection = whole.get_subset(asset_selection=set(selection), asset_check_selection=wanted), None
    result = whole.execute_in_process(
        instance=instance, tags=all_tags, asset_selection=selection, raise_on_error=False, run_config=QUIET, run_id=run_id
    )
    outcome = RunOutcome(result.run_id, result.success, time.perf_counter() - start)
    for event in result.all_events:
        _note(outcome, event)
    return outcome


def _note(outcome: RunOutcome, event: dg.DagsterEvent) -> None:
    if event.is_step_materialization and event.asset_key:
        metadata = event.step_materialization_data.materialization.metadata
        if "rows_of_run" in metadata:
            step = outcome.steps.setdefault(event.asset_key.path[-1], StepOutcome())
            step.rows, step.seconds = int(metadata["rows_of_run"].value), float(metadata["seconds"].value)
            outcome.own_seconds += step.seconds
    elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        found = event.asset_check_evaluation_data
        step = outcome.steps.setdefault(found.asset_key.path[-1], StepOutcome())
        outcome.own_seconds += float(found.metadata["seconds"].value) if "seconds" in found.metadata else 0.0
        if found.passed:
            step.checks_passed += 1
        else:
            step.checks_failed.append(f"{found.asset_key.path[-1]}.{found.check_name}: {found.description or 'failed'}")
    elif event.is_step_failure and outcome.error is None:
        failure = event.step_failure_data
        cause = failure.error.cause if failure.error and failure.error.cause else failure.error
        said = cause.message.strip().removeprefix(f"{SigmaSightError.__module__}.{cause.cls_name}: ") if cause else ""
        outcome.error = f"{event.step_key}: {said or failure.error_display_string}"
    elif event.event_type == dg.DagsterEventType.RUN_FAILURE:
        reason = event.job_failure_data.failure_reason
        outcome.interrupted = reason is not None and reason.value == "UNEXPECTED_TERMINATION"
        outcome.error = outcome.error or event.message


def tidy(instance: dg.DagsterInstance, database: Database) -> list[str]:
    """What a process that died left behind: its run is marked as failed, and the log learns what the store has; the runs marked.

    While another run is at work the log is left alone: that run tells of its rows itself. What the ledger has become is told always.
    """
    dead = mark_dead_runs(instance)
    if not instance.get_run_ids(filters=dg.RunsFilter(statuses=IN_PROGRESS), limit=1):
        report_missing_materializations(instance, stored_keys(database))
    report_ledger(instance, database)
    return dead


def mark_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs in progress whose process is gone as failed; their ids.

    A run of ours carries its process in tags; a run of the web server or the daemon names it in its first engine event. A run on
    another host, one that has not named a process yet, and one that Docker or Kubernetes runs are left alone.
    """
    dead = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=IN_PROGRESS)):
        process = _process_of(instance, run)
        if process is not None and not _is_alive(*process):
            instance.report_run_failed(
                run, message=f"The process {process[0]} of this run is gone: it was killed or the machine restarted."
            )
            dead.append(run.run_id)
    return dead


def is_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a run in progress has a process of this host that is gone."""
    process = _process_of(instance, run)
    return process is not None and not _is_alive(*process)


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[int, float] | None:
    """(pid, latest moment at which it can have started) of the run's process on this host."""
    if PID_TAG in run.tags and run.parent_run_id is None:  # a re-execution has its parent's tags
        if run.tags.get(HOST_TAG) != socket.gethostname():
            return None
        return int(run.tags[PID_TAG]), float(run.tags[STARTED_TAG])
    if not isinstance(instance.run_launcher, DefaultRunLauncher):
        return None
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        metadata = entry.dagster_event.engine_event_data.metadata if entry.dagster_event else {}
        if "pid" in metadata:
            return int(str(metadata["pid"].value)), entry.timestamp
    return None


def _is_alive(pid: int, started_before: float) -> bool:
    """Whether that process still runs; a later process with the same number is another one."""
    try:
        process = psutil.Process(pid)
        return process.create_time() <= started_before + 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stored_keys(database: Database) -> dict[str, list[str | None]]:
    """Asset -> partition keys in the store; None stands for the whole of an undated one."""
    m = materializations.c
    rows = database.frame(select(m.table_name, m.session).where(m.table_name.in_(list(LINEAGE))).distinct().order_by(m.session))
    return {
        str(table): [None if day != day else f"{day:%Y-%m-%d}" for day in part["session"]] for table, part in rows.groupby("table_name")
    }


def report_missing_materializations(instance: dg.DagsterInstance, stored: Mapping[str, Iterable[str | None]]) -> int:
    """Tell Dagster of row sets that the store has and its log lacks (a process died between the two); how many.

    Parameters
    ----------
    stored : mapping
        Asset -> partition keys in the store; None for an asset without partitions.
    """
    missing: list[tuple[dg.AssetKey, str | None]] = []
    for asset, keys in stored.items():
        key = dg.AssetKey(asset)
        known: set[str | None] = set(instance.get_materialized_partitions(key))
        if instance.get_latest_materialization_event(key) is not None:
            known.add(None)
        missing += [(key, partition) for partition in sorted(set(keys) - known, key=str)]
    for i, (key, partition) in enumerate(missing, 1):
        found = dg.AssetMaterialization(key, partition=partition, description="Found in the store after a run that died")
        event = dg.DagsterEvent("ASSET_MATERIALIZATION", RUNLESS_JOB_NAME, event_specific_data=StepMaterializationData(found))
        # as `report_runless_asset_event`, but together: a store that is new to Dagster has thousands
        instance.report_dagster_event(event, RUNLESS_RUN_ID, batch_metadata=DagsterEventBatchMetadata(RUNLESS_JOB_NAME, i == len(missing)))
    return len(missing)
