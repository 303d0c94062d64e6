"""Whatever is written to a book, no session before the noted one gets other numbers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Connection

from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.ledger.csv_flows import AppraisalRow, FlowRow
from sigmasight_assets.ledger.csv_lots import LotRow, read_lot
from sigmasight_assets.ledger.dated_entries import add_flow, set_appraisal
from sigmasight_assets.ledger.importing import HeldLot, held_lots
from sigmasight_assets.ledger.lot_changes import add_lot, change_lot, close_lot, delete_lot
from sigmasight_assets.ledger.portfolio_changes import change_portfolio
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import nav_identity_error
from tests.support.books import SPINE_STEPS, Lot, add_book, positions, run_all, run_book, snapshots, workshop
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7, 8, 9, 10, 11, 14, 15)]
BOOK = DAYS[2:]
AS_OF = date(2022, 3, 9)
MARKET = SmallMarket(DAYS, {"A": [9.0, 9.5, 10.0, 10.2, 10.4, 10.1, 11.0, 12.0, 12.5], "B": [20.0 + i for i in range(9)]})
OPTION = "A220314C00010000"
LOTS = [
    Lot("A", 10, 9.0, date(2022, 3, 4)),
    Lot("A", -6, 10.0, date(2022, 3, 10)),
    Lot("B", 5, 20.0, date(2022, 3, 7), date(2022, 3, 14), 23.0),
    Lot(OPTION, 2, 1.0, date(2022, 3, 10)),
    Lot("HOUSE", 1, 100.0, date(2022, 3, 4), private=True),
]


@dataclass(frozen=True)
class Desk:
    """A book on an open write transaction."""

    connection: Connection
    calendar: SessionCalendar
    portfolio: Portfolio

    def row(self, lot: HeldLot | None = None, **cells: object) -> LotRow:
        facts: dict[str, object] = {}
        if lot is not None:
            facts = {"ticker": lot.symbol, "asset_class": lot.asset_class, "quantity": lot.quantity, "entry_price": lot.entry_price}
            facts |= {"entry_date": lot.entry_date, "exit_date": lot.exit_date or "", "exit_price": lot.exit_price or ""}
        texts = {name: str(value) for name, value in {**facts, **cells}.items()}
        read = read_lot(texts, as_of=AS_OF, today=date(2022, 4, 1), calendar=self.calendar, known_symbols=None)
        assert read.row is not None, read.problems
        return read.row

    def lot(self, i: int) -> HeldLot:
        return held_lots(self.connection, self.portfolio.id)[i]

    def buy(self, day: str) -> date | None:
        row = self.row(ticker="B", quantity=3, entry_price=21, entry_date=day)
        return add_lot(self.connection, self.portfolio, row, self.calendar).first_session

    def change(self, i: int, **cells: object) -> date | None:
        return change_lot(self.connection, self.portfolio, self.lot(i), self.row(self.lot(i), **cells), self.calendar)

    def close(self, i: int, day: str, price: float = 11.5, part: Decimal | None = None) -> date:
        row = self.row(self.lot(i), exit_date=day, exit_price=price)
        return close_lot(self.connection, self.portfolio, self.lot(i), row, part, self.calendar).first_session

    def delete(self, i: int) -> date | None:
        return delete_lot(self.connection, self.portfolio, self.lot(i), self.calendar).first_session

    def pay_in(self, day: date) -> date:
        return add_flow(self.connection, self.calendar, self.portfolio, FlowRow(1, day, Decimal(50), None))[1]

    def mark(self, day: date) -> date | None:
        return set_appraisal(self.connection, self.calendar, self.portfolio, AppraisalRow(1, "HOUSE", day, Decimal(110)))[1]

    def restate_cash(self) -> date | None:
        return change_portfolio(self.connection, self.portfolio, cash=Decimal(999))[1]


WRITES: dict[str, tuple[date | None, Callable[[Desk], date | None]]] = {
    "a lot bought later": (date(2022, 3, 11), lambda desk: desk.buy("2022-03-11")),
    "a lot bought on a Saturday": (date(2022, 3, 14), lambda desk: desk.buy("2022-03-12")),
    "a lot bought before the stated cash": (None, lambda desk: desk.buy("2022-03-08")),
    "a lot closed later": (date(2022, 3, 11), lambda desk: desk.close(0, "2022-03-11")),
    "a lot closed before the stated cash": (None, lambda desk: desk.close(0, "2022-03-08")),
    "a part of a short closed later": (date(2022, 3, 10), lambda desk: desk.close(1, "2022-03-14", part=Decimal(2))),
    "an exit moved": (date(2022, 3, 11), lambda desk: desk.change(2, exit_date="2022-03-11")),
    "an exit at another price": (date(2022, 3, 14), lambda desk: desk.change(2, exit_price=24)),
    "an exit taken back": (date(2022, 3, 14), lambda desk: desk.change(2, exit_date="", exit_price="")),
    "a short of another size": (date(2022, 3, 10), lambda desk: desk.change(1, quantity=-7)),
    "an option sold before it expires": (date(2022, 3, 11), lambda desk: desk.close(3, "2022-03-11", 2.5)),
    "an option never bought": (date(2022, 3, 10), lambda desk: desk.delete(3)),
    "money put in later": (date(2022, 3, 14), lambda desk: desk.pay_in(date(2022, 3, 13))),
    "a house marked anew": (date(2022, 3, 8), lambda desk: desk.mark(date(2022, 3, 8))),
    "cash restated": (None, lambda desk: desk.restate_cash()),
}
"""What is written, and the first session that it affects; None: every session."""


@pytest.fixture(scope="module")
def computed(sqlite_template: Path, calendar: SessionCalendar, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Portfolio]:
    """The book with its numbers."""
    path = tmp_path_factory.mktemp("first_affected") / "book.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    portfolio = add_book(database, LOTS, cash=1000, as_of=AS_OF)
    run_all(workshop(database, calendar, MARKET), DAYS, BOOK, SPINE_STEPS)
    database.dispose()
    return path, portfolio


@pytest.mark.parametrize("name", WRITES)
def test_only_sessions_from_the_noted_one_on_have_other_numbers(
    computed: tuple[Path, Portfolio], calendar: SessionCalendar, tmp_path: Path, name: str
) -> None:
    path, portfolio = computed
    database = Database(f"sqlite:///{shutil.copy(path, tmp_path)}")
    before = numbers(database)
    expected, write = WRITES[name]
    with database.write() as connection:
        first = write(Desk(connection, calendar, portfolio))
    assert first is not None
    assert first == expected or (expected is None and first < BOOK[0])
    run_book(workshop(database, calendar, MARKET), BOOK, SPINE_STEPS)
    after = numbers(database)
    for table in before:
        changed = [day for day in BOOK if differs(before[table], after[table], day)]
        assert changed or table == "positions", table
        assert all(day >= first for day in changed), table
    if expected is not None:  # the noted session is not too early either
        assert any(differs(before[table], after[table], first) for table in before)
    assert nav_identity_error(snapshots(database).reset_index(drop=True)).max() <= 1e-12
    database.dispose()


def numbers(database: Database) -> dict[str, pd.DataFrame]:
    """What is stored, by session, missing as a word so that it is equal to itself."""
    snapshot = snapshots(database).reset_index(drop=True).set_index(["session"]).drop(columns=["portfolio_id"])
    held = positions(database).set_index(["session", "lot_id"]).drop(columns=["portfolio_id"])
    return {"snapshots": snapshot.astype(object).fillna("missing"), "positions": held.astype(object).fillna("missing")}


def differs(before: pd.DataFrame, after: pd.DataFrame, session: date) -> bool:
    day = pd.Timestamp(session)
    old, new = (rows[rows.index.get_level_values("session") == day] for rows in (before, after))
    return not old.equals(new)
