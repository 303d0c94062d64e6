"""Sensors: a ledger change is kept until a run that covers it has succeeded; the book follows the market data."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import psutil
import pytest
from sqlalchemy import select, update

from sigmasight_api.operations import register
from sigmasight_assets.calculations import materialize
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.defs.sensors import ASKED_BY_TAG, LEDGER_TAG, MAX_ATTEMPTS, book_after_market_data, book_range, ledger_changed
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.ledger.changes import INCEPTION, mark_processed, position_of, record_change, unprocessed
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import ledger_changes, operations, portfolio_snapshots
from sigmasight_assets.store.writing import replace
from tests.support.books import Lot, add_book, run_all, workshop
from tests.support.rows import computed, typed_frame
from tests.support.small_market import SmallMarket
from tests.unit.defs.test_runs import process_tags

STATUS = dg.DagsterRunStatus
ONE = uuid.UUID(int=1)
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
MARKET_DAYS = [date(2022, 3, day) for day in (7, 8, 9, 10, 11)]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def store(sqlite: Database, monkeypatch: pytest.MonkeyPatch, calendar: SessionCalendar) -> StoreResource:
    """A store with five sessions of prices."""
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", str(sqlite.url))
    materialize.prices(workshop(sqlite, calendar, SmallMarket(MARKET_DAYS, {"A": [1] * 5})), MARKET_DAYS)
    return StoreResource()


def change(database: Database, first: date = MARKET_DAYS[1], portfolio: uuid.UUID = ONE) -> None:
    with database.write() as connection:
        record_change(connection, portfolio, first, "a test's")


def tick(instance: dg.DagsterInstance, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    found = ledger_changed(dg.build_sensor_context(instance=instance, resources={"store": store}))
    assert isinstance(found, (dg.RunRequest, dg.SkipReason))
    return found


def asked(instance: dg.DagsterInstance, store: StoreResource) -> dg.RunRequest:
    found = tick(instance, store)
    assert isinstance(found, dg.RunRequest), found
    return found


def skipped(instance: dg.DagsterInstance, store: StoreResource) -> str:
    found = tick(instance, store)
    assert isinstance(found, dg.SkipReason), found
    return found.skip_message or ""


def launch(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus, **tags: str) -> str:
    """What the daemon makes of a request, in a status that it may come to."""
    run = dg.DagsterRun(job_name="book", run_id=str(uuid.uuid4()), tags={**request.tags, **tags}, status=status)
    return instance.add_run(run).run_id


def n_waiting(database: Database) -> int:
    with database.read() as connection:
        found = unprocessed(connection)
    return found.n_changes if found else 0


def test_nothing_changed_nothing_asked(instance: dg.DagsterInstance, store: StoreResource) -> None:
    assert skipped(instance, store) == "no change of the ledger waits"


def test_changes_become_one_run_over_every_affected_session(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database, date(2022, 3, 9))
    change(store.database, MARKET_DAYS[1], uuid.UUID(int=2))
    request = asked(instance, store)
    assert tuple(request.tags[name] for name in RANGE) == ("2022-03-08", "2022-03-11")
    assert asked(instance, store).run_key == request.run_key  # the daemon starts one run for one key
    change(store.database, INCEPTION)
    later = asked(instance, store)
    assert later.run_key != request.run_key
    assert tuple(later.tags[name] for name in RANGE) == ("2022-03-07", "2022-03-11")


def test_a_change_is_kept_until_a_run_has_succeeded(instance: dg.DagsterInstance, store: StoreResource) -> None:
    # asked for, launched, at work, failed: none of these is done. A product marked it when it asked, and lost it when the run failed
    change(store.database)
    request = asked(instance, store)
    assert n_waiting(store.database) == 1
    launch(instance, request, STATUS.FAILURE)
    assert n_waiting(store.database) == 1
    second = asked(instance, store)
    assert second.run_key != request.run_key
    run_id = launch(instance, second, STATUS.STARTED)
    assert skipped(instance, store) == f"the run {run_id} is at work"
    assert n_waiting(store.database) == 1
    instance.delete_run(run_id)
    launch(instance, second, STATUS.SUCCESS)
    assert skipped(instance, store) == "a run has covered the changes of the ledger"
    assert n_waiting(store.database) == 0
    assert skipped(instance, store) == "no change of the ledger waits"


def test_a_daemon_that_dies_before_it_launches_asks_for_the_same_run_again(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database)
    request = asked(instance, store)
    launch(instance, request, STATUS.NOT_STARTED)  # created and never launched
    again = asked(instance, store)
    assert (again.run_key, again.tags) == (request.run_key, request.tags)


def test_a_run_whose_process_was_killed_does_not_block_the_next(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database)
    child = subprocess.Popen([sys.executable, "-c", ""])
    tags = process_tags(child.pid, psutil.Process(child.pid).create_time())
    child.wait()
    request = asked(instance, store)
    launch(instance, request, STATUS.STARTED, **tags)
    assert asked(instance, store).run_key != request.run_key


def test_a_run_that_keeps_failing_is_asked_for_three_times(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database)
    keys = []
    for _ in range(MAX_ATTEMPTS):
        request = asked(instance, store)
        keys.append(request.run_key)
        run_id = launch(instance, request, STATUS.FAILURE)
    assert len(set(keys)) == MAX_ATTEMPTS
    assert skipped(instance, store).startswith(f"3 runs failed, last {run_id}")
    assert n_waiting(store.database) == 1
    launch(instance, request, STATUS.SUCCESS)  # re-executed by hand, with the same tags
    assert skipped(instance, store) == "a run has covered the changes of the ledger"


def test_changes_made_while_a_run_works_wait_for_the_next(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database)
    request = asked(instance, store)
    change(store.database, MARKET_DAYS[3])
    launch(instance, request, STATUS.SUCCESS)
    later = asked(instance, store)
    assert n_waiting(store.database) == 1
    assert tuple(later.tags[name] for name in RANGE) == ("2022-03-10", "2022-03-11")


def test_a_new_change_is_tried_although_the_last_one_kept_failing(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database)
    for _ in range(MAX_ATTEMPTS):
        launch(instance, asked(instance, store), STATUS.FAILURE)
    change(store.database, INCEPTION)
    assert tuple(asked(instance, store).tags[name] for name in RANGE) == ("2022-03-07", "2022-03-11")


def test_runs_of_another_database_with_the_same_ids_cover_nothing(instance: dg.DagsterInstance, store: StoreResource) -> None:
    # the database is begun anew and Dagster's home is not: the ids start again at 1
    request = dg.RunRequest(tags={ASKED_BY_TAG: "ledger_changed", LEDGER_TAG: f"1@{datetime(2020, 1, 1, tzinfo=UTC).isoformat()}"})
    launch(instance, request, STATUS.SUCCESS)
    change(store.database)
    assert asked(instance, store)
    assert n_waiting(store.database) == 1


def test_a_change_after_the_market_data_waits_for_them(
    instance: dg.DagsterInstance, store: StoreResource, calendar: SessionCalendar
) -> None:
    change(store.database, date(2022, 3, 14))
    assert skipped(instance, store) == "the changed sessions have no market data yet"
    days = [*MARKET_DAYS, date(2022, 3, 14)]
    materialize.prices(workshop(store.database, calendar, SmallMarket(days, {"A": [1] * 6})), days)
    assert tuple(asked(instance, store).tags[name] for name in RANGE) == ("2022-03-14", "2022-03-14")


def test_a_change_before_the_book_begins_counts_from_its_first_session(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database, INCEPTION)
    assert asked(instance, store).tags[RANGE[0]] == "2022-03-07"


def test_marks_name_one_change_of_one_database(database: Database) -> None:
    change(database)
    change(database, INCEPTION)
    with database.write() as connection:
        found = unprocessed(connection)
        assert found is not None
        assert position_of(connection, found.mark) == found.last_id
        assert position_of(connection, f"{found.last_id}@{datetime(2020, 1, 1, tzinfo=UTC).isoformat()}") == 0
        mark_processed(connection, found.last_id - 1, datetime(2022, 1, 1, tzinfo=UTC))
    rows = database.frame(select(ledger_changes.c.processed_at).order_by(ledger_changes.c.id))
    assert rows["processed_at"].notna().tolist() == [True, False]


def test_book_range_is_what_the_market_run_touched_and_what_is_stale() -> None:
    single, several = {"dagster/partition": "2022-06-15"}, {RANGE[0]: "2021-12-01", RANGE[1]: "2022-01-05"}
    assert book_range(single, []) == ("2022-06-15", "2022-06-15")
    assert book_range(several, []) == ("2022-01-03", "2022-01-05")
    assert book_range({"dagster/partition": "2021-06-15"}, []) is None
    assert book_range({"dagster/partition": "2021-06-15"}, ["2022-02-01", "2022-01-05", "2019-01-02"]) == ("2022-01-05", "2022-02-01")
    assert book_range({}, ["2022-01-05"]) is None


def follow(instance: dg.DagsterInstance, store: StoreResource, tags: dict[str, str]) -> dg.RunRequest | dg.SkipReason:
    run = dg.DagsterRun(job_name="market_data", run_id="market-run", tags=tags, status=STATUS.SUCCESS)
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "market_data")
    context = dg.build_run_status_sensor_context(
        "book_after_market_data", event, instance, run, resources={"store": store}, partition_key=tags.get("dagster/partition")
    )
    found = book_after_market_data(context)
    assert isinstance(found, (dg.RunRequest, dg.SkipReason))
    return found


def test_the_book_follows_the_market_data(instance: dg.DagsterInstance, store: StoreResource) -> None:
    request = follow(instance, store, {"dagster/partition": "2022-03-11"})
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "after-market-run"
    assert tuple(request.tags[name] for name in RANGE) == ("2022-03-11", "2022-03-11")
    before_the_book = follow(instance, store, {RANGE[0]: "2020-01-02", RANGE[1]: "2020-01-06"})
    assert before_the_book == dg.SkipReason("the market run is of no book session")
    by_command = follow(instance, store, {"dagster/partition": "2022-03-11", "sigmasight/book_follows": "command"})
    assert isinstance(by_command, dg.SkipReason)


def test_a_corrected_price_is_followed_through_every_session_that_it_makes_stale(
    instance: dg.DagsterInstance, store: StoreResource, calendar: SessionCalendar
) -> None:
    database = store.database
    market = SmallMarket(MARKET_DAYS, {"A": [1.0, 1.0, 1.0, 1.0, 1.0]})
    add_book(database, [Lot("A", 10, 1, MARKET_DAYS[0])], cash=0, as_of=MARKET_DAYS[0])
    run_all(workshop(database, calendar, market), MARKET_DAYS, MARKET_DAYS)
    quiet = follow(instance, store, {"dagster/partition": "2022-03-11"})
    assert isinstance(quiet, dg.RunRequest)
    assert quiet.tags[RANGE[0]] == "2022-03-11"  # a new session makes no earlier one stale
    market.closes["A"] = [1.0, 1.1, 1.0, 1.0, 1.0]
    materialize.prices(workshop(database, calendar, market), [MARKET_DAYS[1]])
    request = follow(instance, store, {"dagster/partition": "2022-03-08"})
    assert isinstance(request, dg.RunRequest)
    assert tuple(request.tags[name] for name in RANGE) == ("2022-03-08", "2022-03-11")


def test_stale_sessions_outside_the_partitions_are_left_alone(
    instance: dg.DagsterInstance, store: StoreResource, calendar: SessionCalendar
) -> None:
    # rows of an earlier book start: no run can reach them
    early = calendar.offset(SampleProvider().first_session(), 5)
    frame = typed_frame(portfolio_snapshots, [])
    replace(store.database, portfolio_snapshots, frame, computed(code_version="0"), sessions=[early], portfolios=[ONE])
    request = follow(instance, store, {"dagster/partition": "2022-03-11"})
    assert isinstance(request, dg.RunRequest)
    assert request.tags[RANGE[0]] == "2022-03-11"


def test_a_change_that_the_api_is_bringing_up_to_date_is_left_to_it(instance: dg.DagsterInstance, store: StoreResource) -> None:
    change(store.database)
    with store.database.write() as connection:
        owner = add_user(connection, "ann@example.com")
        operation = register.submit_book(connection, owner, ONE, MARKET_DAYS[1])
    assert skipped(instance, store) == "an operation of the API brings the books up to date"
    c = operations.c
    with store.database.write() as connection:  # an API that is gone for an hour does not hold the books up
        connection.execute(update(operations).where(c.id == operation).values(created_at=utc_now() - timedelta(hours=1)))
    assert asked(instance, store).tags[RANGE[0]] == "2022-03-08"
