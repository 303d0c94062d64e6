"""Lots one at a time, on both databases: what stands in the ledger, and from which session on numbers are old."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import insert, select

from sigmasight_assets.errors import LedgerConflict, LedgerRefused, NotFound
from sigmasight_assets.ledger.accounts import Portfolio, find_portfolio
from sigmasight_assets.ledger.changes import INCEPTION
from sigmasight_assets.ledger.csv_lots import LotRow, read_lot
from sigmasight_assets.ledger.importing import HeldLot
from sigmasight_assets.ledger.lot_changes import Closed, add_lot, change_lot, close_lot, delete_lot, require_lot
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import ledger_changes, prices
from tests.support.imports import AS_OF, TODAY, Importer

EARLY, LATE = date(2022, 3, 1), date(2022, 6, 1)
"""Before and after the stated cash of 2022-03-11."""


class Desk:
    """One portfolio whose lots are written one at a time."""

    def __init__(self, take: Importer) -> None:
        self.take = take
        take()  # an empty portfolio
        self.seen = len(self.changes())

    @property
    def portfolio(self) -> Portfolio:
        with self.take.database.read() as connection:
            found = find_portfolio(connection, "book")
        assert found is not None
        return found

    def row(self, **cells: str) -> LotRow:
        read = read_lot(cells, as_of=AS_OF, today=TODAY, calendar=self.take.calendar, known_symbols=None)
        assert read.row is not None, read.problems
        return read.row

    def add(self, ticker: str, quantity: str, entry: date, price: str = "100", **more: str) -> HeldLot:
        row = self.row(ticker=ticker, quantity=quantity, entry_price=price, entry_date=str(entry), **more)
        with self.take.database.write() as connection:
            lot_id = add_lot(connection, self.portfolio, row, self.take.calendar).lot_ids[0]
            return require_lot(connection, self.portfolio, lot_id)

    def change(self, lot: HeldLot, **cells: str) -> date | None:
        with self.take.database.write() as connection:
            return change_lot(connection, self.portfolio, lot, self.row(**{**_cells(lot), **cells}), self.take.calendar)

    def close(self, lot: HeldLot, exit_: date, quantity: str | None = None) -> Closed:
        row = self.row(**{**_cells(lot), "exit_date": str(exit_), "exit_price": "110"})
        with self.take.database.write() as connection:
            part = None if quantity is None else Decimal(quantity)
            return close_lot(connection, self.portfolio, lot, row, part, self.take.calendar)

    def delete(self, lot: HeldLot) -> date | None:
        with self.take.database.write() as connection:
            return delete_lot(connection, self.portfolio, lot, self.take.calendar).first_session

    def changes(self) -> list[tuple[str, date]]:
        """(facet, first session) of every change noted."""
        with self.take.database.read() as connection:
            c = ledger_changes.c
            return [(facet, first) for facet, first in connection.execute(select(c.facet, c.first_session).order_by(c.id))]

    def noted(self) -> list[tuple[str, date]]:
        """Those since the last time that somebody asked."""
        out = self.changes()[self.seen :]
        self.seen += len(out)
        return out


def _cells(lot: HeldLot) -> dict[str, str]:
    out = {"ticker": lot.symbol, "quantity": f"{lot.quantity:f}", "entry_price": f"{lot.entry_price:f}", "entry_date": str(lot.entry_date)}
    exit_ = {} if lot.exit_date is None else {"exit_date": str(lot.exit_date), "exit_price": f"{lot.exit_price:f}"}
    return {**out, **exit_, "asset_class": lot.asset_class}


@pytest.fixture
def desk(database: Database, calendar: SessionCalendar) -> Desk:
    return Desk(Importer(database, calendar))


def test_a_lot_up_to_the_stated_cash_moves_all_cash_and_a_later_one_does_not(desk: Desk) -> None:
    desk.add("AAPL", "10", EARLY)
    assert desk.noted() == [("book", INCEPTION)]
    later = desk.add("AAPL", "10", LATE)
    assert desk.noted() == [("book", LATE)]
    assert desk.delete(later) == LATE
    assert [lot.entry_date for lot in desk.take.held()] == [EARLY]


def test_an_option_is_noted_for_those_who_price_contracts(desk: Desk) -> None:
    option = desk.add("AAPL220617C00150000", "-2", date(2022, 3, 3))
    assert desk.noted() == [("book", INCEPTION), ("contracts", date(2022, 3, 3))]
    desk.close(option, LATE)
    assert desk.noted() == [("book", LATE), ("contracts", LATE)]


def test_a_correction_affects_the_sessions_since_the_earlier_date(desk: Desk) -> None:
    lot = desk.add("AAPL", "10", date(2022, 6, 10))
    desk.noted()
    assert desk.change(lot, quantity="12.5", entry_date="2022-06-08") == date(2022, 6, 8)
    (held,) = desk.take.held()
    assert (held.id, held.quantity, held.entry_date) == (lot.id, Decimal("12.5"), date(2022, 6, 8))
    assert desk.change(held, entry_date="2022-03-01") == INCEPTION
    assert desk.change(desk.take.held()[0]) is None
    assert desk.noted() == [("book", date(2022, 6, 8)), ("book", INCEPTION)]


def test_an_exit_affects_no_session_before_it(desk: Desk) -> None:
    lot = desk.add("AAPL", "10", EARLY)
    assert desk.close(lot, date(2022, 6, 11)) == Closed(lot.id, None, date(2022, 6, 13))  # a Saturday: Monday
    (held,) = desk.take.held()
    assert desk.change(held, exit_date="2022-06-09") == date(2022, 6, 9)
    assert desk.change(desk.take.held()[0], exit_date="2022-03-10") == INCEPTION
    assert desk.change(desk.take.held()[0], exit_date="", exit_price="") == INCEPTION
    assert desk.take.held()[0].exit_date is None


def test_an_option_sold_after_its_settlement_session_counts_on_it(desk: Desk) -> None:
    option = desk.add("AAPL220611C00150000", "1", LATE)  # expires on a Saturday, settles on Friday
    desk.noted()
    assert desk.close(option, date(2022, 6, 11)).first_session == date(2022, 6, 10)


def test_a_part_that_is_closed_is_a_lot_of_its_own_from_the_entry_on(desk: Desk) -> None:
    lot = desk.add("AAPL", "-10.5", LATE, "99.5", tags="core,short")
    desk.add("MSFT", "1", LATE)
    desk.noted()
    done = desk.close(lot, date(2022, 6, 20), "4")
    closed, rest, _ = sorted(desk.take.held(), key=lambda one: (one.symbol, one.exit_date is None))
    assert (done.lot_id, done.remaining_id) == (closed.id, rest.id)
    assert rest.id == lot.id
    assert (closed.quantity, rest.quantity) == (Decimal(-4), Decimal("-6.5"))
    assert (closed.exit_date, closed.exit_price, rest.exit_date) == (date(2022, 6, 20), Decimal(110), None)
    assert closed.entry_price == rest.entry_price == Decimal("99.5")
    assert closed.tags == rest.tags == ("core", "short")
    assert desk.noted() == [("book", LATE)]


def test_a_part_is_counted_in_shares_of_the_exit_date(desk: Desk) -> None:
    lot = desk.add("AAPL", "100", LATE)
    split = {
        "session": date(2022, 6, 6),
        "symbol": "AAPL",
        "close": 50.0,
        "split_ratio": 4.0,
        "source": "a test",
        "price_basis": "traded",
        "status": "ok",
    }
    with desk.take.database.write() as connection:
        connection.execute(insert(prices), split)
    desk.close(lot, date(2022, 6, 8), "100")  # of 400 by then
    closed, rest = sorted(desk.take.held(), key=lambda one: one.exit_date is None)
    assert (closed.quantity, rest.quantity) == (Decimal(25), Decimal(75))
    with pytest.raises(LedgerRefused, match="at most 300"):
        desk.close(rest, date(2022, 6, 8), "301")
    assert desk.close(rest, date(2022, 6, 8), "300").remaining_id is None


def test_what_is_closed_is_not_closed_again(desk: Desk) -> None:
    lot = desk.add("AAPL", "10", LATE)
    desk.close(lot, date(2022, 6, 8))
    with pytest.raises(LedgerConflict, match="2022-06-08"):
        desk.close(desk.take.held()[0], date(2022, 6, 9))


@pytest.mark.parametrize("quantity", ["0", "-1", "10.000000000001"])
def test_a_part_is_above_nothing_and_not_above_all(desk: Desk, quantity: str) -> None:
    lot = desk.add("AAPL", "10", LATE)
    with pytest.raises(LedgerRefused, match="at most 10"):
        desk.close(lot, date(2022, 6, 8), quantity)


def test_a_lot_of_another_portfolio_is_not_found(desk: Desk) -> None:
    lot = desk.add("AAPL", "10", LATE)
    desk.take(name="other")
    with desk.take.database.write() as connection:
        other = find_portfolio(connection, "other")
        assert other is not None
        with pytest.raises(NotFound):
            require_lot(connection, other, lot.id)
