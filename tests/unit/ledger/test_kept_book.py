"""The kept book is the ledger's: whoever changes it, a reader sees the change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pytest
from sqlalchemy import select

from sigmasight_assets.ledger.book import Book, load_book
from sigmasight_assets.ledger.csv_flows import read_appraisals
from sigmasight_assets.ledger.dated_entries import remove_flow, set_appraisal
from sigmasight_assets.ledger.importing import HeldLot
from sigmasight_assets.ledger.kept_book import KEPT, kept_book
from sigmasight_assets.ledger.portfolio_changes import change_portfolio, delete_portfolio, open_portfolio
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import flows
from tests.support.imports import TODAY, Importer
from tests.unit.ledger.test_dated_entries import add_flows, add_marks
from tests.unit.ledger.test_lot_changes import EARLY, LATE, Desk


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    KEPT.clear()
    yield
    KEPT.clear()


def arrays(book: Book) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for part in (book, book.lots) for name, values in vars(part).items() if name != "lots"}


def read(database: Database, calendar: SessionCalendar) -> Book:
    """The kept book, which must be the one that reading gives."""
    with database.read() as connection:
        kept, loaded = kept_book(database, connection, calendar), load_book(database, connection, calendar)
    for name, values in arrays(loaded).items():
        np.testing.assert_array_equal(arrays(kept)[name], values, err_msg=name)
    return kept


def test_every_change_of_the_ledger_is_seen(database: Database, calendar: SessionCalendar) -> None:
    desk = Desk(Importer(database, calendar))
    lots: list[HeldLot] = []
    mark = read_appraisals(b"ticker,date,price_per_unit\nFUND,2022-03-02,120", today=TODAY, calendar=calendar).rows[0]

    def correct_mark() -> None:
        with database.write() as connection:
            set_appraisal(connection, calendar, desk.portfolio, mark)

    def restate_cash() -> None:
        with database.write() as connection:
            change_portfolio(connection, desk.portfolio, cash=Decimal(77))

    def drop_flow() -> None:
        with database.write() as connection:
            remove_flow(connection, calendar, desk.portfolio, connection.execute(select(flows.c.id)).scalar_one())

    def open_another() -> None:
        with database.write() as connection:
            open_portfolio(connection, desk.portfolio.owner_id, "other", Decimal(5), LATE)

    def delete_book() -> None:
        with database.write() as connection:
            delete_portfolio(connection, desk.portfolio, calendar)

    steps = [
        lambda: lots.append(desk.add("AAPL", "10", EARLY)),
        lambda: lots.append(desk.add("FUND", "3", EARLY, asset_class="private")),
        lambda: desk.change(lots[0], quantity="12"),
        lambda: add_flows(database, calendar, desk.portfolio, "2022-03-01,100,gift"),
        lambda: add_marks(database, calendar, desk.portfolio, "FUND,2022-03-02,110"),
        correct_mark,
        restate_cash,
        drop_flow,
        lambda: desk.close(lots[0], LATE, "2"),
        lambda: desk.delete(lots[1]),
        lambda: desk.take("MSFT,5,200,2022-04-01,,,,"),
        open_another,
        delete_book,
    ]
    before = read(database, calendar)
    for step in steps:
        step()
        after = read(database, calendar)
        assert after is not before
        before = after


def test_a_change_that_another_process_makes_is_seen(database: Database, calendar: SessionCalendar) -> None:
    desk = Desk(Importer(database, calendar))
    desk.add("AAPL", "10", EARLY)
    assert read(database, calendar).lots.quantity.tolist() == [10.0]
    program = """
import sys
from datetime import datetime
from decimal import Decimal
from sqlalchemy import select, update
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import lots
database = Database(sys.argv[1])
with database.write() as connection:
    lot = connection.execute(select(lots.c.id, lots.c.portfolio_id)).one()
    connection.execute(update(lots).where(lots.c.id == lot.id).values(quantity=Decimal(11)))
    record_change(connection, lot.portfolio_id, INCEPTION, "a share more")
"""
    subprocess.run([sys.executable, "-c", program, database.url.render_as_string(hide_password=False)], check=True)
    assert read(database, calendar).lots.quantity.tolist() == [11.0]


def test_a_ledger_that_stands_is_read_once_and_nobody_can_write_into_what_is_kept(database: Database, calendar: SessionCalendar) -> None:
    desk = Desk(Importer(database, calendar))
    desk.add("AAPL", "10", EARLY)
    book = read(database, calendar)
    assert read(database, calendar) is book
    with database.read() as connection:
        assert kept_book(database, connection, calendar, [desk.portfolio.id]) is book  # all there are
        assert len(kept_book(database, connection, calendar, []).lots) == 0
    with pytest.raises(ValueError, match="read-only"):
        book.lots.quantity[0] = 0.0


def test_a_longer_calendar_is_another_book(database: Database, calendar: SessionCalendar) -> None:
    """What expires after the end of one calendar is settled on a session of the other."""
    Desk(Importer(database, calendar))
    assert read(database, SessionCalendar(2022)) is not read(database, calendar)
