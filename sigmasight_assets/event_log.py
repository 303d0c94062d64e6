"""Dagster's SQLite event log with a batch written in one transaction, and checks planned once a run.

The stock storage writes each event of a batch in transactions of its own: two for every asset and partition, which is most of a
backfill's time. This one writes the run's shard once and the index shard once; what is stored is the same (a test compares).
It also keeps an engine a shard, so that statements are compiled once; keeps its connection to the index, whose closing would copy the
write-ahead log each time (a run's shard is closed: the web server watches that file for new events); and waits for the disk at
checkpoints only: after a crash of the machine the log is sound and may miss its last events, which `defs.runs.tidy` makes good.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from dagster import EventLogEntry
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_EVENTS
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen
from sqlalchemy.pool import NullPool


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


MAX_ENGINES = 16
"""Shards (the index and the last runs) whose engines are kept."""


class BatchedSqliteEventLogStorage(ChecksPlannedOnce, SqliteEventLogStorage):
    """Configured in dagster.yaml in the place of `SqliteEventLogStorage`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[tuple[int, str], Engine] = {}
        super().__init__(base_dir, inst_data)

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

    def has_table(self, table_name: str) -> bool:
        engine = self._engine(INDEX_SHARD_NAME)
        with engine.connect() as connection:
            return bool(engine.dialect.has_table(connection, table_name))

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        """A shard's engine in this process (a connection must not be shared with a child)."""
        key = (os.getpid(), shard)
        if key not in self._engines:
            if len(self._engines) >= MAX_ENGINES:
                self._engines = {known: engine for known, engine in self._engines.items() if known[1] == INDEX_SHARD_NAME}
            pool: dict[str, Any] = {"pool_size": 1, "max_overflow": -1} if shard == INDEX_SHARD_NAME else {"poolclass": NullPool}
            engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}, **pool)
            listen(engine, "connect", _wait_at_checkpoints_only)
            self._engines[key] = engine
        return self._engines[key]

    def dispose(self) -> None:
        super().dispose()
        for key in [key for key in self._engines if key[0] == os.getpid()]:
            self._engines.pop(key).dispose()


def _wait_at_checkpoints_only(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
