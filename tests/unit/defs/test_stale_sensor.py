"""The sensor that computes stale row sets anew: exactly those, phase by phase, and never beside another run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date

import dagster as dg
import pytest

from sigmasight_assets.calculations import materialize
from sigmasight_assets.defs.resources import SCOPE_TAG, StoreResource
from sigmasight_assets.defs.sensors import RANGE_END, RANGE_START, stale_refreshed
from sigmasight_assets.ledger.changes import mark_processed, record_change, unprocessed
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import UNDATED
from tests.support.books import Lot, add_book, run_all, run_book, workshop
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7, 8, 9, 10, 11)]
BOOK = DAYS[2:]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def store(sqlite: Database, monkeypatch: pytest.MonkeyPatch, calendar: SessionCalendar) -> StoreResource:
    """Two books of five sessions, computed, and no change of the ledger that waits."""
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", str(sqlite.url))
    for name, symbol in (("one", "A"), ("two", "B")):
        add_book(sqlite, [Lot(symbol, 10, 1, DAYS[0])], cash=0, as_of=DAYS[-1], name=name)
    run_all(workshop(sqlite, calendar, market()), DAYS, BOOK)
    processed(sqlite)
    return StoreResource()


def market(last: float = 1.0) -> SmallMarket:
    return SmallMarket(DAYS, {"A": [1, 1, 1, 1, 1, 1, last], "B": [2] * 7})


def processed(database: Database) -> None:
    with database.write() as connection:
        waiting = unprocessed(connection)
        assert waiting is not None
        mark_processed(connection, waiting.last_id, utc_now())


def tick(instance: dg.DagsterInstance, store: StoreResource) -> list[dg.RunRequest] | str:
    found = stale_refreshed(dg.build_sensor_context(instance=instance, resources={"store": store}))
    return found.skip_message or "" if isinstance(found, dg.SkipReason) else list(found)


def asked(found: list[dg.RunRequest] | str) -> list[tuple[str, list[str], str, str]]:
    assert isinstance(found, list), found
    return [
        (
            request.job_name or "",
            [key.path[-1] for key in request.asset_selection or []],
            request.tags[RANGE_START],
            request.tags[RANGE_END],
        )
        for request in found
    ]


def test_nothing_is_asked_for_while_nothing_is_stale(instance: dg.DagsterInstance, store: StoreResource) -> None:
    assert tick(instance, store) == "nothing is stale"


def test_a_corrected_price_leads_phase_by_phase_to_the_books(
    instance: dg.DagsterInstance, store: StoreResource, calendar: SessionCalendar
) -> None:
    shop = workshop(store.database, calendar, market(last=1.5))
    materialize.prices(shop, [DAYS[-1]])
    phases = []
    while isinstance(found := tick(instance, store), list):
        assert len(phases) < 10
        phases.append(asked(found))
        for _, tables, first, last in phases[-1]:
            assert (first, last) in (("2022-03-11", "2022-03-11"), ("2022-12-28", "2022-12-28"))  # the corrected day; undated tables
            for table in tables:
                compute = getattr(materialize, table)
                compute(shop) if table in UNDATED else compute(shop, [DAYS[-1]])
    order = [table for phase in phases for _, tables, _, _ in phase for table in tables]
    assert found == "nothing is stale"
    assert [job for phase in phases for job, _, _, _ in phase] == sorted((job for phase in phases for job, _, _, _ in phase), reverse=True)
    assert order.index("opening_cash") < order.index("option_greeks") < order.index("position_values") < order.index("portfolio_snapshots")


def test_one_books_change_is_a_run_scoped_to_it(instance: dg.DagsterInstance, store: StoreResource, calendar: SessionCalendar) -> None:
    added = add_book(store.database, [Lot("A", 5, 1, DAYS[0])], cash=0, as_of=DAYS[-1], name="three")
    run_book(workshop(store.database, calendar, market()), BOOK)
    processed(store.database)
    with store.database.write() as connection:
        record_change(connection, added.id, DAYS[4], "a test's")
    assert tick(instance, store) == "a change of the ledger waits for its own run"
    processed(store.database)
    found = tick(instance, store)
    assert asked(found) == [("book", ["opening_cash"], "2022-12-28", "2022-12-28")]
    assert isinstance(found, list)
    assert [request.tags[SCOPE_TAG] for request in found] == [str(added.id)]


def test_it_waits_for_a_run_at_work_and_asks_once_for_a_failed_state(
    instance: dg.DagsterInstance, store: StoreResource, calendar: SessionCalendar
) -> None:
    materialize.prices(workshop(store.database, calendar, market(last=1.5)), [DAYS[-1]])
    first = tick(instance, store)
    instance.add_run(dg.DagsterRun(job_name="book", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED))
    assert tick(instance, store) == "a run is in progress: it may compute what is stale"
    for run in instance.get_runs():
        instance.delete_run(run.run_id)
    again = tick(instance, store)
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [request.run_key for request in again] == [request.run_key for request in first]  # Dagster launches a key once
