"""Requests are counted for all processes together where Redis is set: against a real server, which SIGMASIGHT_TEST_REDIS_URL names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sigmasight_api.app import create_app
from tests.api.conftest import INDIVIDUAL, logged_in, settings_for

REDIS = os.environ.get("SIGMASIGHT_TEST_REDIS_URL", "")


@pytest.mark.skipif(not REDIS, reason="SIGMASIGHT_TEST_REDIS_URL names no Redis")
def test_two_processes_share_one_allowance(demo_state: Path) -> None:
    settings = settings_for(demo_state, redis_url=REDIS, rate_limit=3)
    answers = []
    for _process in range(2):
        with TestClient(create_app(settings)) as client:
            headers = logged_in(client, INDIVIDUAL).headers
            answers += [client.get("/api/v1/auth/me", headers=headers).status_code for _ in range(2)]
    assert answers == [200, 200, 200, 429]
