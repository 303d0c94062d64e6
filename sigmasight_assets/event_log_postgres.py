"""Dagster's PostgreSQL event log with checks planned once a run (see `event_log`); it writes batches well by itself."""

from collections.abc import Mapping
from typing import Any, Self

from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.utils import pg_url_from_config

from sigmasight_assets.event_log import ChecksPlannedOnce


class CheckedPostgresEventLogStorage(ChecksPlannedOnce, PostgresEventLogStorage):
    """Configured in deploy/postgres/dagster.yaml in the place of `PostgresEventLogStorage`."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data, postgres_url=pg_url_from_config(config_value))
