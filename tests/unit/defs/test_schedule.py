"""The daily schedule names the session itself, skips what is none, and makes up for ticks that were missed."""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg
import pytest

from sigmasight_assets.calculations import materialize
from sigmasight_assets.defs.deployment import Deployment
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.defs.schedules import daily, first_to_run, session_to_run
from sigmasight_assets.sessions import NEW_YORK, SessionCalendar
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from tests.support.books import workshop
from tests.support.small_market import LiveMarket, SmallMarket


def evening(*day: int) -> datetime:
    return datetime(*day, 18, 30, tzinfo=NEW_YORK)  # type: ignore[misc,arg-type]


@pytest.fixture(scope="module")
def live(calendar: SessionCalendar) -> Deployment:
    return Deployment(Settings(provider="live"), LiveMarket(calendar, date(2020, 1, 2)), calendar)


@pytest.mark.parametrize("day", [date(2023, 1, 3), date(2022, 11, 25), date(2022, 3, 14), date(2022, 11, 7)])
def test_the_evening_of_a_session_runs_it(live: Deployment, day: date) -> None:
    # an ordinary day, a half day, and the first sessions after both changes of the clock
    assert session_to_run(live, evening(day.year, day.month, day.day)) == day.isoformat()


@pytest.mark.parametrize("day", [date(2022, 12, 26), date(2023, 1, 2), date(2022, 6, 18), date(2022, 6, 19), date(2018, 12, 5)])
def test_holidays_and_weekends_are_skipped(live: Deployment, day: date) -> None:
    skipped = session_to_run(live, evening(day.year, day.month, day.day))
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == f"{day} is not a trading session"


def test_a_session_that_has_not_closed_is_skipped(live: Deployment) -> None:
    noon = datetime(2022, 6, 15, 12, tzinfo=NEW_YORK)
    assert session_to_run(live, noon) == dg.SkipReason("the session 2022-06-15 has not closed")


def test_the_evening_in_utc_is_still_the_session_of_new_york(live: Deployment) -> None:
    late = datetime(2022, 6, 15, 23, 59, tzinfo=NEW_YORK)  # 03:59 UTC on the 16th
    assert session_to_run(live, late) == "2022-06-15"


def test_first_missed_session_after_the_last_stored_one_begins_the_run(live: Deployment) -> None:
    assert first_to_run(live, "2022-12-27", []) == "2022-12-27"  # history is a backfill
    assert first_to_run(live, "2022-12-27", ["2022-12-22", "2022-12-23"]) == "2022-12-27"  # over Christmas
    assert first_to_run(live, "2022-12-27", ["2022-12-16"]) == "2022-12-19"
    assert first_to_run(live, "2022-12-27", ["2022-12-23", "2022-12-28"]) == "2022-12-27"  # what is later does not count


@pytest.fixture
def store(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> StoreResource:
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", str(sqlite.url))
    return StoreResource()


def tick(store: StoreResource, moment: datetime) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_schedule_context(scheduled_execution_time=moment, resources={"store": store})
    found = daily(context)
    assert isinstance(found, (dg.RunRequest, dg.SkipReason))
    return found


def test_a_tick_after_the_end_of_the_sample_says_so(store: StoreResource) -> None:
    assert tick(store, evening(2022, 12, 29)) == dg.SkipReason("sample data end 2022-12-28")
    assert tick(store, evening(2022, 12, 26)) == dg.SkipReason("2022-12-26 is not a trading session")


def test_a_tick_is_a_run_of_one_partition_or_of_the_range_since_the_last_stored_one(
    store: StoreResource, sqlite: Database, calendar: SessionCalendar
) -> None:
    one = tick(store, evening(2022, 12, 28))
    assert isinstance(one, dg.RunRequest)
    assert (one.run_key, one.partition_key) == ("daily-2022-12-28", "2022-12-28")
    days = [date(2022, 12, 21), date(2022, 12, 22)]
    materialize.prices(workshop(sqlite, calendar, SmallMarket(days, {"A": [1, 1]})), days)
    several = tick(store, evening(2022, 12, 28))
    assert isinstance(several, dg.RunRequest)
    assert several.partition_key is None
    assert several.run_key == "daily-2022-12-28"
    assert several.tags["dagster/asset_partition_range_start"] == "2022-12-23"
    assert several.tags["dagster/asset_partition_range_end"] == "2022-12-28"
