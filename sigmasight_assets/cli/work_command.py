"""`sigmasight work`: a process with the assets loaded, which runs what it is told on its standard input; the API keeps one.

One JSON object a line, in and out. In: `{"run": {"id", "job", "first", "last", "tables", "checked", "tags"}}` and
`{"cancel": "<run id>"}`. Out: `{"ready": <process id>}` when runs can be taken, and
`{"ended": {"id", "success", "leaves", "error"}}` after each. When its input ends, it finishes what it was told and goes: a run
does not die with whoever asked for it. After a run that was interrupted it goes as well (`leaves`): an interrupt strikes anywhere, so a
transaction may be left open that holds the write lock until the process ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.cli.running import opened_instance

if TYPE_CHECKING:
    from sigmasight_assets.definitions import DagsterInstance


def work_command() -> None:
    """Run what a JSON line on standard input says, one after the other, until the input ends: for the API, not for people."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever else prints must not look like an answer
    desk = open_desk()
    with opened_instance(desk) as (definitions, instance):
        from sigmasight_assets.definitions import execute_range, tidy

        orders = Orders(instance)
        orders.start()
        tell(said, ready=os.getpid())
        while (order := orders.take()) is not None:
            if orders.is_unwanted(order["id"]):
                tell(said, ended={"id": order["id"], "success": False, "leaves": False, "error": "It was cancelled before it began."})
                continue
            outcome = execute_range(
                definitions,
                instance,
                order["job"],
                [order["first"], order["last"]],
                order["tags"],
                order["tables"],
                order["id"],
                order["checked"],
            )
            leaves = orders.done() or outcome.interrupted
            tell(said, ended={"id": outcome.run_id, "success": outcome.success, "leaves": leaves, "error": outcome.error})
            if leaves:
                return
            if not outcome.success:
                tidy(instance, desk.database)


def tell(to: TextIO, **what: Any) -> None:
    """One line to whoever listens; nobody may be left."""
    with suppress(BrokenPipeError):
        print(json.dumps(what), file=to, flush=True)


class Orders(threading.Thread):
    """Reads the input: runs wait their turn, a cancellation interrupts the run that it names."""

    def __init__(self, instance: DagsterInstance) -> None:
        super().__init__(daemon=True)
        self._instance = instance
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current: str | None = None
        self._is_interrupted = False
        self._unwanted: set[str] = set()

    def run(self) -> None:
        for line in sys.stdin:
            order = json.loads(line)
            if "run" in order:
                self._waiting.put(order["run"])
            else:
                self._cancel(order["cancel"])
        self._waiting.put(None)

    def take(self) -> dict[str, Any] | None:
        """The next run; None when there will be no other."""
        order = self._waiting.get()
        with self._lock:
            self._current = order["id"] if order else None
        return order

    def is_unwanted(self, run_id: str) -> bool:
        """Whether a run was cancelled before it was taken."""
        with self._lock:
            return run_id in self._unwanted

    def done(self) -> bool:
        """No run is at work; whether the last one was interrupted."""
        with self._lock:
            self._current = None
            return self._is_interrupted

    def _cancel(self, run_id: str) -> None:
        """Tell Dagster that a person wants it, then interrupt: the run ends as cancelled and not as failed."""
        with self._lock:
            if self._current != run_id:
                self._unwanted.add(run_id)
                return
            run = self._instance.get_run_by_id(run_id)
            if run is not None and not run.is_finished:
                self._instance.report_run_canceling(run)
            self._is_interrupted = True
            os.kill(os.getpid(), signal.SIGINT)
