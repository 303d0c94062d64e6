"""Runs whose process died are failed, others left alone; the log learns what the store has."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import dagster as dg
import psutil
import pytest
from dagster import DagsterEvent, DagsterEventType
from dagster._core.events import EngineEventData

from sigmasight_assets.defs.resources import SCOPE_TAG, StoreResource
from sigmasight_assets.defs.runs import (
    HOST_TAG,
    PID_TAG,
    STARTED_TAG,
    mark_dead_runs,
    report_missing_materializations,
    stored_keys,
    tidy,
)
from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import opening_cash, prices
from sigmasight_assets.store.writing import replace
from tests.support.rows import cash_frame, computed, price_frame, price_row

STATUS = dg.DagsterRunStatus
MON, TUE = date(2022, 3, 7), date(2022, 3, 8)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def add_run(instance: dg.DagsterInstance, tags: dict[str, str], status: dg.DagsterRunStatus = STATUS.STARTED, **more: str) -> str:
    run = dg.DagsterRun(job_name="book", run_id=str(uuid.uuid4()), tags=tags, status=status, **more)  # type: ignore[arg-type]
    return instance.add_run(run).run_id


def process_tags(pid: int, started: float, host: str | None = None) -> dict[str, str]:
    return {PID_TAG: str(pid), STARTED_TAG: f"{started:.3f}", HOST_TAG: host or socket.gethostname()}


def own_tags() -> dict[str, str]:
    return process_tags(os.getpid(), psutil.Process().create_time())


@pytest.fixture(scope="module")
def gone() -> dict[str, str]:
    """Tags of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(child.pid).create_time()
    child.wait()
    return process_tags(child.pid, started)


def test_only_runs_whose_process_is_gone_are_marked(instance: dg.DagsterInstance, gone: dict[str, str]) -> None:
    dead = {add_run(instance, gone, status) for status in (STATUS.STARTED, STATUS.NOT_STARTED, STATUS.STARTING, STATUS.CANCELING)}
    left = {
        "alive": add_run(instance, own_tags()),
        "on another host": add_run(instance, gone | {HOST_TAG: "elsewhere"}),
        "without a process yet": add_run(instance, {}),
        "finished": add_run(instance, gone, STATUS.SUCCESS),
    }
    before = {name: instance.get_run_by_id(run_id).status for name, run_id in left.items()}  # type: ignore[union-attr]
    assert set(mark_dead_runs(instance)) == dead
    assert {instance.get_run_by_id(run_id).status for run_id in dead} == {STATUS.FAILURE}  # type: ignore[union-attr]
    assert {name: instance.get_run_by_id(run_id).status for name, run_id in left.items()} == before  # type: ignore[union-attr]
    assert mark_dead_runs(instance) == []


def test_a_later_process_with_the_same_number_is_another_one(instance: dg.DagsterInstance) -> None:
    run_id = add_run(instance, process_tags(os.getpid(), psutil.Process().create_time() - 3600))
    assert mark_dead_runs(instance) == [run_id]


def test_a_process_that_nobody_has_waited_for_is_dead(instance: dg.DagsterInstance) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    run_id = add_run(instance, process_tags(child.pid, process.create_time()))
    assert mark_dead_runs(instance) == []
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended and stays a zombie
    assert process.status() == psutil.STATUS_ZOMBIE
    assert mark_dead_runs(instance) == [run_id]
    child.communicate()


def name_process(instance: dg.DagsterInstance, run_id: str, pid: int) -> None:
    """The engine event by which a run of the web server names its process."""
    event = DagsterEvent(
        DagsterEventType.ENGINE_EVENT.value, "book", message="Started process", event_specific_data=EngineEventData.in_process(pid)
    )
    instance.report_dagster_event(event, run_id)


def test_a_run_of_the_web_server_names_its_process_in_its_log(instance: dg.DagsterInstance, gone: dict[str, str]) -> None:
    runs = {pid: add_run(instance, {}) for pid in (os.getpid(), int(gone[PID_TAG]))}
    for pid, run_id in runs.items():
        name_process(instance, run_id, pid)
    instance._run_launcher = _default_launcher()
    assert mark_dead_runs(instance) == [runs[int(gone[PID_TAG])]]


def test_a_re_execution_in_the_web_server_is_not_taken_for_its_parent(instance: dg.DagsterInstance, gone: dict[str, str]) -> None:
    # it is given its parent's tags, and with them the process of the parent, which is gone
    parent = add_run(instance, gone, STATUS.FAILURE)
    run_id = add_run(instance, gone, parent_run_id=parent, root_run_id=parent)
    instance._run_launcher = _default_launcher()
    assert mark_dead_runs(instance) == []
    name_process(instance, run_id, os.getpid())
    assert mark_dead_runs(instance) == []


def test_a_run_of_another_launcher_is_left_to_it(instance: dg.DagsterInstance, gone: dict[str, str]) -> None:
    # in a container or pod the number means another process
    name_process(instance, add_run(instance, {}), int(gone[PID_TAG]))
    assert mark_dead_runs(instance) == []


def _default_launcher() -> object:
    from dagster._core.launcher import DefaultRunLauncher

    return DefaultRunLauncher()


def fill(database: Database) -> None:
    owner = uuid.UUID(int=1)
    replace(database, prices, price_frame([price_row(MON, "A", dividend=1.0), price_row(TUE, "A")]), computed(), sessions=[MON, TUE])
    replace(database, opening_cash, cash_frame([(owner, MON, Decimal(1), 1.0)]), computed(), portfolios=[owner])


def test_the_log_learns_what_the_store_has_and_only_that(database: Database, instance: dg.DagsterInstance) -> None:
    fill(database)
    assert stored_keys(database) == {"prices": ["2022-03-07", "2022-03-08"], "opening_cash": [None]}  # facets are no assets
    instance.report_runless_asset_event(dg.AssetMaterialization("prices", partition="2022-03-07"))
    assert report_missing_materializations(instance, stored_keys(database)) == 2
    assert instance.get_materialized_partitions(dg.AssetKey("prices")) == {"2022-03-07", "2022-03-08"}
    assert instance.get_latest_materialization_event(dg.AssetKey("opening_cash")) is not None
    assert report_missing_materializations(instance, stored_keys(database)) == 0


def test_the_log_is_left_alone_while_a_run_is_at_work(sqlite: Database, instance: dg.DagsterInstance, gone: dict[str, str]) -> None:
    fill(sqlite)
    alive, dead = add_run(instance, own_tags()), add_run(instance, gone)
    assert tidy(instance, sqlite) == [dead]
    assert instance.get_materialized_partitions(dg.AssetKey("prices")) == set()
    instance.report_run_failed(instance.get_run_by_id(alive))  # type: ignore[arg-type]
    assert tidy(instance, sqlite) == []
    assert instance.get_materialized_partitions(dg.AssetKey("prices")) == {"2022-03-07", "2022-03-08"}


def test_a_runs_tag_scopes_its_workshop(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", str(sqlite.url))
    ids = [uuid.uuid4(), uuid.uuid4()]
    run = dg.DagsterRun(job_name="book", run_id="run", tags={SCOPE_TAG: ",".join(map(str, ids))})
    assert StoreResource().workshop(run).portfolios == ids
    assert StoreResource().workshop(dg.DagsterRun(job_name="book", run_id="run")).portfolios is None


def test_assets_refuse_a_database_of_another_revision(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(DatabaseUnavailable, match="sigmasight db upgrade"):
        StoreResource().workshop(dg.DagsterRun(job_name="book", run_id="run"))
