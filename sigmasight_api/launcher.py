"""Dagster, as the API uses it: runs started and ended, and what Dagster knows of them. Nothing else of the API imports Dagster.

A batch is handed to the web server where one is configured, and waits in its queue; else, and whenever somebody waits for their numbers,
the API's own worker process runs it.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from sigmasight_api.operations.looks import Looks
from sigmasight_api.operations.register import BRING_UP_TO_DATE, Operation
from sigmasight_api.operations.steps import OPERATION_TAG, SCOPE_TAG, STEP_TAG, Step
from sigmasight_api.operations.worker import Ended, WorkerProcess, is_process
from sigmasight_api.settings import ApiSettings
from sigmasight_assets.dagster_home import home_environment, home_of
from sigmasight_assets.errors import SigmaSightError

if TYPE_CHECKING:
    from dagster import DagsterInstance, RunRecord
    from dagster_graphql import DagsterGraphQLClient

CONNECT_SECONDS = 0.25
HEARTBEAT_SECONDS = 1.0
"""How old the state of the daemon, of schedules and sensors may be that is told: they change by the half minute."""
GLANCE_SECONDS = 0.25
"""How old the list of runs may be that is told: whoever watches asks again."""
LOCATION, REPOSITORY = "sigmasight", "__repository__"
RANGE_START, RANGE_END, PARTITION = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end", "dagster/partition"


class DagsterDown(SigmaSightError):
    """Dagster cannot be used; the message says why and what to do."""


class Launcher:
    """Starts, watches and ends the Dagster runs of operations."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self.worker = WorkerProcess(settings)
        self._lock = threading.Lock()
        self._looks = Looks()

    def refusal(self) -> str | None:
        """Why no work can be started now, found out in a moment; None where it can."""
        if self._settings.dagster_webserver:
            host, port = self._webserver
            if not _answers(host, port):
                return f"The Dagster web server {host}:{port} does not answer: start it (`sigmasight up`), then try again."
            return None
        url = self._settings.dagster_postgres_url.get_secret_value()
        if url and not _answers(make_url(url).host or "localhost", make_url(url).port or 5432):
            return "Dagster's own database does not answer: start it, then try again. `sigmasight doctor` on the server says more."
        home = home_of(self._settings)
        place = next(path for path in (home, *home.parents) if path.exists())
        if not place.is_dir() or not os.access(place, os.W_OK):
            return f"Dagster's home {home} cannot be written: give the server's user write access, then try again."
        if self.worker.fault:
            self.worker.try_again()
        return self.worker.fault

    def start(self, operation: Operation, number: int, step: Step, note: Callable[[], None]) -> None:
        """Start a step's run; `note` keeps its id, before it begins where that can be.

        Raises
        ------
        DagsterDown
            Where it cannot be started.
        """
        tags = step.tags(operation.id, number)
        if self._is_by_webserver(operation):
            found = self._run_of(operation, number)  # asked for by a server that was killed before it could note it
            step.run_id = found or self._submit(step, {**tags, RANGE_START: step.first, RANGE_END: step.last})
            note()
            return
        assert step.run_id is not None
        try:
            operation.process_id = self.worker.start()
        except (SigmaSightError, OSError) as error:
            raise DagsterDown(f"Dagster cannot be used: {error}") from error
        note()
        order = {"id": step.run_id, "job": step.job, "first": step.first, "last": step.last, "tables": step.tables}
        self.worker.run({**order, "tags": tags, "checked": step.checked})

    def look(self, operation: Operation, step: Step) -> Ended | None:
        """How a step's run ended; None while it has not.

        A process that is gone is asked of Dagster: its run may have ended before.
        """
        assert step.run_id is not None and step.started_at is not None
        if self._is_by_webserver(operation):
            return self.ended(step.run_id)
        said = self.worker.ended(step.run_id)
        if said is not None:
            return said
        started = datetime.fromisoformat(step.started_at).timestamp()
        if is_process(operation.process_id, max(started, 0.0) + 60.0) is not None:
            is_own = operation.process_id == self.worker.process_id
            return None if is_own else self.ended(step.run_id)
        gone = f"The process {operation.process_id} of this run is gone: it was killed or the machine restarted. What it finished is kept."
        fault = f"{gone} {self.worker.fault}" if self.worker.fault else gone
        return self.worker.ended(step.run_id) or self.ended(step.run_id) or self._give_up(step.run_id, fault)

    def cancel(self, operation: Operation, step: Step, *, insist: bool) -> None:
        """Ask for the end of a step's run; `insist` where asking was of no use: then its process is killed, which loses nothing stored."""
        if step.run_id is None:
            return
        if self._is_by_webserver(operation):
            self._client.terminate_run(step.run_id)
        elif operation.process_id == self.worker.process_id:
            if insist:
                self.worker.kill()
            else:
                self.worker.cancel(step.run_id)
        else:
            process = is_process(operation.process_id, datetime.now().astimezone().timestamp())
            if process is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL if insist else signal.SIGINT)

    def ended(self, run_id: str) -> Ended | None:
        """What Dagster knows of a run's end; None where it goes on, or is not known."""
        with self.instance() as instance:
            run = instance.get_run_by_id(run_id)
            if run is None or not run.is_finished:
                return None
            if run.is_success:
                return Ended("succeeded")
            return Ended("cancelled" if run.status.value == "CANCELED" else "failed", failure_of(instance, run_id))

    def _give_up(self, run_id: str, fault: str) -> Ended:
        """Tell Dagster of the end of a run whose process is gone."""
        with self.instance() as instance:
            run = instance.get_run_by_id(run_id)
            if run is not None and run.status.value == "CANCELING":
                instance.report_run_canceled(run, message=fault)
            elif run is not None:
                instance.report_run_failed(run, message=fault)
        return Ended("failed", fault)

    def runs(self, limit: int, offset: int = 0, *, in_progress: bool = False) -> tuple[list[dict[str, Any]], int]:
        """Runs as rows, the last first, and how many there are.

        Raises
        ------
        DagsterDown
        """
        return self._looks.at(("runs", limit, offset, in_progress), lambda: self._runs(limit, offset, in_progress), GLANCE_SECONDS)

    def _runs(self, limit: int, offset: int, in_progress: bool) -> tuple[list[dict[str, Any]], int]:
        from dagster import RunsFilter
        from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

        wanted = RunsFilter(statuses=list(NOT_FINISHED_STATUSES)) if in_progress else None
        with self.instance() as instance:
            found = instance.get_run_records(filters=wanted, limit=offset + limit)
            total = len(found) if len(found) < offset + limit else instance.get_runs_count(filters=wanted)
            return [_run_row(instance, record) for record in found[offset:]], total

    def instigators(self) -> list[dict[str, str]]:
        """Schedules and sensors that have run or were turned on or off."""
        return self._looks.at("instigators", self._instigators, HEARTBEAT_SECONDS)

    def _instigators(self) -> list[dict[str, str]]:
        with self.instance() as instance:
            states = instance.all_instigator_state()
        rows = [
            {"name": state.instigator_name, "kind": state.instigator_type.value.lower(), "status": state.status.value.lower()}
            for state in states
        ]
        return sorted(rows, key=lambda row: row["name"])

    def describe(self) -> dict[str, Any]:
        """Whether Dagster answers, and by what way runs are started."""
        return self._looks.at("dagster", self._describe, HEARTBEAT_SECONDS)

    def _describe(self) -> dict[str, Any]:
        by = "webserver" if self._settings.dagster_webserver else "worker"
        refusal = self.refusal()
        try:
            with self.instance() as instance:
                is_running = any(status.healthy for status in instance.get_daemon_statuses().values() if status.required)
        except DagsterDown as error:
            return {"available": False, "reason": str(error), "daemon_running": None, "by": by}
        return {"available": refusal is None, "reason": refusal, "daemon_running": is_running, "by": by}

    @contextmanager
    def instance(self) -> Iterator[DagsterInstance]:
        """Dagster's own storage.

        Raises
        ------
        DagsterDown
            Where it does not answer.
        """
        try:
            with self._lock:
                yield self._instance
        except (SQLAlchemyError, OSError, SigmaSightError) as error:
            raise DagsterDown(f"Dagster's storage does not answer ({type(error).__name__}): `sigmasight doctor` says more.") from error

    @cached_property
    def _instance(self) -> DagsterInstance:
        environment = home_environment(self._settings)
        os.environ |= {name: text for name, text in environment.items() if name.startswith("SIGMASIGHT_DAGSTER_")}
        from dagster import DagsterInstance

        return DagsterInstance.from_config(environment["DAGSTER_HOME"])

    @cached_property
    def _client(self) -> DagsterGraphQLClient:
        from dagster_graphql import DagsterGraphQLClient

        host, port = self._webserver
        return DagsterGraphQLClient(host, port_number=port)

    @property
    def _webserver(self) -> tuple[str, int]:
        host, _, port = self._settings.dagster_webserver.rpartition(":")
        return host or "127.0.0.1", int(port)

    def _is_by_webserver(self, operation: Operation) -> bool:
        """The web server's queue and a new process take several seconds: who waits for their numbers is served by the worker."""
        return bool(self._settings.dagster_webserver) and operation.kind != BRING_UP_TO_DATE

    def _submit(self, step: Step, tags: dict[str, Any]) -> str:
        from dagster_graphql import DagsterGraphQLClientError
        from requests.exceptions import RequestException

        try:
            return self._client.submit_job_execution(
                step.job,
                repository_location_name=LOCATION,
                repository_name=REPOSITORY,
                tags=tags,
                asset_selection=step.tables,
            )
        except (DagsterGraphQLClientError, RequestException) as error:
            raise DagsterDown(f"The Dagster web server {self._settings.dagster_webserver} did not take the run: {error}") from error

    def _run_of(self, operation: Operation, number: int) -> str | None:
        from dagster import RunsFilter

        with self.instance() as instance:
            wanted = RunsFilter(tags={OPERATION_TAG: str(operation.id), STEP_TAG: str(number)})
            return next((run.run_id for run in instance.get_runs(filters=wanted, limit=1)), None)

    def close(self) -> None:
        self.worker.close()
        if "_instance" in self.__dict__:
            self._instance.dispose()


def failure_of(instance: DagsterInstance, run_id: str) -> str | None:
    """What stopped a run, in the words of its first step that failed, else of the run."""
    from dagster import DagsterEventType

    for kind in (DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE):
        for entry in instance.all_logs(run_id, of_type=kind):
            event = entry.dagster_event
            if event is None:
                continue
            if kind is DagsterEventType.RUN_FAILURE:
                return event.message
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            if cause is not None:
                return f"{event.step_key}: {cause.message.strip().split(': ', 1)[-1]}"
    return None


def _run_row(instance: DagsterInstance, record: RunRecord) -> dict[str, Any]:
    run, tags = record.dagster_run, record.dagster_run.tags
    first, last = (tags.get(name) or tags.get(PARTITION) for name in (RANGE_START, RANGE_END))
    begun, ended = (_moment(seconds) for seconds in (record.start_time, record.end_time))
    scope = tags.get(SCOPE_TAG)
    return {
        "run_id": run.run_id,
        "job": run.job_name,
        "status": run.status.value,
        "first": first,
        "last": last,
        "tables": sorted(key.path[-1] for key in run.asset_selection) if run.asset_selection else None,
        "portfolios": scope.split(",") if scope else None,
        "operation_id": tags.get(OPERATION_TAG),
        "asked_by": _asked_by(tags),
        "created_at": record.create_timestamp.replace(tzinfo=record.create_timestamp.tzinfo or UTC),
        "started_at": begun,
        "ended_at": ended,
        "seconds": round((ended - begun).total_seconds(), 3) if begun and ended else None,
        "failure": failure_of(instance, run.run_id) if run.status.value == "FAILURE" else None,
    }


def _asked_by(tags: Mapping[str, str]) -> str:
    if OPERATION_TAG in tags:
        return "api"
    for tag, kind in (("dagster/schedule_name", "schedule"), ("dagster/sensor_name", "sensor"), ("dagster/backfill", "backfill")):
        if tag in tags:
            return f"{kind} {tags[tag]}"
    return "command" if "sigmasight/pid" in tags else "ui"


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS):
            return True
    except OSError:
        return False
