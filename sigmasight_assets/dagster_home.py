"""Dagster's home: a folder with our dagster.yaml, and the variables that every run process needs."""

import os
import shutil
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from sigmasight_assets.errors import DatabaseUnavailable, SigmaSightError
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database

PROJECT = Path(__file__).parents[1]


def prepare_home(settings: Settings) -> Path:
    """Make DAGSTER_HOME and set the environment of this process, so that its children inherit it.

    Raises
    ------
    DatabaseUnavailable
        Where Dagster's own database is on PostgreSQL and does not answer.
    """
    environment = home_environment(settings)
    os.environ |= environment
    return Path(environment["DAGSTER_HOME"])


def home_of(settings: Settings) -> Path:
    """Where the Dagster home of a deployment is, or will be."""
    return (settings.state_dir / "dagster").resolve()


def home_environment(settings: Settings) -> dict[str, str]:
    """Make DAGSTER_HOME; the variables that a process which works in it needs.

    The two event variables let a run of many partitions write its events in batches. Paths become absolute: children work in the
    checkout, wherever this process does.

    Raises
    ------
    DatabaseUnavailable
        Where Dagster's own database is on PostgreSQL and does not answer.
    """
    postgres = settings.dagster_postgres_url.get_secret_value()
    source = PROJECT / ("deploy/postgres/dagster.yaml" if postgres else "dagster.yaml")
    if not source.exists():
        raise SigmaSightError(f"{source} is missing: SigmaSight runs from its checkout; install it with `pip install -e .` there.")
    home = home_of(settings)
    home.mkdir(parents=True, exist_ok=True)
    target = home / "dagster.yaml"
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)
    environment = {
        "DAGSTER_HOME": str(home),
        "SIGMASIGHT_DAGSTER_EVENTS": str(home / "events"),
        "SIGMASIGHT_STATE_DIR": str(settings.state_dir.resolve()),
        "SIGMASIGHT_REPORTS_DIR": str(settings.reports_dir.resolve()),
        "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    if settings.data_dir:
        environment["SIGMASIGHT_DATA_DIR"] = str(settings.data_dir.resolve())
    store = make_url(settings.url)
    if settings.database_url.get_secret_value() and store.get_backend_name() == "sqlite" and store.database:
        environment["SIGMASIGHT_DATABASE_URL"] = f"sqlite:///{Path(store.database).resolve()}"
    if postgres:
        environment["SIGMASIGHT_DAGSTER_POSTGRES_PSYCOPG2_URL"] = _answering(postgres)
    return environment


def _answering(postgres: str) -> str:
    """The URL of Dagster's own PostgreSQL with its driver named, when the server answers."""
    if not postgres.startswith(("postgresql://", "postgres://", "postgresql+psycopg2://")):
        raise DatabaseUnavailable("SIGMASIGHT_DAGSTER_POSTGRES_URL cannot be used: expected postgresql://user:password@host/name.")
    url = "postgresql+psycopg2://" + postgres.split("://", 1)[1]
    try:
        database = Database(url)
    except (ArgumentError, ValueError):
        raise DatabaseUnavailable("SIGMASIGHT_DAGSTER_POSTGRES_URL cannot be read as a URL.") from None
    with database.read():
        pass
    database.dispose()
    return url
