"""Batches handed to Dagster's web server: the run waits in its queue with its tables, sessions and tags, and is cancelled there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sigmasight_api.app import create_app
from sigmasight_assets.dagster_home import PROJECT, home_environment
from sigmasight_assets.settings import Settings
from tests.api.conftest import ADMIN, logged_in, settings_for
from tests.support.api_server import ApiServer
from tests.support.dagster_ui import free_port

PREFIX = "/api/v1"
pytestmark = pytest.mark.slow
"""`sigmasight up` and its daemon are tested elsewhere; this loads the code location for three questions."""


@dataclass(frozen=True)
class Place:
    """A state folder whose Dagster is served."""

    state: Path
    port: int


@pytest.fixture(scope="module")
def place(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    state, port = tmp_path_factory.mktemp("webserver"), free_port()
    shutil.copy(demo_file, state / "sigmasight.db")
    settings = Settings(state_dir=state, reports_dir=state / "reports")
    environment = {**os.environ, **home_environment(settings), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", str(PROJECT / "workspace.yaml")]
    with (state / "webserver.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=log, stderr=log)
    try:
        server = ApiServer(state, "", port)
        server.wait_until(lambda: b"Serving dagster-webserver" in (state / "webserver.log").read_bytes() or process.poll() is not None)
        assert process.poll() is None, (state / "webserver.log").read_text()
        yield Place(state, port)
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_a_batch_waits_in_the_queue_of_dagster_and_is_cancelled_there(place: Place) -> None:
    with TestClient(
        create_app(settings_for(place.state, run_operations=True, warm_worker=False, dagster_webserver=f"127.0.0.1:{place.port}"))
    ) as client:
        admin = logged_in(client, ADMIN)
        identity = admin.post(f"{PREFIX}/admin/batch/factors", json={"first": "2022-12-27", "last": "2022-12-28"}).json()["id"]
        run_id = when(admin, identity, lambda one: one["runs"][0]["run_id"])["runs"][0]["run_id"]
        (run,) = admin.get(f"{PREFIX}/admin/batch/status").json()["runs"]
        assert (run["run_id"], run["status"], run["operation_id"], run["asked_by"]) == (run_id, "QUEUED", identity, "api")
        assert (run["job"], run["tables"]) == ("book", ["factor_betas", "factor_covariance", "factor_exposures"])
        assert (run["first"], run["last"]) == ("2022-12-27", "2022-12-28")
        assert admin.post(f"{PREFIX}/operations/{identity}/cancel").status_code == 202
        ended = when(admin, identity, lambda one: one["ended_at"])
        assert (ended["state"], ended["error"]) == ("cancelled", None)
        assert admin.get(f"{PREFIX}/admin/batch/history").json()["items"][0]["status"] == "CANCELED"


def when(client: TestClient, identity: str, what: Any) -> dict[str, Any]:
    """The operation when something holds of it."""
    deadline = time.monotonic() + 300
    while not what(found := client.get(f"{PREFIX}/operations/{identity}").json()):
        assert time.monotonic() < deadline, found
        assert found["state"] != "failed", found
        time.sleep(0.1)
    return dict(found)
