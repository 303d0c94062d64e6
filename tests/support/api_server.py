"""The API as a process of its own, on a copy of the demonstration's last sessions: it can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support.dagster_ui import CHECKOUT, free_port

SECRET = "a secret of the tests that is long enough"
PATIENCE = 300.0
"""Seconds: a machine may be busy."""


@dataclass
class ApiServer:
    """`python -m sigmasight_api` on a state folder."""

    state: Path
    token: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it can serve."""
        own = {
            "SIGMASIGHT_STATE_DIR": str(self.state),
            "SIGMASIGHT_REPORTS_DIR": str(self.state / "reports"),
            "SIGMASIGHT_BOOK_START": "2022-12-22",
            "SIGMASIGHT_JWT_SECRET": SECRET,
            "SIGMASIGHT_RATE_LIMIT": "100000",
            "SIGMASIGHT_WARM_WORKER": "false",
            "PYTHONPATH": str(CHECKOUT),
        }
        with (self.state / "server.log").open("ab") as log:
            command = [sys.executable, "-m", "sigmasight_api", "--port", str(self.port)]
            self.process = subprocess.Popen(command, env={**os.environ, **own}, cwd=self.state, stdout=log, stderr=log)
        self.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def wait_until(self, what: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not what():
            ended = self.process is not None and self.process.poll() is not None
            assert not ended and time.monotonic() < deadline, (self.state / "server.log").read_text()[-4000:]
            time.sleep(0.1)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(timeout=PATIENCE)

    @property
    def client(self) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", headers=headers, timeout=PATIENCE)

    def operation(self, identity: str) -> dict[str, Any]:
        with self.client as client:
            found: dict[str, Any] = client.get(f"/operations/{identity}").json()
        return found

    def when(self, identity: str, *states: str) -> dict[str, Any]:
        """The operation when it is in one of the states."""
        self.wait_until(lambda: self.operation(identity)["state"] in states)
        return self.operation(identity)
