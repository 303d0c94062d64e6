"""`sigmasight up` on a small book: what its UI shows, what it refuses, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.schema import upgrade
from sigmasight_assets.store.tables import users
from tests.support.books import Lot, add_book
from tests.support.dagster_ui import REPOSITORY, Home, Up, free_port, group_of

FIRST_BOOK, FIRST_MARKET, LAST = date(2022, 12, 19), date(2019, 12, 31), date(2022, 12, 28)
BOOK = [table for table in LINEAGE if table not in MARKET]
BACKFILLED, LAUNCHED = ["2022-12-20", "2022-12-21"], "2022-12-22"
OVER = ("SUCCESS", "FAILURE", "CANCELED")
METADATA = {"dagster/row_count", "preview"}
"""What the last partition of every run tells."""
WITHOUT_PICTURE = {"option_quotes"}
"""The sample provider has no quotes: there is nothing to draw."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A book of a share, a short share and an option, computed for its seven sessions."""
    home = Home(tmp_path_factory.mktemp("up"), {"SIGMASIGHT_BOOK_START": FIRST_BOOK.isoformat()})
    state = home.folder / "state"
    state.mkdir()
    database = Database(Settings(state_dir=state).url)
    upgrade(database)
    bought = date(2022, 12, 1)
    held = [Lot("AAPL", 100, 148.31, bought), Lot("KO", -50, 64.0, bought), Lot("AAPL230120C00150000", 2, 4.1, bought)]
    add_book(database, held, cash=10_000, as_of=LAST, name="small")
    database.dispose()
    done = home.run("run", "--from", FIRST_BOOK.isoformat(), "--to", LAST.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture(scope="module")
def up(home: Home) -> Iterator[Up]:
    """A supervisor that is ready."""
    running = home.start(free_port())
    try:
        running.wait_ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.end(signal.SIGINT)


@dataclass(frozen=True)
class Asked:
    """What a person has asked of the UI: a backfill from the page of a job, and a run from the launchpad."""

    backfill: str
    run: str


@pytest.fixture(scope="module")
def asked(up: Up) -> Asked:
    return Asked(up.backfill("book", BOOK, BACKFILLED), up.launch("book", LAUNCHED))


@pytest.fixture(scope="module")
def settled(up: Up, asked: Asked) -> tuple[dict[str, Any], str]:
    """The backfill and the status of the run, when both are over."""
    query = """query ($backfill: String!, $run: ID!) {
      partitionBackfillOrError(backfillId: $backfill) {
        ... on PartitionBackfill { status error { message } runs { status tags { key value } } } }
      runOrError(runId: $run) { ... on Run { status } }
    }"""
    state: dict[str, Any] = {}

    def both_over() -> bool:
        state.update(up.ask(query, backfill=asked.backfill, run=asked.run))
        return state["partitionBackfillOrError"]["status"] not in ("REQUESTED", "COMPLETING") and state["runOrError"]["status"] in OVER

    up.wait_until(both_over)
    return state["partitionBackfillOrError"], state["runOrError"]["status"]


def test_definitions_load_and_every_daemon_is_healthy(up: Up) -> None:
    found = up.ask("""{
      workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename } } } }
      instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatErrors { message } } } }
      shouldShowNux
    }""")
    loaded = {"name": "sigmasight", "loadStatus": "LOADED", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
    assert found["workspaceOrError"]["locationEntries"] == [loaded]
    daemons = found["instance"]["daemonHealth"]["allDaemonStatuses"]
    required = {daemon["daemonType"] for daemon in daemons if daemon["required"]}
    assert {"SENSOR", "SCHEDULER", "BACKFILL", "QUEUED_RUN_COORDINATOR", "MONITORING"} <= required
    assert [daemon for daemon in daemons if not daemon["healthy"] or daemon["lastHeartbeatErrors"]] == []
    assert not found["shouldShowNux"], "a form asks for an e-mail address"


def test_second_up_on_one_home_is_refused(up: Up, home: Home) -> None:
    refused = home.run("up", "--port", str(free_port()))
    assert refused.returncode == 2
    assert f"another `sigmasight up` (process {up.process.pid})" in refused.stderr
    assert up.process.poll() is None


def test_occupied_port_is_refused(up: Up, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Home(tmp_path_factory.mktemp("other"), {})
    refused = other.run("up", "--port", str(up.port))
    assert refused.returncode == 2
    assert f"port {up.port} on 127.0.0.1 cannot be used" in refused.stderr
    assert "--port" in refused.stderr


def test_servers_listen_on_loopback_alone(up: Up) -> None:
    processes = [process for leader in up.children.values() for process in group_of(leader)]
    listening = {c.laddr.ip for process in processes for c in process.net_connections("inet") if c.status == "LISTEN"}
    assert listening == {"127.0.0.1"}


def test_schedule_answers_where_the_data_end_and_asks_for_a_session_before(up: Up) -> None:
    mutation = """mutation ($schedule: ScheduleSelector!, $at: Float) { scheduleDryRun(selectorData: $schedule, timestamp: $at) {
      ... on DryRunInstigationTick { evaluationResult { skipReason error { message } runRequests { tags { key value } } } } } }"""
    schedule = {**REPOSITORY, "scheduleName": "daily"}
    today = up.ask(mutation, schedule=schedule, at=1_795_649_400.0)["scheduleDryRun"]["evaluationResult"]  # 2026-11-25 18:30 New York
    assert today == {"skipReason": "sample data end 2022-12-28", "error": None, "runRequests": []}
    then = up.ask(mutation, schedule=schedule, at=1_671_579_000.0)["scheduleDryRun"]["evaluationResult"]  # 2022-12-20 18:30 New York
    assert {"key": "dagster/partition", "value": "2022-12-20"} in then["runRequests"][0]["tags"]


@pytest.mark.slow
def test_backfill_from_the_ui_finishes_in_one_run(settled: tuple[dict[str, Any], str]) -> None:
    backfill, _ = settled
    assert (backfill["status"], backfill["error"]) == ("COMPLETED_SUCCESS", None)
    (run,) = backfill["runs"]
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert run["status"] == "SUCCESS"
    assert [tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")] == BACKFILLED


@pytest.mark.slow
def test_run_of_one_session_from_the_launchpad_succeeds(settled: tuple[dict[str, Any], str]) -> None:
    assert settled[1] == "SUCCESS"


@pytest.mark.slow
@pytest.mark.usefixtures("settled")
def test_every_asset_is_complete_and_every_check_passed(up: Up, calendar: SessionCalendar) -> None:
    nodes = up.ask("""{ assetNodes { assetKey { path } description groupName kinds staleStatus
      owners { ... on TeamAssetOwner { team } }
      metadataEntries { label }
      partitionStats { numMaterialized numPartitions numFailed numMaterializing }
      assetMaterializations(limit: 1) { metadataEntries { label } }
      assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
        status evaluation { success metadataEntries { label } } } } } }
    } }""")["assetNodes"]
    found = {node["assetKey"]["path"][-1]: node for node in nodes}
    assert set(found) == {*LINEAGE, "ledger"}
    for name, node in found.items():
        assert node["description"], name
        assert node["groupName"] != "default", name
        assert node["kinds"], name
        assert node["owners"] == [{"team": "risk"}], name
        assert node["staleStatus"] == "FRESH", name
        assert len(node["assetMaterializations"]) == 1, f"{name} was never materialized"
    for name in LINEAGE:
        node = found[name]
        first = FIRST_MARKET if name in MARKET else FIRST_BOOK
        total = len(calendar.between(first, LAST))
        expected = None if name in UNDATED else (total, total, 0, 0)
        stats = node["partitionStats"]
        assert (stats and tuple(stats.values())) == expected, name
        assert {"dagster/column_schema", "grain"} <= {entry["label"] for entry in node["metadataEntries"]}, name
        labels = {entry["label"] for entry in node["assetMaterializations"][0]["metadataEntries"]}
        assert METADATA | ({"picture"} - ({"picture"} if name in WITHOUT_PICTURE else set())) <= labels, name
        checks = node["assetChecksOrError"]["checks"]
        assert len(checks) >= 3, name
        for check in checks:
            execution = check["executionForLatestMaterialization"]
            assert execution is not None, f"{name}.{check['name']} was never executed"
            assert execution["status"] == "SUCCEEDED", f"{name}.{check['name']}"
            assert execution["evaluation"]["success"]
            assert {"actual", "threshold"} <= {entry["label"] for entry in execution["evaluation"]["metadataEntries"]}


@pytest.mark.slow
@pytest.mark.usefixtures("settled")
def test_sensors_and_schedule_run_and_launched_nothing(up: Up) -> None:
    query = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
      schedules { name scheduleState { status } futureTicks(limit: 1) { results { timestamp } } }
      sensors { name sensorState { status ticks(limit: 100) { status runIds error { message } } } }
    } } } }"""

    def repository() -> Any:
        (found,) = up.ask(query)["repositoriesOrError"]["nodes"]
        return found

    up.wait_until(lambda: all(sensor["sensorState"]["ticks"] for sensor in repository()["sensors"]))
    found = repository()
    assert [(s["name"], s["scheduleState"]["status"], len(s["futureTicks"]["results"])) for s in found["schedules"]] == [
        ("daily", "RUNNING", 1)
    ]
    assert len(found["sensors"]) >= 2
    for sensor in found["sensors"]:
        assert sensor["sensorState"]["status"] == "RUNNING", sensor["name"]
        for tick in sensor["sensorState"]["ticks"]:
            assert (tick["status"], tick["runIds"], tick["error"]) in (("SKIPPED", [], None), ("STARTED", [], None)), sensor["name"]
    runs = up.runs()
    assert {run["status"] for run in runs} == {"SUCCESS"}
    by_job = sorted(run["pipelineName"] for run in runs)
    assert by_job == ["book", "book", "book", "market_data"], "the command's two runs, the backfill's one, the launchpad's one"


@pytest.mark.slow
@pytest.mark.usefixtures("settled")
def test_logs_have_fields_and_name_no_person(up: Up) -> None:
    database = Database(Settings(state_dir=up.home.folder / "state").url)
    personal = [text for row in database.frame(select(users.c.email, users.c.name)).to_numpy().tolist() for text in row if text]
    assert personal
    logs = {name: (up.home.folder / "state" / "dagster" / f"{name}.log").read_text() for name in up.children}
    for name in ("webserver", "daemon"):
        assert all({"timestamp", "level", "event"} <= set(json.loads(line)) for line in logs[name].splitlines()), name
    done = [line.split(" - ") for line in logs["code"].splitlines() if " - position_values: " in line]
    assert {(len(fields), *fields[1:4], fields[5]) for fields in done} == {(7, "dagster", "INFO", "book", "position_values")}
    assert [text for text in personal if any(text in log for log in logs.values())] == []


def test_interrupt_leaves_no_process_and_exits_cleanly(up: Up) -> None:
    leaders = list(up.children.values())
    assert len(leaders) == 4
    assert up.end(signal.SIGINT) == 0
    assert [process for leader in leaders for process in group_of(leader)] == []
    assert up.said.rstrip().endswith("Stopping.")


def test_death_of_a_child_ends_everything(home: Home) -> None:
    running = home.start(free_port())
    running.wait_until(lambda: running.children)
    leaders = list(running.children.values())
    os.kill(leaders[0], signal.SIGKILL)
    assert running.process.wait(timeout=60) == 1
    assert "the api process did not start; the end of" in running.said
    assert [process for leader in leaders for process in group_of(leader)] == []


def test_children_of_a_killed_supervisor_keep_the_home(home: Home) -> None:
    running = home.start(free_port())
    running.wait_until(lambda: running.children)
    running.end(signal.SIGKILL)
    leaders = list(running.children.values())
    try:
        refused = home.run("up", "--port", str(free_port()))
        assert refused.returncode == 2
        assert f"was killed and its processes still run. End them with: kill {' '.join(map(str, leaders))}" in refused.stderr
    finally:
        for leader in leaders:
            os.killpg(leader, signal.SIGKILL)
