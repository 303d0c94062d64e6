"""Checks as Dagster sees them: a store check becomes an asset check over the run's sessions."""

import time
from collections.abc import Sequence
from datetime import date

import dagster as dg

from sigmasight_assets.calculations.checks.general import freshness_of, gates_of, schema_of
from sigmasight_assets.calculations.checks.outcome import Check
from sigmasight_assets.calculations.checks.record import record_outcome
from sigmasight_assets.defs.deployment import DEPLOYMENT
from sigmasight_assets.defs.partitions import BOOK_SESSIONS, MARKET_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.sessions import as_dates
from sigmasight_assets.store.lineage import MARKET

RANGE_START, RANGE_END, PARTITION = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end", "dagster/partition"


def sessions_of(run: dg.DagsterRun, table: str) -> Sequence[date]:
    """The sessions that a run is about; all of the table's when it names none (a check executed by hand)."""
    if PARTITION in run.tags:
        return as_dates([run.tags[PARTITION]])
    if RANGE_START in run.tags:  # by our calendar: Dagster takes a tenth of a second to list the partitions, and every check asks
        return DEPLOYMENT.calendar.between(*as_dates([run.tags[RANGE_START], run.tags[RANGE_END]]))
    return as_dates((MARKET_SESSIONS if table in MARKET else BOOK_SESSIONS).get_partition_keys())


def store_check(table: str, name: str, description: str, check: Check, *, stops_the_run: bool = False) -> dg.AssetChecksDefinition:
    """An asset check. What is wrong for some rows only warns; `stops_the_run` is for what makes everything downstream wrong."""

    @dg.asset_check(asset=table, name=name, description=description, blocking=stops_the_run)
    def asset_check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        start = time.perf_counter()
        shop, sessions = store.workshop(context.run), sessions_of(context.run, table)
        outcome = check(shop, sessions)
        record_outcome(shop, table, name, outcome, sessions)
        seconds = round(time.perf_counter() - start, 3)
        return dg.AssetCheckResult(
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if stops_the_run else dg.AssetCheckSeverity.WARN,
            description=outcome.detail or None,
            metadata={"actual": outcome.actual, "threshold": outcome.threshold, "seconds": seconds},
        )

    return asset_check


def general_checks(table: str) -> list[dg.AssetChecksDefinition]:
    """What every table is checked for."""
    return [
        store_check(table, "schema", "Stored rows have the table's columns, types, words and keys", schema_of(table), stops_the_run=True),
        store_check(table, "gates", "No row is quarantined", gates_of(table)),
        store_check(table, "fresh", "No row is older than its inputs or its code", freshness_of(table)),
    ]
