"""Runs of the book in child processes that may be killed at any moment, on a state folder of their own."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.definitions import RunOutcome
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import calendar_for
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.schema import upgrade
from tests.support.books import Lot, add_book, workshop

PROJECT = Path(__file__).parents[2]
CALENDAR = calendar_for(datetime(2023, 3, 1, tzinfo=UTC))
LAST = date(2022, 12, 28)
HISTORY = 70
"""Sessions of market data: enough for a volatility of 63 returns."""
BOOK = CALENDAR.between(CALENDAR.offset(LAST, -2), LAST)
SPINE = ("opening_cash", "option_greeks", "position_values", "portfolio_snapshots", "portfolio_reports")
"""What a run of `make test` computes; `make soak` kills runs of every table."""
CHILDREN = multiprocessing.get_context("forkserver")
OURS = ("tests.support.killed_runs", "sigmasight_assets.definitions", "sigmasight_assets.cli.running")
IMPORTED_BY_A_RUN = ("mibian", "matplotlib.figure", "matplotlib.backends.backend_agg", "jsonschema", "tabulate")
CHILDREN.set_forkserver_preload([*OURS, *IMPORTED_BY_A_RUN])


@dataclass(frozen=True)
class Place:
    """A state folder: database, Dagster home, reports."""

    folder: Path

    @property
    def database(self) -> Database:
        return Database(f"sqlite:///{self.folder / 'state' / 'sigmasight.db'}")

    def copy_to(self, folder: Path) -> Place:
        shutil.copytree(self.folder, folder)
        return Place(folder)


def prepare(folder: Path) -> Place:
    """Market data and two small books with an option that settles, nothing computed of them."""
    place = Place(folder)
    database = place.database
    upgrade(database)
    entered = CALENDAR.offset(LAST, -20)
    first = [Lot("AAPL", 10, 140, entered), Lot("AAPL221223C00130000", 2, 9, entered), Lot("NVDA", -5, 160, entered, BOOK[1], 15)]
    second = [Lot("MSFT", 3, 240, BOOK[0]), Lot("AAPL230120P00130000", -1, 6, entered), Lot("FUND", 1, 500, entered, private=True)]
    add_book(database, first, cash=1000, as_of=LAST, name="first")
    add_book(database, second, cash=2000, as_of=BOOK[1], name="second")
    shop = workshop(database, CALENDAR, SampleProvider())
    sessions = CALENDAR.between(CALENDAR.offset(LAST, -HISTORY), LAST)
    materialize.security_master(shop)
    for step in (materialize.prices, materialize.treasury_yields, materialize.option_quotes, materialize.factor_returns):
        step(shop, sessions)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    child = CHILDREN.Process(target=_open_dagster, args=(place,))
    child.start()
    child.join()
    assert child.exitcode == 0
    return place


def _open_dagster(place: Place) -> None:
    """Make Dagster's home and tell it of the market data, so that runs are killed at work and not while they do this."""
    set_environment(place)
    from sigmasight_assets.cli.desk import open_desk
    from sigmasight_assets.cli.running import opened_instance

    with opened_instance(open_desk()):
        pass


def environment_of(place: Place) -> dict[str, str]:
    return {
        "SIGMASIGHT_STATE_DIR": str(place.folder / "state"),
        "SIGMASIGHT_REPORTS_DIR": str(place.folder / "reports"),
        "SIGMASIGHT_DATABASE_URL": "",
    }


def set_environment(place: Place) -> None:
    os.environ |= environment_of(place)


def _run_book(place: Place, assets: tuple[str, ...], told: Any) -> None:
    """What `sigmasight run --from … --to …` does with sessions whose market data are there."""
    set_environment(place)
    from sigmasight_assets.calculations.planning import Plan
    from sigmasight_assets.cli.desk import open_desk
    from sigmasight_assets.cli.running import run_plan

    log = os.open(place.folder / "run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    desk = open_desk()
    told.send("started")
    told.send(run_plan(desk, Plan([], BOOK, assets)))


def start(place: Place, assets: tuple[str, ...] = ()) -> tuple[BaseProcess, Any]:
    """A run that has begun, and where it tells of its end."""
    receiver, sender = CHILDREN.Pipe(duplex=False)
    child = CHILDREN.Process(target=_run_book, args=(place, assets, sender))
    child.start()
    sender.close()
    receiver.recv()
    return child, receiver


def outcome_of_run(place: Place, assets: tuple[str, ...] = ()) -> RunOutcome:
    """An undisturbed run of some assets, or of all, of the book."""
    child, receiver = start(place, assets)
    (outcome,) = receiver.recv()
    child.join()
    return outcome


def run_to_the_end(place: Place, assets: tuple[str, ...]) -> float:
    """Seconds that an undisturbed run takes."""
    begun = time.monotonic()
    outcome = outcome_of_run(place, assets)
    assert outcome.success, outcome.error
    return time.monotonic() - begun


def run_and_kill(place: Place, assets: tuple[str, ...], after_seconds: float) -> bool:
    """Kill a run with SIGKILL after some seconds; whether it was still at work."""
    child, _ = start(place, assets)
    child.join(after_seconds)
    child.kill()
    child.join()
    assert child.exitcode in (-9, 0), (place.folder / "run.log").read_text()[-2000:]
    return child.exitcode == -9


def command(place: Place, assets: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """`sigmasight run` of the book in a process of its own, from its first import on."""
    line = [sys.executable, "-m", "sigmasight_assets.cli", *_arguments(assets)]
    with (place.folder / "run.log").open("ab") as log:
        return subprocess.Popen(line, stdout=log, stderr=log, cwd=PROJECT, env=os.environ | environment_of(place))


def _run_with_small_files(place: Place, arguments: Sequence[str], max_bytes: int, told: Any) -> None:
    set_environment(place)
    from sigmasight_assets.cli import run

    with (place.folder / "said").open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 2)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, most))
        code = run(arguments)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))  # what measures the tests writes its files at the end
        told.send(code)


def command_with_small_files(place: Place, assets: tuple[str, ...], max_bytes: int) -> tuple[int, str]:
    """Exit code and stderr of `sigmasight run` of the book where no file may grow beyond some bytes: as if the disk were full there."""
    receiver, sender = CHILDREN.Pipe(duplex=False)
    child = CHILDREN.Process(target=_run_with_small_files, args=(place, _arguments(assets), max_bytes, sender))
    child.start()
    sender.close()
    code = receiver.recv()
    child.join()
    return code, (place.folder / "said").read_text(encoding="utf-8")


def _arguments(assets: tuple[str, ...]) -> list[str]:
    return ["run", "--from", BOOK[0].isoformat(), "--to", BOOK[-1].isoformat(), "--assets", ",".join(assets)]


def run_command(place: Place, assets: tuple[str, ...]) -> float:
    """Seconds that an undisturbed command takes."""
    begun = time.monotonic()
    code = command(place, assets).wait()
    assert code == 0, (place.folder / "run.log").read_text()[-2000:]
    return time.monotonic() - begun


def command_and_kill(place: Place, assets: tuple[str, ...], after_seconds: float) -> bool:
    """Kill a command with SIGKILL after some seconds; whether it was still at work."""
    process = command(place, assets)
    with suppress(subprocess.TimeoutExpired):
        process.wait(after_seconds)
    process.kill()
    code = process.wait()
    assert code in (-9, 0), (place.folder / "run.log").read_text()[-2000:]
    return code == -9


@dataclass(frozen=True)
class DagsterState:
    """What Dagster knows after the last run."""

    unfinished: list[str]
    succeeded: int
    materialized: dict[str, list[str]]
    undated: dict[str, bool]
    last_checks: set[str]


def dagster_state(place: Place, assets: tuple[str, ...], environment: Any) -> DagsterState:
    environment.setenv("SIGMASIGHT_DAGSTER_EVENTS", str(place.folder / "state" / "dagster" / "events"))
    tables = assets or [table for table in LINEAGE if table not in MARKET]
    with dg.DagsterInstance.from_config(str(place.folder / "state" / "dagster")) as instance:
        runs = instance.get_runs()
        newest: Sequence[Any] = instance.all_logs(runs[0].run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        checks = {entry.dagster_event.asset_check_evaluation_data.asset_check_key for entry in newest}
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(sorted(checks, key=str))
        return DagsterState(
            [run.run_id for run in runs if not run.is_finished],
            sum(run.status == dg.DagsterRunStatus.SUCCESS for run in runs),
            {table: sorted(instance.get_materialized_partitions(dg.AssetKey(table))) for table in tables if table not in UNDATED},
            {table: instance.get_latest_materialization_event(dg.AssetKey(table)) is not None for table in tables if table in UNDATED},
            {record.status.value for record in latest.values()},
        )
