"""What holds for every read of risk and factors: its model, its owner, its dates, its queries, both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, insert

from benchmarks.stored import fill
from sigmasight_api.app import create_app
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import METADATA, activity
from tests.api.conftest import HEDGE_FUND, INDIVIDUAL, NOBODY, WEALTHY, ClientFor, logged_in, settings_for
from tests.api.risk_paths import BY_PATH, EVERY, OF_BOOK, OF_MARKET, PREFIX, SLUGS, portfolio_id, url
from tests.conftest import create_database, drop_database, on_server
from tests.dataflow.risk_demo import LAST, risk_sessions

OF_PORTFOLIO = {**OF_BOOK, **BY_PATH}
NOT_READ = ("prices", "security_master", "treasury_yields", "option_quotes", "api_tokens", "activity", "restatements")


@pytest.mark.parametrize("email", SLUGS)
@pytest.mark.parametrize("path", EVERY)
def test_the_answer_is_its_model(as_user: ClientFor, path: str, email: str) -> None:
    client = as_user(email)
    answer = client.get(url(client, path, email))
    assert answer.status_code == 200, answer.text
    EVERY[path].model_validate_json(answer.content)
    meta = answer.json()["meta"]
    assert (meta["as_of"], meta["stale"], meta["run_id"]) == (str(LAST), False, "test")


@pytest.mark.parametrize("path", OF_PORTFOLIO)
def test_another_users_portfolio_does_not_exist(as_user: ClientFor, path: str) -> None:
    client = as_user(WEALTHY)
    theirs = portfolio_id(client, SLUGS[INDIVIDUAL])
    answer = client.get(PREFIX + path.format(portfolio_id=theirs), params={} if path in BY_PATH else {"portfolio_id": str(theirs)})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    if path in OF_BOOK:
        assert as_user(NOBODY).get(PREFIX + path).status_code == 404


@pytest.mark.parametrize("path", EVERY)
def test_a_session_that_is_not_computed_is_said_to_be_so(as_user: ClientFor, path: str) -> None:
    client = as_user(HEDGE_FUND)
    before_all = {"as_of": "2019-12-30"}
    answer = client.get(url(client, path, HEDGE_FUND), params=before_all)
    assert (answer.status_code, answer.json()["code"], answer.json()["session"]) == (404, "not_materialized", "2019-12-30")
    assert answer.json()["table"] in METADATA.tables


@pytest.mark.parametrize("path", EVERY)
def test_an_earlier_date_gives_the_last_session_before_it(as_user: ClientFor, path: str, calendar: SessionCalendar) -> None:
    client, first = as_user(HEDGE_FUND), risk_sessions(calendar)[1]  # 23 December, a Friday
    for asked in (first, first + timedelta(days=2)):
        assert client.get(url(client, path, HEDGE_FUND), params={"as_of": str(asked)}).json()["meta"]["as_of"] == str(first)


@pytest.mark.parametrize("path", EVERY)
def test_what_is_not_known_is_refused(as_user: ClientFor, path: str) -> None:
    client = as_user(HEDGE_FUND)
    for params in ({"as-of": "2022-12-28"}, {"as_of": "yesterday"}, {"as_of": "2022-13-01"}):
        assert client.get(url(client, path, HEDGE_FUND), params=params).status_code == 422


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Statements that the database is sent."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement != "BEGIN":
            found.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def test_a_read_takes_at_most_three_queries(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    database: Database = client.app.state.service.database
    listed = ["/risk/stress-testing/scenarios", "/reports"]
    for path in [*EVERY, *listed]:
        place = url(client, path, HEDGE_FUND)
        with database.write() as connection:  # so that nothing kept is valid
            connection.execute(insert(activity), {"at": utc_now(), "action": "test.write", "outcome": "done"})
        with counted(database) as statements:
            assert client.get(place).status_code == 200
        assert len(statements) <= 3, (path, statements)


@pytest.fixture(scope="module")
def postgres_demo(demo_file: Path, postgres_admin: Database, postgres_template: str) -> Iterator[str]:
    """The demonstration's computed rows on PostgreSQL."""
    name = create_database(postgres_admin, postgres_template)
    source, target = Database(f"sqlite:///{demo_file}"), on_server(postgres_admin, name)
    fill(source, target, NOT_READ)
    yield target.url.render_as_string(hide_password=False)
    source.dispose()
    target.dispose()
    drop_database(postgres_admin, name)


def test_both_databases_answer_alike(as_user: ClientFor, postgres_demo: str, tmp_path: Path) -> None:
    with TestClient(create_app(settings_for(tmp_path, database_url=postgres_demo)), raise_server_exceptions=False) as other:
        for email in (WEALTHY, HEDGE_FUND):
            here, there = as_user(email), logged_in(other, email)
            for path in [*EVERY, "/risk/stress-testing/scenarios", "/reports"]:
                place = url(here, path, email)
                assert there.get(place).json() == here.get(place).json(), path


def test_both_databases_calculate_alike_and_keep_own_scenarios(own_client: TestClient, postgres_demo: str, tmp_path: Path) -> None:
    own = {"id": "oil_shock", "name": "Oil shock", "severity": "severe", "shocks": {"market": -0.12}, "first_session": "2022-12-28"}
    place = f"{PREFIX}/risk/stress-testing/scenarios"
    with TestClient(create_app(settings_for(tmp_path, database_url=postgres_demo)), raise_server_exceptions=False) as other:
        here, there = logged_in(own_client, HEDGE_FUND), logged_in(other, HEDGE_FUND)
        for client in (here, there):
            assert [client.post(place, json=own).status_code for _ in range(2)] == [201, 409]
        body = {"scenarios": ["market_down_10", "oil_shock"]}
        one, two = (
            {**client.post(f"{PREFIX}/risk/stress-testing/comprehensive", json=body).json(), "meta": None} for client in (here, there)
        )
        assert len(one["results"]) == 4 and one == two
        assert [client.delete(f"{place}/oil_shock").status_code for client in (here, there)] == [200, 200]


@pytest.mark.parametrize("path", OF_MARKET)
def test_the_market_is_everybodys(as_user: ClientFor, path: str) -> None:
    answers = {as_user(email).get(PREFIX + path).text for email in (INDIVIDUAL, HEDGE_FUND, NOBODY)}
    assert len(answers) == 1
