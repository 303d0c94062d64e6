"""A small Dagster graph with everything that an event log stores: partitions, tags, metadata, observations, checks."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

DAYS = dg.DailyPartitionsDefinition(start_date="2022-03-07", end_date="2022-03-10")
KEYS = ["2022-03-07", "2022-03-08", "2022-03-09"]
SINGLE_RUN = dg.BackfillPolicy.single_run()
RANGE = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[-1]}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset(partitions_def=DAYS, backfill_policy=SINGLE_RUN, code_version="1")
def upstream(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.add_asset_metadata({"rows": 3}, partition_key=KEYS[-1])
    return dg.MaterializeResult(tags={"colour": "green"})


@dg.asset(partitions_def=DAYS, backfill_policy=SINGLE_RUN, deps=[upstream])
def downstream(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for key in context.partition_keys:
        context.log_event(dg.AssetObservation("downstream", partition=key, metadata={"seen": key}))
    return dg.MaterializeResult()


@dg.asset(deps=[downstream])
def undated() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 1})


@dg.asset_check(asset=upstream)
def passes() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"actual": 0.0})


@dg.asset_check(asset=downstream)
def warns() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


SMALL = dg.Definitions(
    assets=[upstream, downstream, undated],
    asset_checks=[passes, warns],
    jobs=[dg.define_asset_job("everything", selection="*", partitions_def=DAYS)],
    executor=dg.in_process_executor,
)


BATCHES = {"DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1", "DAGSTER_EVENT_BATCH_SIZE": "1000"}
"""As the commands set them."""


@contextlib.contextmanager
def instance_with(event_log: dict[str, object]) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in a folder of its own."""
    before = {name: os.environ.get(name) for name in BATCHES}
    os.environ |= BATCHES
    overrides = {"event_log_storage": event_log, "telemetry": {"enabled": False}}
    try:
        with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.local_temp(folder, overrides=overrides) as instance:
            yield instance
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def sqlite_event_log(folder: Path, storage: type) -> dict[str, object]:
    return {"module": storage.__module__, "class": storage.__name__, "config": {"base_dir": str(folder)}}


def run_everything(instance: dg.DagsterInstance) -> str:
    result = SMALL.resolve_job_def("everything").execute_in_process(instance=instance, tags=RANGE, run_config=QUIET)
    assert result.success
    return result.run_id
