"""Market data of a session that has not closed are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.checks.market import latest_session_of
from sigmasight_assets.errors import SessionNotClosed
from sigmasight_assets.sessions import NEW_YORK, SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations
from tests.support.books import workshop
from tests.support.small_market import LiveMarket, SmallMarket

THU, FRI, HALF_DAY = date(2022, 11, 22), date(2022, 11, 23), date(2022, 11, 25)


def at(hour: int, minute: int = 0, day: date = HALF_DAY) -> Callable[[], datetime]:
    return lambda: datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


@pytest.mark.parametrize("step", [materialize.prices, materialize.treasury_yields, materialize.option_quotes])
def test_a_session_is_refused_until_it_has_closed(
    sqlite: Database, calendar: SessionCalendar, step: Callable[..., materialize.Replaced]
) -> None:
    days = [THU, FRI, HALF_DAY]
    shop = workshop(sqlite, calendar, SmallMarket(days, {"A": [1, 2, 3]}))
    message = r"session 2022-11-25 has not closed: the last closed session is 2022-11-23. Run it after 2022-11-25 18:00 UTC"
    with pytest.raises(SessionNotClosed, match=message):
        step(replace(shop, clock=at(12, 59)), days)
    assert sqlite.frame(select(materializations)).empty  # not even the closed ones: the run says what is wrong
    step(replace(shop, clock=at(12, 59)), days[:2])
    done = step(replace(shop, clock=at(13)), days)
    assert done.row_sets == 3


def test_the_latest_session_is_judged_by_the_same_clock(sqlite: Database, calendar: SessionCalendar) -> None:
    days = [THU, FRI, HALF_DAY]
    market = LiveMarket(calendar, THU)
    market.sessions, market.closes = days, {"A": [1, 2, 3]}
    shop = workshop(sqlite, calendar, market)
    materialize.prices(shop, days[:2])
    check = latest_session_of("prices")
    assert check(replace(shop, clock=at(12, 59)), days).passed
    after = check(replace(shop, clock=at(13)), days)
    assert (after.passed, after.detail) == (False, "latest session missing: 2022-11-25")
