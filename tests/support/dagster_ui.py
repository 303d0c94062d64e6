"""`sigmasight up` as a user starts it, and the questions that a person's browser asks it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

CHECKOUT = Path(__file__).parents[2]
REPOSITORY = {"repositoryLocationName": "sigmasight", "repositoryName": "__repository__"}


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Home:
    """A state folder, and the command line on it."""

    folder: Path
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        own = {"SIGMASIGHT_STATE_DIR": str(self.folder / "state"), "SIGMASIGHT_REPORTS_DIR": str(self.folder / "reports")}
        return {**os.environ, **own, **self.settings, "PYTHONPATH": str(CHECKOUT)}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "sigmasight_assets.cli", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command to its end, with what it said."""
        return subprocess.run(self.command(*arguments), env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False)

    def start(self, port: int) -> Up:
        """`sigmasight up` in the background; it says what it says into a file."""
        with (self.folder / f"up-{port}.txt").open("w") as said:
            process = subprocess.Popen(
                self.command("up", "--port", str(port), "--api-port", str(free_port())),
                env=self.environment,
                cwd=self.folder,
                stdout=said,
                stderr=said,
            )
        return Up(self, port, process)


@dataclass(frozen=True)
class Up:
    """A running supervisor."""

    home: Home
    port: int
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> str:
        return (self.home.folder / f"up-{self.port}.txt").read_text()

    @property
    def children(self) -> dict[str, int]:
        """Name -> process id of the supervisor's children so far."""
        lock = self.home.folder / "state" / "dagster" / "up.lock"
        text = lock.read_text() if lock.exists() else ""
        noted: dict[str, int] = json.loads(text or "{}")
        return {name: pid for name, pid in noted.items() if name != "supervisor"} if noted.get("supervisor") == self.process.pid else {}

    def wait_until(self, what: Callable[[], Any], seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, f"waited in vain; up said: {self.said}"
            time.sleep(0.2)

    def wait_ready(self) -> None:
        self.wait_until(lambda: "Dagster UI: http" in self.said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said

    def end(self, wanted: signal.Signals) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(wanted)
        return self.process.wait(timeout=60)

    def ask(self, query: str, **variables: object) -> Any:
        """The answer to a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def backfill(self, job: str, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """What the page of a job sends for "Launch backfill"; the backfill's id."""
        parameters = {
            "selector": {"partitionSetName": f"{job}_partition_set", "repositorySelector": REPOSITORY},
            "assetSelection": [{"path": [name]} for name in assets],
            "partitionNames": list(partitions),
            "fromFailure": False,
        }
        mutation = """mutation ($it: LaunchBackfillParams!) {
          launchPartitionBackfill(backfillParams: $it) { __typename ... on LaunchBackfillSuccess { backfillId } } }"""
        launched = self.ask(mutation, it=parameters)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        identity: str = launched["backfillId"]
        return identity

    def launch(self, job: str, partition: str) -> str:
        """What the launchpad sends for one partition; the run's id."""
        parameters = {
            "selector": {**REPOSITORY, "pipelineName": job},
            "mode": "default",
            "runConfigData": "",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
        }
        mutation = """mutation ($it: ExecutionParams!) {
          launchPipelineExecution(executionParams: $it) { __typename ... on LaunchRunSuccess { run { runId } } } }"""
        launched = self.ask(mutation, it=parameters)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        identity: str = launched["run"]["runId"]
        return identity

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the last first."""
        found = self.ask("{ runsOrError { ... on Runs { results { runId status pipelineName tags { key value } } } } }")
        runs: list[dict[str, Any]] = found["runsOrError"]["results"]
        return runs


def group_of(leader: int) -> list[psutil.Process]:
    """The processes of a group that still run."""
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getpgid(process.pid) == leader and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, PermissionError):
            continue
    return found
