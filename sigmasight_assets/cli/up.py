"""`sigmasight up`: one supervisor for the Dagster web server and its daemon, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from filelock import FileLock, Timeout

from sigmasight_assets.cli.console import Exit, fail, out, working
from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.cli.home import PROJECT, prepare_home
from sigmasight_assets.cli.running import opened_instance
from sigmasight_assets.store.schema import upgrade

HOST = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 15.0


def up_command(port: Annotated[int, typer.Option(help="Port of the Dagster UI")] = 3000) -> None:
    """Start the Dagster UI and its daemon on 127.0.0.1 and keep them running until Ctrl-C."""
    desk = open_desk(needs_tables=False)
    upgrade(desk.database)
    home = prepare_home(desk.settings)
    if _is_taken(port):
        raise fail(f"port {port} on {HOST} is taken: stop what listens there, or choose another with --port.", Exit.REFUSED)
    try:
        with FileLock(home / "up.lock", timeout=0):
            with opened_instance(desk):
                pass
            _supervise(port, home)
    except Timeout:
        raise fail(f"another `sigmasight up` works on {home}: two daemons on one home would do everything twice.", Exit.REFUSED) from None


def _supervise(port: int, home: Path) -> None:
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    scripts = Path(sys.executable).parent
    commands = {
        "webserver": [str(scripts / "dagster-webserver"), "-h", HOST, "-p", str(port), *workspace],
        "daemon": [str(scripts / "dagster-daemon"), "run", *workspace],
    }
    children: dict[str, subprocess.Popen[bytes]] = {}
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        for name, command in commands.items():
            children[name] = _start(command, home / f"{name}.log")
        with working("Starting the Dagster UI"):
            _wait_until_healthy(port, children, home)
        out.print(f"Dagster UI: http://{HOST}:{port}   logs: {home}/webserver.log, {home}/daemon.log   stop: Ctrl-C")
        while all(child.poll() is None for child in children.values()):
            time.sleep(0.5)
        ended = next(name for name, child in children.items() if child.poll() is not None)
        raise fail(f"the {ended} ended by itself; the end of {home}/{ended}.log says why.", Exit.FAILED)
    except KeyboardInterrupt:
        out.print("Stopping.")
    finally:
        _stop(list(children.values()))


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """A child in a process group of its own, so that it and what it starts end together."""
    with log.open("ab") as file:
        return subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True, cwd=PROJECT
        )


def _wait_until_healthy(port: int, children: dict[str, subprocess.Popen[bytes]], home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for name, child in children.items():
            if child.poll() is not None:
                raise fail(f"the {name} did not start; the end of {home}/{name}.log says why.", Exit.FAILED)
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.3)
    raise fail(f"the Dagster UI did not answer within {START_SECONDS:.0f} seconds; see {home}/webserver.log.", Exit.FAILED)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    """End the children's process groups: politely, then not."""
    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for child in children:
            if child.poll() is None:
                os.killpg(child.pid, wanted)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(child.poll() is None for child in children):
            time.sleep(0.1)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
