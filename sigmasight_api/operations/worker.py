"""The process that runs what no web server is asked to: `sigmasight work`, with the assets loaded once."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
from pydantic import SecretStr

from sigmasight_assets.dagster_home import PROJECT, home_environment, home_of
from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.settings import Settings

LOG = logging.getLogger("sigmasight_api.operations")
LAST_WORDS = 4000
RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    state: str
    error: str | None = None


class WorkerProcess:
    """One child, started when it is first needed, and anew when it is gone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._child: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._ended: dict[str, Ended] = {}
        self._tried = 0.0
        self.is_ready = False
        self.fault: str | None = None
        """Why the last child could not begin."""

    @property
    def process_id(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def start(self) -> int:
        """The child's process id; started where there is none.

        Raises
        ------
        SigmaSightError, OSError
            Where Dagster's home or database cannot be used.
        """
        with self._lock:
            if self.process_id is None:
                self._start()
            assert self._child is not None
            return self._child.pid

    def try_again(self) -> None:
        """After a fault, at most every few seconds: whether the child can begin by now is known when it is ready."""
        if self.process_id is None and time.monotonic() > self._tried + RETRY_SECONDS:
            with suppress(SigmaSightError, OSError):
                self.start()

    def _start(self) -> None:
        self._tried = time.monotonic()
        self.is_ready = False
        try:
            environment = {**os.environ, **_settings_variables(self._settings), **home_environment(self._settings)}
        except (SigmaSightError, OSError) as error:
            self.fault = str(error)
            raise
        environment["PYTHONPATH"] = os.pathsep.join(part for part in (str(PROJECT), os.environ.get("PYTHONPATH", "")) if part)
        log = home_of(self._settings) / "worker.log"
        with log.open("wb") as file:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "sigmasight_assets.cli", "work"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=environment,
                text=True,
                encoding="utf-8",
            )
        listener = threading.Thread(target=self._listen, args=(self._child,), name="worker-listener", daemon=True)
        listener.start()

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            said: dict[str, Any] = json.loads(line)
            if "ready" in said:
                self.is_ready, self.fault = True, None
            else:
                one = said["ended"]
                if one["leaves"]:
                    self._let_go(child)
                state = "succeeded" if one["success"] else "failed"
                self._ended[one["id"]] = Ended(state, one["error"])
        code = child.wait()
        if not self.is_ready and child is self._child:
            self.fault = f"The process that loads the assets ended with code {code}: {self._last_words()}"
            LOG.error("worker did not start", extra={"error": self.fault})

    def _let_go(self, child: subprocess.Popen[str]) -> None:
        """A child that leaves takes no more runs."""
        with self._lock:
            if child is self._child:
                self._child, self.is_ready = None, False

    def _last_words(self) -> str:
        log = home_of(self._settings) / "worker.log"
        lines = log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:].strip().splitlines() if log.exists() else []
        return lines[-1].removeprefix("error: ") if lines else "it said nothing."

    def run(self, order: dict[str, Any]) -> int:
        """Hand a run over; the id of the process that takes it."""
        process_id = self.start()
        self._say({"run": order})
        return process_id

    def cancel(self, run_id: str) -> None:
        """Ask for the end of a run."""
        self._say({"cancel": run_id})

    def kill(self) -> None:
        """End the child at once; what it has committed stays."""
        child = self._child
        if child is not None:
            self._let_go(child)
            child.kill()

    def _say(self, what: dict[str, Any]) -> None:
        child = self._child
        if child is None or child.stdin is None:
            return
        with suppress(BrokenPipeError):  # a child that is gone is found out by looking
            child.stdin.write(json.dumps(what) + "\n")
            child.stdin.flush()

    def ended(self, run_id: str) -> Ended | None:
        """How a run ended that this child was told; None while it has not."""
        return self._ended.get(run_id)

    def forget(self, run_id: str | None) -> None:
        """The end of a run is kept elsewhere by now."""
        if run_id is not None:
            self._ended.pop(run_id, None)

    def close(self) -> None:
        """No more runs: the child finishes its own and goes; one that is idle goes at once."""
        child = self._child
        if child is None or child.stdin is None:
            return
        with suppress(BrokenPipeError):
            child.stdin.close()


def is_process(process_id: int | None, started_before: float) -> psutil.Process | None:
    """The process of a number, where it is one that began before a moment: a later one of the same number is another."""
    if process_id is None:
        return None
    try:
        process = psutil.Process(process_id)
        is_same = process.create_time() <= started_before + 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if is_same else None


def _settings_variables(settings: Settings) -> dict[str, str]:
    """The environment that gives a child these settings, whatever its own says."""
    out = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else json.dumps(value) if isinstance(value, dict) else value
        if text is not None:
            out[f"SIGMASIGHT_{name.upper()}"] = str(text)
    return out
