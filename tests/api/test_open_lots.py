"""Which lots are open at a close, on both databases: the query and the arrays of the engines agree on every date."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from sigmasight_api.queries.positions import close_of, lots_at, state_at
from sigmasight_assets.ledger.accounts import LEDGER_LOCK
from sigmasight_assets.ledger.book import load_book
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database, lock_for_writing
from sigmasight_assets.store.tables import lot_tags, lots, tags
from tests.support.books import Lot, add_book

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2022, 6, day) for day in (10, 11, 12, 13))
GOOD_FRIDAY = date(2022, 4, 15)
DAYS = (date(2022, 4, 14), date(2022, 6, 9), FRIDAY, SATURDAY, SUNDAY, MONDAY, date(2022, 6, 14))
LOTS = [
    *(Lot("AAPL", 10, 100.0, entry) for entry in DAYS),
    *(Lot("AAPL", -10, 100.0, date(2022, 4, 1), exit_, 101.0) for exit_ in DAYS),
    Lot("AAPL220611C00100000", 1, 2.0, date(2022, 6, 1)),  # expires on a Saturday: settles on Friday
    Lot("AAPL220611P00100000", -1, 2.0, SATURDAY),  # entered after that
    Lot("AAPL220415C00100000", 1, 2.0, date(2022, 4, 1)),  # a holiday
    Lot("AAPL220613C00100000", 1, 2.0, date(2022, 6, 1), MONDAY, 3.0),
]


@pytest.mark.parametrize("as_of", [date(2022, 6, 1), FRIDAY, SATURDAY, SUNDAY, MONDAY])
def test_the_query_and_the_engines_agree_on_which_lots_are_open(database: Database, calendar: SessionCalendar, as_of: date) -> None:
    portfolio = add_book(database, LOTS, cash=1000, as_of=as_of)
    sessions = calendar.between(date(2022, 4, 1), date(2022, 6, 20))
    with database.read() as connection:
        held = load_book(database, connection, calendar).lots
        for session in sessions:
            close, position = close_of(session, portfolio, calendar), calendar.position(session)
            open_now = {held.lot_id[i] for i in range(len(held)) if held.entry[i] <= position < held.end[i]}
            to_come = {held.lot_id[i] for i in range(len(held)) if held.entry[i] > position and held.end[i] > position}
            rows = connection.execute(lots_at(portfolio.id, close)).all()
            assert {row.lot_id for row in rows if row.state == "open"} == open_now, session
            assert {row.lot_id for row in rows if row.state == "upcoming"} == to_come, session
            assert {row.reason for row in rows if row.state == "open"} == ({"not_computed"} if open_now else set())


def test_types_and_tags_of_lots_that_nobody_has_computed(database: Database, calendar: SessionCalendar) -> None:
    portfolio = add_book(database, [Lot("AAPL", -10, 100.0, FRIDAY), Lot("AAPL230616P00100000", -1, 2.0, FRIDAY)], cash=0, as_of=FRIDAY)
    with database.write() as connection:
        lock_for_writing(connection, LEDGER_LOCK)
        lot = connection.execute(select(lots.c.id).where(lots.c.symbol == "AAPL")).scalar_one()
        for number, name in enumerate(("zeta", "Alpha")):
            tag = portfolio.id if number else lot  # any id does
            connection.execute(tags.insert(), {"id": tag, "owner_id": portfolio.owner_id, "name": name, "name_key": name.lower()})
            connection.execute(lot_tags.insert(), {"lot_id": lot, "tag_id": tag})
    close = close_of(FRIDAY, portfolio, calendar)
    with database.read() as connection:
        rows = connection.execute(lots_at(portfolio.id, close).where(state_at(close) == "open").order_by(lots.c.ordinal)).all()
    assert [row.position_type for row in rows] == ["SHORT", "SP"]
    assert [sorted((row.tags or "").split(",")) for row in rows] == [["Alpha", "zeta"], [""]]
    assert [(row.quantity, row.multiplier, row.strike) for row in rows] == [(-10.0, 1.0, None), (-1.0, 100.0, 100.0)]
