"""What goes wrong around the API: a database that is away, tokens that are over, bodies that are no good, clients that are slow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text
from starlette.types import Message

from sigmasight_api import middleware, tokens
from sigmasight_api.app import create_app
from sigmasight_api.examples import Example
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from tests.api.conftest import INDIVIDUAL, ClientFor, logged_in, settings_for
from tests.api.example_requests import place_of, reads_and_writes, send_with

METRICS = "/api/v1/risk/metrics"
ADMIN_PAGES = ("read_data_health",)
"""Pages of administrators that put together several tables."""
READS = [example for example in reads_and_writes()[0] if example.user and example.body is None and example.operation not in ADMIN_PAGES]


def test_a_database_that_goes_away_is_said_and_served_again_when_it_is_back(own_client: TestClient, tmp_path: Path) -> None:
    user = logged_in(own_client, INDIVIDUAL)
    assert user.get(METRICS).status_code == 200
    (tmp_path / "sigmasight.db").rename(tmp_path / "away.db")
    for path in (METRICS, "/health/ready"):
        answer = user.get(path)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["code"] == "database_unavailable"
    assert user.get("/health/live").status_code == 200
    assert not (tmp_path / "sigmasight.db").exists()
    (tmp_path / "away.db").rename(tmp_path / "sigmasight.db")
    assert user.get(METRICS).status_code == 200


@pytest.fixture
def on_postgres(postgres: Database, tmp_path: Path) -> Iterator[TestClient]:
    with postgres.write() as connection:
        add_user(connection, INDIVIDUAL)
    url = postgres.url.render_as_string(hide_password=False)
    with TestClient(create_app(settings_for(tmp_path, database_url=url)), raise_server_exceptions=False) as client:
        yield client


def test_a_postgresql_that_goes_away_is_said_and_served_again_when_it_is_back(
    on_postgres: TestClient, postgres: Database, postgres_admin: Database
) -> None:
    user = logged_in(on_postgres, INDIVIDUAL)
    assert user.get("/api/v1/auth/me").status_code == 200
    name = postgres.url.database
    with postgres_admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name})
        answer = user.get("/api/v1/auth/me")
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    assert answer.status_code == 503, answer.text
    assert "retry-after" in answer.headers
    assert user.get("/api/v1/auth/me").status_code == 200


def test_a_login_that_is_over_says_so(demo_client: TestClient) -> None:
    service = demo_client.app.state.service
    user_id = tokens.read(service.secret, logged_in(demo_client, INDIVIDUAL).headers["Authorization"]).user_id
    assert user_id is not None
    old = tokens.issue(service.secret, user_id, utc_now() - timedelta(minutes=2), 1)
    foreign = tokens.issue("another secret, as long as it has to be", user_id, utc_now(), 60)
    codes = [demo_client.get(METRICS, headers={"Authorization": f"Bearer {token}"}).json()["code"] for token in (old, foreign)]
    assert codes == ["expired_token", "invalid_token"]


def test_a_personal_token_works_until_it_is_deleted(own_client: TestClient) -> None:
    user = logged_in(own_client, INDIVIDUAL)
    made = user.post("/api/v1/auth/tokens", json={"name": "notebook"}).json()
    program = {"Authorization": f"Bearer {made['token']}"}
    assert own_client.get("/api/v1/auth/me", headers=program).json()["email"] == INDIVIDUAL
    assert "token" not in user.get("/api/v1/auth/tokens").json()["items"][0]
    assert user.delete(f"/api/v1/auth/tokens/{made['id']}").status_code == 204
    assert own_client.get("/api/v1/auth/me", headers=program).status_code == 401


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"name": ' * 5_000, b'{"name": "\xff"}', b"null", b'{"name": {"a": [1]}}', b'{"name": 1e999}']
)
def test_a_body_that_is_no_good_is_the_clients_fault(as_user: ClientFor, body: bytes) -> None:
    answer = as_user(INDIVIDUAL).post("/api/v1/auth/tokens", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_does_not_come_is_not_waited_for(demo_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.05)
    authorization = logged_in(demo_client, INDIVIDUAL).headers["Authorization"]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/auth/tokens",
        "query_string": b"",
        "headers": [(b"authorization", authorization.encode()), (b"content-type", b"application/json"), (b"content-length", b"10")],
        "client": ("127.0.0.1", 1),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(demo_client.app(scope, receive, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize("example", READS, ids=[example.operation for example in READS])
def test_a_read_takes_at_most_three_queries(demo_client: TestClient, example: Example) -> None:
    """Who asks, ownership, total and meta included; with nothing kept from earlier requests."""
    service = demo_client.app.state.service
    logged_in(demo_client, example.user or "")
    service.provenance.__init__(service.database)
    service.answers.__init__(0)
    service.known.__init__()
    queries: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")):
            queries.append(statement)

    event.listen(service.database.engine, "before_cursor_execute", note)
    try:
        answer = send_with(demo_client, example)
    finally:
        event.remove(service.database.engine, "before_cursor_execute", note)
    assert answer.status_code == example.status
    queries = [query for query in queries if "WHERE users.email" not in query]  # the test's own login
    assert len(queries) <= 3, "\n\n".join(queries)


def test_static_paths_are_found_before_paths_with_parameters(demo_client: TestClient) -> None:
    document = demo_client.app.openapi()
    for path, operations in document["paths"].items():
        if "{" in path:
            continue
        for method, operation in operations.items():
            assert place_of(document, operation["operationId"]) == (method, path)
            answer = demo_client.request(method.upper(), path)
            assert answer.status_code != 405, path
    ordered = list(document["paths"])
    for i, path in enumerate(ordered):
        for earlier in ordered[:i]:
            assert not covers(earlier, path), f"{earlier} is asked before {path}"


def covers(pattern: str, path: str) -> bool:
    """Whether a path with parameters would take the requests of a static one."""
    ours, theirs = pattern.split("/"), path.split("/")
    if "{" not in pattern or "{" in path or len(ours) != len(theirs):
        return False
    return all(part == other or part.startswith("{") for part, other in zip(ours, theirs, strict=True))
