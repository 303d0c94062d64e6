"""What holds for every request: its id, refusals as problem documents, limits, entity tags."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sigmasight_api.app import create_app
from tests.api.conftest import INDIVIDUAL, ClientFor, logged_in, settings_for

METRICS = "/api/v1/risk/metrics"


def test_without_a_token_nothing_else_is_said(demo_client: TestClient) -> None:
    answer = demo_client.get(METRICS, params={"as_of": "not a date"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "sst_unknown", "é", "x" * 10_000])
def test_a_forged_token_is_refused(demo_client: TestClient, token: str) -> None:
    answer = demo_client.get(METRICS, headers={"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401


def test_an_unknown_query_field_is_refused_and_named(as_user: ClientFor) -> None:
    answer = as_user(INDIVIDUAL).get(METRICS, params={"asof": "2022-12-28"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", "asof"]


def test_the_request_id_comes_back(demo_client: TestClient) -> None:
    assert demo_client.get("/health/live", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert len(demo_client.get("/health/live", headers={"X-Request-ID": "no good"}).headers["x-request-id"]) == 32


def test_what_was_read_before_is_not_sent_again(as_user: ClientFor) -> None:
    client = as_user(INDIVIDUAL)
    first = client.get(METRICS)
    again = client.get(METRICS, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"


def test_a_body_that_is_too_large_is_refused(demo_state: Path) -> None:
    with TestClient(create_app(settings_for(demo_state, api_body_mb=1))) as client:
        user = logged_in(client, INDIVIDUAL)
        stated = user.post("/api/v1/auth/tokens", content=b"x" * 1_000_001)
        streamed = user.post("/api/v1/auth/tokens", content=iter([b"x" * 600_000] * 2))
    for answer in (stated, streamed):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_user_has_so_many_requests_a_minute(demo_state: Path) -> None:
    with TestClient(create_app(settings_for(demo_state, rate_limit=2))) as client:
        user = logged_in(client, INDIVIDUAL)
        answers = [user.get(METRICS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[1].headers["ratelimit-remaining"] == "0"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


def test_passwords_are_not_to_be_guessed(demo_state: Path) -> None:
    with TestClient(create_app(settings_for(demo_state, rate_limit_anonymous=2))) as client:
        form = {"username": INDIVIDUAL, "password": "a guess of mine"}
        assert [client.post("/api/v1/auth/token", data=form).status_code for _ in range(3)] == [401, 401, 429]


def test_a_page_past_the_end_still_says_how_many_there_are(own_client: TestClient) -> None:
    user = logged_in(own_client, INDIVIDUAL)
    user.post("/api/v1/auth/tokens", json={"name": "notebook"})
    answer = user.get("/api/v1/auth/tokens", params={"offset": 5}).json()
    assert (answer["items"], answer["page"]["total"]) == ([], 1)
