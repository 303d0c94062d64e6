"""The API on the demonstration's database, as its users call it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from sigmasight_api import tokens
from sigmasight_api.app import create_app
from sigmasight_api.settings import ApiSettings
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import users
from tests.dataflow.risk_demo import whole_demo

INDIVIDUAL, WEALTHY, HEDGE_FUND = "demo_individual@sigmasight.com", "demo_hnw@sigmasight.com", "demo_hedgefundstyle@sigmasight.com"
ADMIN, NOBODY = "admin@sigmasight.com", "nobody@example.com"
SECRET = "a secret of the tests that is long enough"


@pytest.fixture(scope="session")
def demo_file(sqlite_template: Path, calendar: SessionCalendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration in a database that no test writes to, with its reports beside it."""

    path = tmp_path_factory.mktemp("api") / "sigmasight.db"
    whole = whole_demo(sqlite_template, path.parent, calendar)
    shutil.copy(whole, path)
    database = Database(f"sqlite:///{path}")
    with database.write() as connection:
        add_user(connection, ADMIN, "Administrator", "admin")
        add_user(connection, NOBODY, "Owns nothing")
    database.dispose()
    shutil.copytree(whole.parent / "reports", path.parent / "reports")
    return path


def settings_for(folder: Path, **more: object) -> ApiSettings:
    """Settings of an API on a state folder, with limits that no test meets by accident."""
    chosen = {
        "state_dir": folder,
        "jwt_secret": SECRET,
        "rate_limit": 100_000,
        "rate_limit_anonymous": 100_000,
        "reports_dir": folder / "reports",
        "run_operations": False,
    }
    return ApiSettings(**{**chosen, **more})


ClientFor = Callable[[str], TestClient]


@pytest.fixture(scope="session")
def demo_state(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with the demonstration, for tests that read."""
    folder = tmp_path_factory.mktemp("api_state")
    shutil.copy(demo_file, folder / "sigmasight.db")
    shutil.copytree(demo_file.parent / "reports", folder / "reports")
    return folder


@pytest.fixture(scope="session")
def demo_client(demo_state: Path) -> Iterator[TestClient]:
    """An API for tests that read, without a login."""
    with TestClient(create_app(settings_for(demo_state)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def as_user(demo_client: TestClient) -> ClientFor:
    """The reading client with the login of a user."""
    return lambda email: logged_in(demo_client, email)


@pytest.fixture
def own_client(demo_file: Path, tmp_path: Path) -> Iterator[TestClient]:
    """An API on a copy of its own, for a test that writes."""
    shutil.copy(demo_file, tmp_path / "sigmasight.db")
    with TestClient(create_app(settings_for(tmp_path)), raise_server_exceptions=False) as client:
        yield client


def logged_in(client: TestClient, email: str) -> TestClient:
    """A client of the same application that sends a user's token."""
    service = client.app.state.service
    database: Database = service.database
    with database.read() as connection:
        user_id = connection.execute(select(users.c.id).where(users.c.email == email)).scalar_one()
    token = tokens.issue(service.secret, user_id, utc_now(), 60)
    return TestClient(client.app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})
