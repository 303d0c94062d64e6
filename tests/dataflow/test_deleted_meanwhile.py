"""A portfolio that is deleted while a run is at work: nothing of it is written back, and the others are as ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, func, select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.ledger.portfolio_changes import delete_portfolio
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO
from sigmasight_assets.store.tables import METADATA, materializations
from tests.support.books import Lot, add_book, run_all, workshop
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7, 8)]
STEPS: dict[str, Callable[[Workshop], Any]] = {
    "opening_cash": materialize.opening_cash,
    "position_values": lambda shop: materialize.position_values(shop, DAYS[2:]),
    "portfolio_snapshots": lambda shop: materialize.portfolio_snapshots(shop, DAYS[2:]),
}


@pytest.fixture
def shop(database: Database, calendar: SessionCalendar) -> Workshop:
    return workshop(database, calendar, SmallMarket(DAYS, {"A": [10, 10, 11, 12]}))


@pytest.fixture
def kept(database: Database) -> Portfolio:
    return add_book(database, [Lot("A", 5, 9, DAYS[0])], cash=50, as_of=DAYS[-1], name="kept")


@pytest.fixture
def gone(database: Database, shop: Workshop, kept: Portfolio) -> Portfolio:
    del kept
    made = add_book(database, [Lot("A", 100, 9, DAYS[0])], cash=1000, as_of=DAYS[-1], name="gone")
    run_all(shop, DAYS, DAYS[2:])
    return made


def row_sets(database: Database, portfolio: Portfolio) -> dict[str, int]:
    """Rows of a portfolio in every table that is kept by portfolio."""
    tables = [METADATA.tables[name] for name in (*BY_PORTFOLIO, materializations.name)]
    with database.read() as connection:
        count = select(func.count())
        return {t.name: connection.execute(count.where(t.c.portfolio_id == portfolio.id)).scalar_one() for t in tables}


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_written_back(
    database: Database,
    calendar: SessionCalendar,
    shop: Workshop,
    kept: Portfolio,
    gone: Portfolio,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace = materialize.replace

    def replace_late(*arguments: Any, **more: Any) -> Any:
        with database.write() as connection:
            delete_portfolio(connection, gone, calendar)
        return replace(*arguments, **more)

    before = row_sets(database, kept)
    assert row_sets(database, gone) == before
    monkeypatch.setattr(materialize, "replace", replace_late)
    STEPS[step](shop)
    assert set(row_sets(database, gone).values()) == {0}
    assert row_sets(database, kept) == before


def test_a_deletion_under_way_is_waited_for(
    database: Database, calendar: SessionCalendar, shop: Workshop, kept: Portfolio, gone: Portfolio
) -> None:
    before = row_sets(database, kept)
    working: list[Future[Any]] = []

    def work(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("DELETE FROM materializations"):  # its rows are gone already, itself it is not
            working.append(pool.submit(STEPS["portfolio_snapshots"], shop))
            time.sleep(0.5)

    with ThreadPoolExecutor(1) as pool, database.write() as connection:
        event.listen(connection, "after_cursor_execute", work)
        delete_portfolio(connection, gone, calendar)
    assert working[0].result().row_sets == 2
    assert set(row_sets(database, gone).values()) == {0}
    assert row_sets(database, kept) == before
