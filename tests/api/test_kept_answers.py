"""Answers that are given again: to whom they were given, as long as they hold, and counted as any other."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sigmasight_api.app import create_app
from sigmasight_assets.sessions import utc_now
from tests.api.conftest import INDIVIDUAL, WEALTHY, logged_in, settings_for

ME, PORTFOLIOS, STATUS = "/api/v1/auth/me", "/api/v1/portfolios", "/api/v1/reports/long-short-equity-hedge-fund-style_2022-12-28/status"


@pytest.fixture
def user(own_client: TestClient) -> TestClient:
    return logged_in(own_client, INDIVIDUAL)


def readings(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows whenever a route of the application reads the database."""
    database, seen = client.app.state.service.database, []
    read = database.read

    def noted() -> object:
        seen.append("read")
        return read()

    monkeypatch.setattr(database, "read", noted)
    return seen


def test_what_was_answered_before_is_given_again_without_a_reading(user: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first, seen = user.get(PORTFOLIOS), readings(user, monkeypatch)
    again = user.get(PORTFOLIOS)
    assert seen == []
    assert again.content == first.content
    kept = {name: value for name, value in first.headers.items() if name not in ("x-request-id", "ratelimit-remaining", "ratelimit-reset")}
    assert {name: again.headers[name] for name in kept} == kept
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert int(again.headers["ratelimit-remaining"]) == int(first.headers["ratelimit-remaining"]) - 1
    assert user.get(PORTFOLIOS, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert seen == []
    assert user.get(PORTFOLIOS, params={"limit": 1}).status_code == 200
    assert len(seen) == 1  # another question


def test_a_change_is_seen_at_once(user: TestClient) -> None:
    portfolio = user.get(PORTFOLIOS).json()["items"][0]["id"]
    for name in ("one", "two", "three"):
        assert user.patch(f"{PORTFOLIOS}/{portfolio}", json={"name": name}).status_code == 200
        assert [user.get(PORTFOLIOS).json()["items"][0]["name"] for _ in range(2)] == [name] * 2


def test_nobody_is_given_what_another_was(own_client: TestClient, user: TestClient) -> None:
    assert user.get(ME).json()["email"] == user.get(ME).json()["email"] == INDIVIDUAL
    assert logged_in(own_client, WEALTHY).get(ME).json()["email"] == WEALTHY
    assert own_client.get(ME).status_code == 401
    assert own_client.get(ME, headers={"Authorization": user.headers["Authorization"] + "x"}).status_code == 401


def test_a_token_that_has_expired_is_given_nothing(user: TestClient) -> None:
    service = user.app.state.service
    ends = utc_now() + timedelta(hours=1)
    made = user.post("/api/v1/auth/tokens", json={"name": "notebook", "expires_at": ends.isoformat()}).json()
    program = TestClient(user.app, headers={"Authorization": f"Bearer {made['token']}"})
    assert [program.get(ME).status_code for _ in range(2)] == [200, 200]
    service.clock = lambda: ends + timedelta(seconds=1)
    assert program.get(ME).status_code == 401


def test_what_is_given_again_counts(demo_state: Path) -> None:
    with TestClient(create_app(settings_for(demo_state, rate_limit=3)), raise_server_exceptions=False) as client:
        user = logged_in(client, INDIVIDUAL)
        answers = [user.get(ME) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert int(answers[-1].headers["retry-after"]) > 0


def test_the_metrics_name_its_route(user: TestClient) -> None:
    def count() -> float:
        metrics = user.app.state.metrics.registry
        return metrics.get_sample_value("sigmasight_requests_total", {"method": "GET", "route": "/portfolios", "status": "200"}) or 0.0

    before = count()
    for _ in range(3):
        user.get(PORTFOLIOS)
    assert count() == before + 3


def test_an_answer_made_of_files_holds_as_long_as_they_do(demo_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "reports"
    shutil.copy(demo_file, tmp_path / "sigmasight.db")
    shutil.copytree(demo_file.parent / "reports", folder)
    with TestClient(create_app(settings_for(tmp_path)), raise_server_exceptions=False) as client:
        user = logged_in(client, "demo_hedgefundstyle@sigmasight.com")
        assert user.get(STATUS).json()["state"] == "written"
        seen = readings(user, monkeypatch)
        assert user.get(STATUS).json()["state"] == "written"
        assert seen == []
        page = next(folder.rglob("long-short-equity-hedge-fund-style*2022-12-28.md"))
        content = page.read_bytes()
        page.write_bytes(content.replace(b"a", b"b", 1))  # as long as before
        assert user.get(STATUS).json()["state"] == "on_demand"
        page.unlink()
        assert user.get(STATUS).json()["state"] == "on_demand"
        page.write_bytes(content)
        assert user.get(STATUS).json()["state"] == "written"
