"""A session's rows do not depend on the sessions that they are computed with."""

from __future__ import annotations

from datetime import date

from sigmasight_assets.calculations import materialize
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from tests.support.books import Lot, add_book, run_all, workshop
from tests.support.small_market import SmallMarket


def test_a_session_computed_alone_gives_the_bits_of_the_whole_range(database: Database, calendar: SessionCalendar) -> None:
    sessions = calendar.between(date(2022, 6, 1), date(2022, 6, 10))
    closes = {f"S{i}": [10 + i / 7 + (i + 1) * (j + 1) / 13 for j in range(len(sessions))] for i in range(20)}
    shop = workshop(database, calendar, SmallMarket(sessions, closes))
    for book in range(2):
        held = [Lot(f"S{i}", round((i + 1) / 3, 4) * (-1) ** i, round(10.1 + i / 7, 4), sessions[i % 4]) for i in range(20)]
        add_book(database, held, cash=1000.1, as_of=sessions[-1], name=f"book-{book}")
    run_all(shop, sessions, sessions)
    for session in sessions[3:6]:
        for step in (materialize.position_values, materialize.portfolio_snapshots):
            assert step(shop, [session]).changed == 0, session
