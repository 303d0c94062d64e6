"""Dagster's SQLite event log with a batch written in one transaction, and checks planned once a run.

The stock storage writes each event of a batch in transactions of its own: two for every asset and partition, which is most of a
backfill's time. This one writes the run's shard once and the index shard once; what is stored is the same (a test compares).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from dagster import EventLogEntry
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_EVENTS
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData


class ChecksPlannedOnce(SqlEventLogStorage):
    """Plans a check without partitions as one row.

    Dagster 1.13 gives every planned event of a range run the run's partitions, also where the check has none. Its storage then writes a
    row for each (28,000 in a backfill of a year), and the evaluation, which names no partition, completes none of them: the check
    would show as planned for ever.
    """

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        planned = event.dagster_event.event_specific_data if event.dagster_event else None
        if event.dagster_event and isinstance(planned, AssetCheckEvaluationPlanned) and planned.partitions_subset is not None:
            once = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
            event = event._replace(dagster_event=event.dagster_event._replace(event_specific_data=once))
        super()._store_asset_check_evaluation_planned(event, event_id)


class BatchedSqliteEventLogStorage(ChecksPlannedOnce, SqliteEventLogStorage):
    """Configured in dagster.yaml in the place of `SqliteEventLogStorage`."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the asset events of one run in two transactions; anything else goes the stock way."""
        plain = all(event.is_dagster_event and event.dagster_event_type in ASSET_EVENTS for event in events)
        if len({event.run_id for event in events}) != 1 or not plain:
            super().store_event_batch(events)
            return
        rows, insert = [self._event_to_row(event) for event in events], SqlEventLogStorageTable.insert()
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(insert, rows)
        with self.index_transaction() as connection:
            ids = [connection.execute(insert, row).inserted_primary_key[0] for row in rows]
            self._store_asset_event_tags(connection, events, ids)
            last = {(event.dagster_event.asset_key, event.dagster_event_type): i for i, event in enumerate(events) if event.dagster_event}
            for i in sorted(last.values()):  # an asset's entry says what happened last
                self._store_asset_event(connection, events[i], ids[i])
