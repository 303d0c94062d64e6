"""Partitions: one key per session, the same definition on every day of a year."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sigmasight_assets.defs.deployment import Deployment
from sigmasight_assets.defs.partitions import BOOK_SESSIONS, MARKET_SESSIONS, session_partitions
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import NEW_YORK, calendar_for
from sigmasight_assets.settings import Settings
from tests.support.small_market import LiveMarket


def deployment(now: datetime, *, live: bool, **settings: object) -> Deployment:
    calendar = calendar_for(now)
    provider = LiveMarket(calendar, date(2020, 1, 2)) if live else SampleProvider()
    return Deployment(Settings(provider="live" if live else "sample", **settings), provider, calendar)  # type: ignore[arg-type]


@pytest.mark.parametrize("live", [True, False])
def test_the_definition_is_the_same_on_every_day_of_a_year(live: bool) -> None:
    moments = [datetime(2023, 1, 1, 6, tzinfo=UTC), datetime(2023, 7, 4, 12, tzinfo=UTC), datetime(2024, 1, 1, 4, 59, tzinfo=UTC)]
    loaded = [session_partitions(deployment(now, live=live), date(2020, 1, 2), now) for now in moments]
    assert loaded[0] == loaded[1] == loaded[2]
    assert len({definition.get_serializable_unique_identifier() for definition in loaded}) == 1


def test_no_key_is_a_weekend_or_a_holiday_and_no_session_is_missing() -> None:
    now = datetime(2023, 3, 1, 12, tzinfo=UTC)
    there = deployment(now, live=False)
    for definition, first in ((MARKET_SESSIONS, date(2019, 12, 31)), (BOOK_SESSIONS, date(2022, 1, 3))):
        keys = definition.get_partition_keys(current_time=now)
        assert keys == [day.isoformat() for day in there.calendar.between(first, date(2022, 12, 28))]


def test_sample_data_leave_no_partition_that_cannot_be_filled() -> None:
    assert (MARKET_SESSIONS.get_first_partition_key(), MARKET_SESSIONS.get_last_partition_key()) == ("2019-12-31", "2022-12-28")
    assert (BOOK_SESSIONS.get_first_partition_key(), BOOK_SESSIONS.get_last_partition_key()) == ("2022-01-03", "2022-12-28")
    assert (len(MARKET_SESSIONS.get_partition_keys()), len(BOOK_SESSIONS.get_partition_keys())) == (755, 249)


@pytest.mark.parametrize(
    ("now", "last_key"),
    [
        (datetime(2023, 6, 14, 18, 30, tzinfo=NEW_YORK), "2023-06-14"),  # a session's own evening
        (datetime(2023, 7, 3, 18, 30, tzinfo=NEW_YORK), "2023-07-03"),  # half day
        (datetime(2023, 6, 15, 0, 30, tzinfo=NEW_YORK), "2023-06-15"),
    ],
)
def test_live_partitions_reach_the_present_session(now: datetime, last_key: str) -> None:
    there = deployment(now, live=True)
    definition = session_partitions(there, there.first_book_session, now)
    keys = definition.get_partition_keys(current_time=now)
    assert (keys[0], keys[-1]) == ("2020-01-02", last_key)


@pytest.mark.parametrize(
    ("setting", "first"),
    [
        (None, "2020-01-02"),
        (date(2021, 5, 29), "2021-06-01"),  # the Saturday before Memorial Day
        (date(2010, 1, 4), "2020-01-02"),  # before the data
    ],
)
def test_the_book_starts_with_a_session_of_the_data(setting: date | None, first: str) -> None:
    now = datetime(2023, 6, 14, 18, 30, tzinfo=NEW_YORK)
    there = deployment(now, live=True, book_start=setting)
    assert there.first_book_session.isoformat() == first


def test_sample_book_starts_in_2022_unless_told_otherwise() -> None:
    now = datetime(2023, 6, 14, tzinfo=UTC)
    assert deployment(now, live=False).first_book_session == date(2022, 1, 3)
    assert deployment(now, live=False, book_start=date(2021, 1, 1)).first_book_session == date(2021, 1, 4)
