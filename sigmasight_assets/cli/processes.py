"""Processes that `sigmasight up` keeps: their groups, their logs, and the lock that says who works on a home."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from sigmasight_assets.errors import SigmaSightError

LOG_BYTES = 10_000_000
PATIENCE = ((signal.SIGINT, 15.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
"""How processes are asked to end, and the seconds that each way is given."""


class HomeOccupied(SigmaSightError):
    """Another supervisor, or what one left behind, works on the home."""


class HomeLock:
    """The right to work on a Dagster home: held by the supervisor and by its children, so that it outlives a supervisor that is killed.

    The file names the processes, for whoever is refused.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.names: dict[str, int] = {}

    @property
    def descriptor(self) -> int:
        """What a child inherits to hold the lock too."""
        return self._file.fileno()

    def note(self, name: str, pid: int) -> None:
        self.names[name] = pid
        self._file.seek(0)
        self._file.truncate()
        json.dump(self.names, self._file)
        self._file.flush()


@contextmanager
def locked_home(home: Path) -> Iterator[HomeLock]:
    """Hold the lock of a home, or refuse with the processes that hold it.

    Raises
    ------
    HomeOccupied
        Where another supervisor works there, or where children of one that was killed still run.
    """
    with (home / "up.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise _refusal(home, json.loads(file.read() or "{}")) from None
        lock = HomeLock(file)
        lock.note("supervisor", os.getpid())
        yield lock


def _refusal(home: Path, names: Mapping[str, int]) -> HomeOccupied:
    supervisor = names.get("supervisor")
    if supervisor is None or psutil.pid_exists(supervisor):
        return HomeOccupied(
            f"another `sigmasight up` (process {supervisor or 'unknown'}) works on {home}: two daemons on one home would do everything "
            "twice. Stop it with Ctrl-C."
        )
    left = " ".join(str(pid) for name, pid in names.items() if name != "supervisor" and psutil.pid_exists(pid))
    return HomeOccupied(f"a `sigmasight up` on {home} was killed and its processes still run. End them with: kill {left}")


def start(command: Sequence[str], log: Path, *, folder: Path, lock: HomeLock) -> subprocess.Popen[bytes]:
    """A child in a process group of its own, so that it and what it starts end together.

    It imports the package from `folder`, whatever its own entry point is.
    """
    rotate(log)
    path = os.pathsep.join(part for part in (str(folder), os.environ.get("PYTHONPATH", "")) if part)
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            pass_fds=(lock.descriptor,),
        )


def rotate(log: Path) -> None:
    """Keep a log and its predecessor below `LOG_BYTES` each; children append, so the file itself may be cut while they write."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the children's process groups, politely first; returns when no process of them is left."""
    for wanted, seconds in PATIENCE:
        deadline = time.monotonic() + seconds
        for group in {process_group for _, process_group in _members(children)}:
            with suppress(ProcessLookupError):
                os.killpg(group, wanted)
        while time.monotonic() < deadline:
            for child in children:
                child.poll()
            if not _members(children):
                return
            time.sleep(0.1)


def _members(children: Sequence[subprocess.Popen[bytes]]) -> list[tuple[int, int]]:
    """(pid, group) of the processes of the children's groups that still run."""
    groups = {child.pid for child in children}
    found = []
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError, PermissionError):
            group = os.getpgid(process.pid)
            if group in groups and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append((process.pid, group))
    return found
