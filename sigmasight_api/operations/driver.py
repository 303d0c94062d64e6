"""Carries operations out, one after the other: SQLite has one writer. A thread of the server; its state is in the table alone."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from sigmasight_api.launcher import Launcher
from sigmasight_api.operations import register
from sigmasight_api.operations.planning import Planner
from sigmasight_api.operations.register import BRING_UP_TO_DATE, Operation
from sigmasight_api.operations.seat import Seat
from sigmasight_api.operations.steps import CANCELLED, FAILED, PLANNED, RUNNING, SUCCEEDED, Step
from sigmasight_api.operations.worker import Ended
from sigmasight_api.settings import ApiSettings
from sigmasight_assets.errors import DatabaseUnavailable, SigmaSightError
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations

LOG = logging.getLogger("sigmasight_api.operations")
IDLE_SECONDS, BUSY_SECONDS = 1.0, 0.1
EAGER_SECONDS = 3.0
"""How long the queue is looked at often after somebody announced work: their transaction may not be over yet."""
CANCEL_SECONDS = 0.5
INSIST_SECONDS = 10.0
"""After how long a run that was asked to end is ended."""


class Driver:
    """Takes operations up while it has the seat; after a restart of the server it goes on with the one that was at work."""

    def __init__(self, settings: ApiSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._database = Database(settings.url)
        self.launcher = Launcher(settings)
        self.planner = Planner(settings, self._database, clock)
        self._seat = Seat(self._database)
        self._woken, self._closing = threading.Event(), threading.Event()
        self._eager_until = 0.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Go on with what a server before left unfinished; begin to warm up where the settings want it."""
        if self._settings.warm_worker or register.is_anything_unfinished(self._database):
            self.wake()

    def wake(self) -> None:
        """Work was asked for, or its end."""
        if self._closing.is_set() or not self._settings.run_operations:
            return
        self._eager_until = time.monotonic() + EAGER_SECONDS
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="operations", daemon=True)
                self._thread.start()
        self._woken.set()

    def close(self) -> None:
        """Stop driving. A run at work goes on in its process, and the next server finds its end."""
        self._closing.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
        self._seat.leave()
        self.launcher.close()
        self._database.dispose()

    def _run(self) -> None:
        try:
            if self._settings.warm_worker:
                self._warm_up()
            self._drive()
        finally:
            if not self._closing.is_set():  # a fault of this program ends the thread, and must not end the queue
                again = threading.Timer(IDLE_SECONDS, self.wake)
                again.daemon = True
                again.start()

    def _drive(self) -> None:
        while not self._closing.is_set():
            try:
                has_worked = self._seat.take() and self._turn()
            except (SigmaSightError, SQLAlchemyError, OSError) as error:
                LOG.error("operations wait", extra={"error": str(error)})
                has_worked = False
            if not has_worked:
                self._woken.wait(BUSY_SECONDS if time.monotonic() < self._eager_until else IDLE_SECONDS)
                self._woken.clear()

    def _warm_up(self) -> None:
        """Start the process that runs, which loads every engine and Dagster."""
        try:
            self.launcher.worker.start()
        except (SigmaSightError, OSError) as error:
            LOG.error("Dagster cannot be used", extra={"error": str(error)})

    def _turn(self) -> bool:
        operation = register.take_up(self._database)
        if operation is None:
            return False
        LOG.info("operation begins: %s", operation.kind, extra={"operation_id": str(operation.id)})
        state: str | None = FAILED
        error: str | None = "The server failed on this operation: its log says why."
        left: list[str] = []
        try:
            state, error = self._carry_out(operation)
            left = self.planner.left_stale(operation) if state is not None else []
        except (DatabaseUnavailable, SQLAlchemyError):
            state = None  # it is at work still: the next turn goes on with it
            raise
        except SigmaSightError as fault:
            state, error = FAILED, str(fault)
        finally:
            if state is not None:
                register.finish(self._database, operation, state, error, left)
                LOG.info("operation %s", state, extra={"operation_id": str(operation.id), "error": error})
        if state == CANCELLED and self._settings.warm_worker:
            self._warm_up()  # the worker went with the run
        return True

    def _carry_out(self, operation: Operation) -> tuple[str | None, str | None]:
        """Run its steps; (state, why it failed), or (None, None) where the server is closing."""
        change = self.planner.last_change(operation.portfolio_id) if operation.kind == BRING_UP_TO_DATE else None
        while True:
            if register.is_cancelled(self._database, operation):
                return CANCELLED, None
            step = next((one for one in operation.steps if one.state in (PLANNED, RUNNING)), None) or self.planner.next_step(operation)
            if step is None:
                break
            ended = self._run_step(operation, step)
            if ended is None:
                return None, None
            if ended.state != SUCCEEDED:
                return ended.state, ended.error
        if not operation.steps:
            register.note(self._database, operation, "The sessions concerned have no market data yet: there was nothing to compute.")
        elif change is not None and operation.portfolio_id is not None:
            self.planner.mark_covered(operation.portfolio_id, change)
        return SUCCEEDED, None

    def _run_step(self, operation: Operation, step: Step) -> Ended | None:
        """Start a step's run, unless it was started before, and wait for its end; None where the server is closing."""
        if step.state == PLANNED:
            step.state, step.started_at, step.run_id = RUNNING, utc_now().isoformat(), str(uuid.uuid4())
            number = operation.steps.index(step)
            self.launcher.start(operation, number, step, lambda: register.note_steps(self._database, operation))
        asked: float | None = None
        looked = 0.0
        is_insistent = False
        while not self._closing.is_set():
            ended = self.launcher.look(operation, step)
            now = time.monotonic()
            if ended is not None:
                if asked is not None and ended.state != SUCCEEDED:
                    ended = Ended(CANCELLED)
                self._note_end(operation, step, ended)
                self.launcher.worker.forget(step.run_id)
                return ended
            if asked is None and now > looked + CANCEL_SECONDS:
                looked = now
                if register.is_cancelled(self._database, operation):
                    asked = now
                    self.launcher.cancel(operation, step, insist=False)
            elif asked is not None and now > asked + INSIST_SECONDS and not is_insistent:
                is_insistent = True
                self.launcher.cancel(operation, step, insist=True)
            self._woken.wait(BUSY_SECONDS)
            self._woken.clear()
        return None

    def _note_end(self, operation: Operation, step: Step, ended: Ended) -> None:
        m = materializations.c
        query = select(m.table_name, func.count(m.session.distinct())).where(m.run_id == step.run_id).group_by(m.table_name)
        with self._database.read() as connection:
            found = {str(table): int(n) for table, n in connection.execute(query)}
        step.state, step.error = ended.state, ended.error
        for table in step.tables:
            step.done[table] = step.total(table) if ended.state == SUCCEEDED else found.get(table) or int(table in found)
        register.note_steps(self._database, operation)
