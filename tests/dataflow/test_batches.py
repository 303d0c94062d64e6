"""A session's rows do not depend on the sessions that they are computed with."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import pandas as pd
from sqlalchemy import update

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.earlier_sessions import EarlierSessions
from sigmasight_assets.calculations.kept_rows import KEPT
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.ledger.changes import record_change
from sigmasight_assets.ledger.kept_book import kept_book
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import lots, portfolio_snapshots, position_values
from tests.support.books import SPINE_STEPS, Lot, add_book, run_all, snapshots, workshop
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


def test_a_years_gain_is_right_whichever_earlier_sessions_are_stale(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 1, 3), date(2022, 1, 12))
    market = SmallMarket(days, {"A": [10, 11, 12, 12, 13, 14, 15, 16]})
    shop = workshop(database, calendar, market)
    kept = add_book(database, [Lot("A", 10, 10, days[0])], cash=0, as_of=days[-1], name="kept")
    edited = add_book(database, [Lot("A", 5, 10, days[0])], cash=0, as_of=days[-1], name="edited")
    run_all(shop, days, days[1:], SPINE_STEPS)

    def year_pnl() -> dict[uuid.UUID, float]:
        """Of the last session, when it alone is computed."""
        for step in (materialize.position_values, materialize.portfolio_snapshots):
            step(shop, days[-1:])
        rows = snapshots(database).loc[pd.Timestamp(days[-1])]
        return dict(zip(rows["portfolio_id"], rows["year_pnl"], strict=True))

    assert year_pnl() == {kept.id: 60.0, edited.id: 30.0}  # 10 -> 16
    with database.write() as connection:  # nothing tells of this row, so it is taken as it stands: what is stored counts
        mine = (portfolio_snapshots.c.session == days[2]) & (portfolio_snapshots.c.portfolio_id == kept.id)
        connection.execute(update(portfolio_snapshots).where(mine).values(pnl=portfolio_snapshots.c.pnl + 1000))
    assert year_pnl() == {kept.id: 1060.0, edited.id: 30.0}
    with database.write() as connection:  # five shares less from the start: the stored gains of this book are stale
        connection.execute(update(lots).where(lots.c.portfolio_id == edited.id).values(quantity=Decimal(1)))
        record_change(connection, edited.id, days[0], "fewer shares")
    assert year_pnl() == {kept.id: 1060.0, edited.id: 6.0}
    market.dividends["A", days[3]] = 0.5  # a dividend that the source had forgotten: every later session is stale
    materialize.prices(shop, days)
    assert year_pnl() == {kept.id: 1065.0, edited.id: 6.5}  # the session before it stands as it was


def test_the_value_of_a_session_before_is_right_whether_its_rows_are_stale_or_not_there(
    database: Database, calendar: SessionCalendar
) -> None:
    days = calendar.between(date(2022, 1, 3), date(2022, 1, 12))
    market = SmallMarket(days, {"A": [10, 11, 12, 12, 13, 14, 15, 16]})
    shop = workshop(database, calendar, market)
    kept = add_book(database, [Lot("A", 10, 10, days[0])], cash=0, as_of=days[-1], name="kept")
    edited = add_book(database, [Lot("A", 5, 10, days[0])], cash=0, as_of=days[-1], name="edited")
    run_all(shop, days, days[1:3], SPINE_STEPS)

    def values(*sessions: date) -> dict[uuid.UUID, list[float]]:
        KEPT.clear()  # another process reads them
        with reading(database, calendar) as reader:
            book, position = kept_book(database, reader.connection, calendar), reader.positions(sessions)
            found = EarlierSessions(reader, book, position).market_values(position)
        return dict(zip(book.portfolio_ids, found.T.tolist(), strict=True))

    assert values(days[2], days[-2]) == {kept.id: [120.0, 150.0], edited.id: [60.0, 75.0]}  # of the second nothing is stored
    with database.write() as connection:  # nothing tells of this row, so it is taken as it stands: what is stored counts
        mine = (position_values.c.session == days[2]) & (position_values.c.portfolio_id == kept.id)
        connection.execute(update(position_values).where(mine).values(market_value=position_values.c.market_value + 1000))
    assert values(days[2], days[-2]) == {kept.id: [1120.0, 150.0], edited.id: [60.0, 75.0]}
    with database.write() as connection:  # four shares less from the start: the stored values of this book are stale
        connection.execute(update(lots).where(lots.c.portfolio_id == edited.id).values(quantity=Decimal(1)))
        record_change(connection, edited.id, days[0], "fewer shares")
    assert values(days[2], days[-2]) == {kept.id: [1120.0, 150.0], edited.id: [12.0, 15.0]}
    market.closes["A"][2] = 12.5
    materialize.prices(shop, days)
    assert values(days[2], days[-2]) == {kept.id: [125.0, 150.0], edited.id: [12.5, 15.0]}
