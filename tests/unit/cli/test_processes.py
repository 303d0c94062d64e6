"""Groups of processes, logs and the lock of a home, with real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sigmasight_assets.cli import processes
from sigmasight_assets.cli.processes import HomeOccupied, locked_home, rotate, start, stop
from tests.support.dagster_ui import group_of

DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
ORPHANING = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('ready', flush=True)"


def started(home: Path, code: str) -> subprocess.Popen[bytes]:
    """A child of that code that has said that it is ready."""
    with locked_home(home) as lock:
        child = start([sys.executable, "-c", code], home / "child.log", folder=home, lock=lock)
    deadline = time.monotonic() + 30
    while "ready" not in (home / "child.log").read_text():
        assert time.monotonic() < deadline, (home / "child.log").read_text()
        time.sleep(0.02)
    return child


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", tuple((wanted, 1.0) for wanted, _ in processes.PATIENCE))


def test_stop_ends_a_group_whose_leader_is_gone(tmp_path: Path) -> None:
    child = started(tmp_path, ORPHANING)
    assert child.wait(timeout=10) == 0
    assert len(group_of(child.pid)) == 1
    stop([child])
    assert group_of(child.pid) == []


def test_stop_insists_with_a_process_that_is_deaf_to_interrupts(tmp_path: Path) -> None:
    child = started(tmp_path, DEAF)
    stop([child])
    assert group_of(child.pid) == []


def test_children_import_the_package_of_their_folder_first(tmp_path: Path) -> None:
    (tmp_path / "sigmasight_assets").mkdir()
    (tmp_path / "sigmasight_assets" / "__init__.py").write_text("print('ready: of the folder', flush=True)")
    child = started(tmp_path, "import sigmasight_assets")
    child.wait(timeout=10)
    assert (tmp_path / "child.log").read_text() == "ready: of the folder\n"


def test_home_is_held_by_a_child_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    child = started(tmp_path, DEAF)  # the lock of this process is let go; the child's is not
    try:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        (tmp_path / "up.lock").write_text(json.dumps({"supervisor": gone.pid, "code": child.pid}))
        with (
            pytest.raises(HomeOccupied, match=f"was killed and its processes still run. End them with: kill {child.pid}$"),
            locked_home(tmp_path),
        ):
            pass
    finally:
        child.kill()
        child.wait()
    with locked_home(tmp_path) as lock:
        assert set(lock.names) == {"supervisor"}


def test_lock_names_its_processes_for_whoever_is_refused(tmp_path: Path) -> None:
    with locked_home(tmp_path) as lock:
        lock.note("code", 123)
        with pytest.raises(HomeOccupied, match=f"process {lock.names['supervisor']}"), locked_home(tmp_path):
            pass
        assert json.loads((tmp_path / "up.lock").read_text()) == lock.names


def test_log_is_cut_when_it_is_long_and_its_predecessor_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 10)
    log = tmp_path / "daemon.log"
    rotate(log)  # nothing to do
    with log.open("a") as writer:
        writer.write("short\n")
        writer.flush()
        rotate(log)
        assert log.read_text() == "short\n"
        writer.write("and long\n")
        writer.flush()
        rotate(log)
        writer.write("goes on\n")
    assert log.read_text() == "goes on\n"
    assert (tmp_path / "daemon.log.1").read_text() == "short\nand long\n"
