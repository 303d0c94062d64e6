"""`sigmasight up`: one supervisor for the API, the Dagster web server, its daemon and the code they share, on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from sigmasight_assets.cli.console import Exit, fail, out, working
from sigmasight_assets.cli.demo_logins import credentials_file
from sigmasight_assets.cli.desk import Desk, open_desk
from sigmasight_assets.cli.processes import HomeLock, HomeOccupied, locked_home, rotate, start, stop
from sigmasight_assets.cli.running import opened_instance
from sigmasight_assets.dagster_home import PROJECT, prepare_home
from sigmasight_assets.store.schema import upgrade

HOST = "127.0.0.1"
START_SECONDS = 180.0
JSON = ("--log-format", "json")
TIDY_SECONDS = 60.0
"""How often dead runs are looked for and logs are measured."""
STATUS_QUERY = """{
  workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { ... on PythonError { message } } } } }
  instance { daemonHealth { allDaemonStatuses { required healthy } } }
}"""


def up_command(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI")] = 3000,
    api_port: Annotated[int, typer.Option(help="Port of the API")] = 8000,
) -> None:
    """Start the API, the Dagster UI and its daemon on 127.0.0.1 and keep them running until Ctrl-C."""
    desk = open_desk(needs_tables=False)
    upgrade(desk.database)
    home = prepare_home(desk.settings)
    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(wanted, _interrupt)  # also where a shell started this in the background, deaf to SIGINT
    try:
        with locked_home(home) as lock, tempfile.TemporaryDirectory(prefix="sigmasight-") as folder:
            for option, wanted_port in (("--port", port), ("--api-port", api_port)):
                refuse_taken_port(wanted_port, option)
            Supervisor(desk, home, port, api_port, lock, Path(folder)).run()
    except HomeOccupied as error:
        raise fail(str(error), Exit.REFUSED) from None


def refuse_taken_port(port: int, option: str) -> None:
    """Exit with what to do where the port cannot be had."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise fail(
                f"port {port} on {HOST} cannot be used ({error}): stop what listens there, or choose another with {option}.", Exit.REFUSED
            ) from None


class Supervisor:
    """Four children: the code (definitions and runs), the web server, the daemon, the API. All end when one does.

    The code is loaded once, behind a socket in a private folder, and not by the web server and every minute anew by the daemon.
    """

    def __init__(self, desk: Desk, home: Path, port: int, api_port: int, lock: HomeLock, folder: Path) -> None:
        self.desk, self.home, self.port, self.api_port, self.lock, self.folder = desk, home, port, api_port, lock, folder
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def run(self) -> None:
        """Start, wait until everything is healthy, and keep watch until a signal or the end of a child."""
        try:
            with working("Starting the API and the Dagster UI"):
                self._start_all()
            self._say_where()
            self._watch()
        except KeyboardInterrupt:
            out.print("Stopping.")
        finally:
            for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(wanted, signal.SIG_IGN)  # a second Ctrl-C must not leave children behind
            stop(list(self.children.values()))

    def _say_where(self) -> None:
        out.print(f"Dagster UI: http://{HOST}:{self.port}")
        out.print(f"API:        http://{HOST}:{self.api_port}/docs")
        logins = credentials_file(self.desk.settings.state_dir)
        known = f"the demonstration's logins are in {logins}" if logins.exists() else "`sigmasight user add` makes users"
        out.print(f"Log in:     POST http://{HOST}:{self.api_port}/api/v1/auth/token (username, password); {known}")
        out.print(f"Logs:       {', '.join(str(self._log(name)) for name in self.children)}")
        out.print("Stop:       Ctrl-C")

    def _start_all(self) -> None:
        os.environ.setdefault("SIGMASIGHT_DAGSTER_WEBSERVER", f"{HOST}:{self.port}")
        self._start("api", "sigmasight_api", "--host", HOST, "--port", str(self.api_port))
        code, workspace = self.folder / "code.sock", self.folder / "workspace.yaml"
        workspace.write_text(f"load_from: [{{grpc_server: {{socket: {code}, location_name: sigmasight}}}}]\n", encoding="utf-8")
        definitions = ["-m", "sigmasight_assets.definitions", "--location-name", "sigmasight"]
        self._start("code", "dagster", "code-server", "start", *JSON, "--socket", str(code), *definitions)
        with opened_instance(self.desk):
            pass
        self._wait(code.exists)
        self._start("webserver", "dagster_webserver", "-h", HOST, "-p", str(self.port), "-w", str(workspace), *JSON)
        self._start("daemon", "dagster._daemon", "run", "-w", str(workspace), *JSON)
        self._wait(self._is_healthy)

    def _start(self, name: str, module: str, *arguments: str) -> None:
        child = start([sys.executable, "-m", module, *arguments], self._log(name), folder=PROJECT, lock=self.lock)
        self.children[name] = child
        self.lock.note(name, child.pid)

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            self._refuse_ended("did not start")
            if time.monotonic() > deadline:
                raise fail(f"not everything was ready within {START_SECONDS:.0f} seconds; see {self.home}/*.log.", Exit.FAILED)
            time.sleep(0.2)

    def _watch(self) -> None:
        tidied = time.monotonic()
        while True:
            self._refuse_ended("ended by itself")
            if time.monotonic() - tidied > TIDY_SECONDS:
                with opened_instance(self.desk):  # a run whose process was killed would hold up the queue
                    tidied = time.monotonic()
                for name in self.children:
                    rotate(self._log(name))
            time.sleep(0.5)

    def _refuse_ended(self, what: str) -> None:
        for name, child in self.children.items():
            if child.poll() is not None:
                raise fail(f"the {name} process {what}; the end of {self._log(name)} says why.", Exit.FAILED)

    def _is_healthy(self) -> bool:
        """API and web server answer, the definitions are loaded and every daemon has given a sign of life."""
        status = _ask(self.port, STATUS_QUERY)
        if status is None:
            return False
        entries = status["workspaceOrError"].get("locationEntries", [])
        for entry in entries:
            if message := (entry["locationOrLoadError"] or {}).get("message"):
                raise fail(f"the definitions did not load: {message.strip()}", Exit.FAILED)
        loaded = bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)
        daemons = status["instance"]["daemonHealth"]["allDaemonStatuses"]
        is_healthy = loaded and all(daemon["healthy"] for daemon in daemons if daemon["required"])
        return is_healthy and _answers(f"http://{HOST}:{self.api_port}/health/ready")


def _ask(port: int, query: str) -> Mapping[str, Any] | None:
    """The answer of the web server to a GraphQL query; None while it does not serve yet."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"http://{HOST}:{port}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            answer: Mapping[str, Any] = json.load(response)["data"]
            return answer
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
