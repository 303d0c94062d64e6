"""Operations carried out: their events, the runs that Dagster knows, cancelled in the middle, and the server killed meanwhile."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from sqlalchemy import func, select, update

from sigmasight_api import tokens
from sigmasight_api.operations import register
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import ledger_changes, lots, portfolio_snapshots, portfolios, prices, stress_results, users
from tests.api.conftest import ADMIN
from tests.support.api_server import SECRET, ApiServer

RANGE = {"first": "2022-12-27", "last": "2022-12-28"}
ENDED = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="module")
def database(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    state = tmp_path_factory.mktemp("at_work")
    shutil.copy(demo_file, state / "sigmasight.db")
    opened = Database(f"sqlite:///{state / 'sigmasight.db'}")
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def server(database: Database) -> Iterator[ApiServer]:
    with database.read() as connection:
        admin = connection.execute(select(users.c.id).where(users.c.email == ADMIN)).scalar_one()
    assert database.sqlite_path is not None
    running = ApiServer(database.sqlite_path.parent, tokens.issue(SECRET, admin, utc_now(), 24 * 60))
    running.start()
    yield running
    running.end()


def start(server: ApiServer, name: str, **body: Any) -> str:
    with server.client as client:
        answer = client.post(f"/admin/batch/{name}", json={**RANGE, **body})
    assert answer.status_code == 202, answer.text
    identity: str = answer.json()["id"]
    return identity


def rows_of(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(stress_results)).scalar_one()


def test_events_tell_of_every_session_and_end_with_the_run_that_dagster_knows(server: ApiServer) -> None:
    identity = start(server, "stress-tests")
    events: list[tuple[int, str, dict[str, Any]]] = []
    with server.client as client, client.stream("GET", f"/operations/{identity}/events") as stream:
        number, kind = 0, ""
        for line in stream.iter_lines():
            name, _, text = line.partition(": ")
            if name == "id":
                number = int(text)
            elif name == "event":
                kind = text
            elif name == "data":
                events.append((number, kind, json.loads(text)))
    assert [number for number, _, _ in events] == sorted({number for number, _, _ in events})
    states = [document["state"] for _, kind, document in events if kind == "state"]
    assert states in (["queued", "running", "succeeded"], ["running", "succeeded"])
    last = events[-1][2]
    run_id = last["runs"][0]["run_id"]
    assert last["progress"] == [{"table": "stress_results", "run_id": run_id, "sessions_done": 2, "sessions": 2}]
    with server.client as client:
        (run,) = [one for one in client.get("/admin/batch/history").json()["items"] if one["operation_id"] == identity]
    assert run["run_id"] == run_id
    assert (run["status"], run["asked_by"], run["tables"], run["first"], run["last"]) == (
        "SUCCESS", "api", ["stress_results"], "2022-12-27", "2022-12-28",
    )  # fmt: skip
    assert run["rows"] == 3 * 2 * 2 * len({row["scenario_id"] for row in scenarios(server)})


def test_an_owner_has_a_report_written(server: ApiServer, database: Database) -> None:
    with database.read() as connection:
        book = connection.execute(select(portfolios.c.owner_id, portfolios.c.slug).where(portfolios.c.slug.like("balanced%"))).one()
    headers = {"Authorization": f"Bearer {tokens.issue(SECRET, book.owner_id, utc_now(), 60)}"}
    report = f"/reports/{book.slug}_2022-12-27"
    with server.client as client:
        assert client.get(f"{report}/status", headers=headers).json()["state"] == "on_demand"
        identity = client.post("/reports/generate", json={"session": "2022-12-27"}, headers=headers).json()["id"]
        done = server.when(identity, *ENDED)
        assert (done["kind"], done["state"], done["error"]) == ("reports.generate", "succeeded", None)
        assert client.get(f"{report}/status", headers=headers).json()["state"] == "written"
        for kind in ("md", "json", "csv", "html"):
            (file,) = (server.state / "reports").rglob(f"{book.slug}_*_2022-12-27.{kind}")
            content = file.read_bytes()
            assert client.get(f"{report}/download", params={"format": kind}, headers=headers).content == content


def scenarios(server: ApiServer) -> list[dict[str, Any]]:
    database = Database(f"sqlite:///{server.state / 'sigmasight.db'}")
    rows = database.frame(select(stress_results.c.scenario_id).distinct())
    return [{"scenario_id": one} for one in rows["scenario_id"]]


@pytest.mark.slow
def test_a_change_of_a_book_brings_its_numbers_up_to_date(server: ApiServer, database: Database, calendar: SessionCalendar) -> None:
    with database.write() as connection:
        book = connection.execute(select(portfolios.c.id, portfolios.c.owner_id).where(portfolios.c.slug.like("balanced%"))).one()
        lot = connection.execute(select(lots.c.id, lots.c.quantity).where(lots.c.portfolio_id == book.id, lots.c.symbol == "AAPL")).one()
        connection.execute(update(lots).where(lots.c.id == lot.id).values(quantity=lot.quantity + Decimal(10)))
        record_change(connection, book.id, INCEPTION, "10 shares more")
        identity = str(register.submit_book(connection, book.owner_id, book.id, INCEPTION))
    before = nav_of(database, book.id)
    done = server.when(identity, *ENDED)
    assert (done["state"], done["error"]) == ("succeeded", None)
    assert done["runs"][0]["tables"][-1] == "portfolio_snapshots"  # somebody waits for these
    # stated cash is that of 2022-12-28, so ten shares more are worth their close of that day
    close = select(prices.c.close).where(prices.c.symbol == "AAPL", prices.c.session == date(2022, 12, 28))
    with database.read() as connection:
        gained = 10 * connection.execute(close).scalar_one()
    assert nav_of(database, book.id) == pytest.approx(before + gained, abs=1e-6)
    # the server's books begin on 2022-12-22: of earlier sessions, which it does not compute, the numbers stay old
    stale = stale_rows(database, calendar, SampleProvider())
    is_own = pd.Series([one == book.id for one in stale["portfolio_id"]], index=stale.index, dtype=bool)
    assert stale[is_own & (stale["session"] >= pd.Timestamp(2022, 12, 22)) & (stale["cause"] == "input_changed")].empty
    waiting = select(func.count()).where(ledger_changes.c.portfolio_id == book.id, ledger_changes.c.processed_at.is_(None))
    with database.read() as connection:
        assert connection.execute(waiting).scalar_one() == 0


def nav_of(database: Database, portfolio_id: uuid.UUID) -> float:
    s = portfolio_snapshots.c
    with database.read() as connection:
        found: float = connection.execute(select(s.nav).where(s.portfolio_id == portfolio_id, s.session == date(2022, 12, 28))).scalar_one()
    return found


def test_cancelled_in_the_middle_the_last_good_rows_stay(server: ApiServer, database: Database) -> None:
    before = rows_of(database)
    identity = start(server, "run-all")
    server.wait_until(lambda: any(one["sessions_done"] for one in server.operation(identity)["progress"]))
    with server.client as client:
        assert client.post(f"/operations/{identity}/cancel").status_code == 202
    done = server.when(identity, *ENDED)
    assert (done["state"], done["error"]) == ("cancelled", None)
    assert any(run["state"] in ("cancelled", "planned") for run in done["runs"])
    assert rows_of(database) == before
    with server.client as client:
        runs = [one for one in client.get("/admin/batch/history").json()["items"] if one["operation_id"] == identity]
    assert runs[0]["status"] in ("CANCELED", "FAILURE")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_cancelled_at_any_moment_the_operation_ends_and_its_rows_stay(server: ApiServer, database: Database, seed: int) -> None:
    before = rows_of(database)
    identity = start(server, "run-all")
    server.wait_until(lambda: server.operation(identity)["process_id"] is not None)
    time.sleep(random.Random(seed).uniform(0.0, 8.0))
    with server.client as client:
        assert client.post(f"/operations/{identity}/cancel").status_code == 202
    assert server.when(identity, *ENDED)["state"] == "cancelled"
    with database.write():  # which nobody else holds
        assert rows_of(database) == before
    with server.client as client:
        runs = [one for one in client.get("/admin/batch/history").json()["items"] if one["operation_id"] == identity]
    assert all(run["status"] in ("CANCELED", "FAILURE", "SUCCESS") for run in runs)


def test_a_run_outlives_a_server_that_is_killed_and_the_next_one_tells_its_true_end(server: ApiServer) -> None:
    identity = start(server, "reports")
    server.wait_until(lambda: server.operation(identity)["process_id"] is not None)
    server.end(signal.SIGKILL)
    server.start()
    done = server.when(identity, *ENDED)
    assert (done["state"], done["error"]) == ("succeeded", None)
    assert done["progress"][0]["sessions_done"] == 2


@pytest.mark.slow
def test_a_run_that_is_killed_with_its_server_has_failed_with_the_reason(server: ApiServer, database: Database) -> None:
    before = rows_of(database)
    identity = start(server, "run-all")
    server.wait_until(lambda: any(one["sessions_done"] for one in server.operation(identity)["progress"]))
    worker = server.operation(identity)["process_id"]
    server.end(signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(worker)] if psutil.pid_exists(worker) else [], timeout=30)
    server.start()
    done = server.when(identity, *ENDED)
    assert done["state"] == "failed"
    assert f"The process {worker} of this run is gone" in done["error"]
    assert rows_of(database) == before
    assert server.when(start(server, "aggregations"), *ENDED)["state"] == "succeeded"  # and the next one works
