"""The kept rows of `position_values` are the stored ones: whatever was written since, a reader sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
from sqlalchemy import select, update

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.kept_rows import COLUMNS, KEPT, MOST_SESSIONS, position_rows
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolios, position_values
from tests.support.books import Lot, add_book, run_all, workshop
from tests.support.small_market import SmallMarket

DAYS = (date(2022, 4, 27), date(2022, 4, 28), date(2022, 4, 29))


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    KEPT.clear()
    yield
    KEPT.clear()


def test_every_change_of_the_rows_is_seen(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [10.0, 11.0, 12.0], "B": [20.0, 21.0, 22.0]})
    add_book(database, [Lot("A", 5, 10, DAYS[0]), Lot("B", -2, 20, DAYS[0], DAYS[2], 22)], cash=100, as_of=DAYS[2])
    shop = workshop(database, calendar, market)
    run_all(shop, DAYS, DAYS)
    with database.read() as connection:
        ids = sorted(connection.execute(select(portfolios.c.id)).scalars())

    def read(*days: date) -> pd.DataFrame:
        """The rows as they are kept or read now, which must be those of the table."""
        with reading(database, calendar) as reader:
            found = position_rows(reader, days, ids, COLUMNS)
        p = position_values.c
        query = select(*(p[name] for name in COLUMNS)).where(p.session.in_(days), p.status != "quarantined")
        pd.testing.assert_frame_equal(found, database.frame(query.order_by(p.session, p.portfolio_id, p.lot_id)))
        return found

    before = read(*DAYS[1:])
    pd.testing.assert_frame_equal(read(*DAYS[1:]), before)
    assert len(read(*DAYS)) == len(before) + 2 > MOST_SESSIONS
    assert read(DAYS[2])["event"].notna().sum() == 1  # a lot that ends is among them
    market.closes["A"] = [10.0, 11.5, 12.0]
    materialize.prices(shop, DAYS)
    materialize.position_values(shop, [DAYS[1]])
    assert sorted(read(*DAYS[1:])["price"]) == [11.5, 12.0, 21.0, 22.0]
    kept = read(DAYS[1])
    kept["price"] = 0.0  # a reader's own
    assert sorted(read(DAYS[1])["price"]) == [11.5, 21.0]
    assert read(date(2022, 4, 26)).empty


def test_quarantined_rows_are_there_for_who_asks_for_them(database: Database, calendar: SessionCalendar) -> None:
    add_book(database, [Lot("A", 5, 10, DAYS[0]), Lot("B", -2, 20, DAYS[0])], cash=100, as_of=DAYS[2])
    run_all(workshop(database, calendar, SmallMarket(DAYS, {"A": [10.0, 11.0, 12.0], "B": [20.0, 21.0, 22.0]})), DAYS, DAYS)
    with database.write() as connection:
        ids = sorted(connection.execute(select(portfolios.c.id)).scalars())
        connection.execute(update(position_values).where(position_values.c.symbol == "A").values(status="quarantined"))
    for days in (DAYS, DAYS[1:]):  # read, and kept
        with reading(database, calendar) as reader:
            assert set(position_rows(reader, days, ids, ("symbol",))["symbol"]) == {"B"}
            every = position_rows(reader, days, ids, ("symbol",), quarantined=True)
        assert every["symbol"].value_counts().to_dict() == {"A": len(days), "B": len(days)}
        assert list(every.columns) == ["symbol"]
