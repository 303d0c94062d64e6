"""A corrected input makes stale whatever it changes: the windows of the lineage against what the calculations really read."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.providers.protocol import YIELD_COLUMNS, Answer, Proxy, typed
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations
from tests.support.books import Lot, add_book, run_all, run_book, workshop
from tests.support.small_market import SmallMarket

Key = tuple[str, date | None, uuid.UUID | None]
PORTFOLIO_TABLES = ("position_values", "portfolio_factor_risk", "factor_exposures", "position_correlations", "portfolio_snapshots")
FACTOR_TABLES = ("factor_loadings", "factor_betas", "factor_covariance")
BOOK_TABLES = (*FACTOR_TABLES, "opening_cash", "option_greeks", *PORTFOLIO_TABLES)
LONG_CALL, EXPIRING_PUT = "A220617C00110000", "A220218P00100000"
QUOTED = 18
"""Index into the book's sessions of the only quote."""


class Market(SmallMarket):
    """A small market with seven proxies, whose yields may differ by session."""

    proxies: ClassVar[Mapping[str, Proxy]] = {factor: Proxy(factor, f"P{k}", f"P{k}") for k, factor in enumerate(FACTORS)}

    def treasury_yields(self, sessions: list[date]) -> Answer:  # type: ignore[override]
        rows = [
            {"session": pd.Timestamp(day), "tenor_months": months, "par_yield": self.yields.get(day, 0.03), "source": "by hand"}
            for day in sessions
            for months in (3, 12, 120)
        ]
        return Answer(typed(pd.DataFrame(rows), YIELD_COLUMNS))

    yields: dict[date, float | None]


@dataclass
class Desk:
    """The market, the book computed on it, and what was stored."""

    shop: Workshop
    market: Market
    days: list[date]
    book: list[date]
    steps: dict[str, Callable[[Workshop, list[date]], object]] = field(
        default_factory=lambda: {name: getattr(materialize, name) for name in ("prices", "treasury_yields", "option_quotes")}
    )

    def hashes(self) -> dict[Key, str]:
        m = materializations.c
        rows = self.shop.database.frame(
            select(m.table_name, m.session, m.portfolio_id, m.content_hash).where(m.table_name.in_(BOOK_TABLES))
        )
        days = [None if pd.isna(day) else day.date() for day in rows["session"]]
        return dict(zip(zip(rows["table_name"], days, rows["portfolio_id"], strict=True), rows["content_hash"], strict=True))

    def stale(self) -> set[Key]:
        rows = stale_rows(self.shop.database, self.shop.calendar, self.market)
        return {(row.table, None if pd.isna(row.session) else row.session.date(), row.portfolio_id) for row in rows.itertuples()}

    def settle(self, table: str, day: date) -> tuple[set[Key], set[Key]]:
        """Write a corrected session; what is stale then, and what really changes when all is computed again."""
        before = self.hashes()
        self.steps[table](self.shop, [day])
        stale = self.stale()
        materialize.factor_returns(self.shop, self.days)
        run_book(self.shop, self.book)
        after = self.hashes()
        assert self.stale() == set()
        return stale, {key for key in after if after[key] != before[key]}


def sessions_of(calendar: SessionCalendar) -> tuple[list[date], list[date]]:
    """Market sessions, and those of the book: from 2022-01-27."""
    days = calendar.between(date(2021, 1, 4), date(2022, 3, 4))
    return days, days[-26:]


def market_of(calendar: SessionCalendar) -> Market:
    days, book = sessions_of(calendar)
    random = np.random.default_rng(7)
    paths = 100 * np.cumprod(1 + random.normal(0, 0.01, (len(days), len(FACTORS))) + random.normal(0, 0.01, (len(days), 1)), axis=0)
    a = [100 + 10 * ((i * 37) % 19) / 19 for i in range(len(days))]
    b = [50 + 5 * ((i * 23) % 17) / 17 for i in range(len(days))]
    quote = {"session": book[QUOTED], "symbol": LONG_CALL, "bid": 4.9, "ask": 5.1, "close": 5.0, "iv": None, "volume": 1.0}
    dividends = {("A", days[40]): 0.5, ("B", book[3]): 0.2}
    proxies = {f"P{k}": list(path) for k, path in enumerate(paths.T.round(4).tolist())}
    market = Market(days, {"A": a, "B": b, **proxies}, dividends=dividends, quotes=[quote | {"open_interest": 1.0}])
    at = days.index(book[QUOTED])
    market.yields = {day: 0.03 + 0.001 * float(shift) for day, shift in zip(days, random.integers(-3, 4, len(days)), strict=True)}
    market.yields |= dict.fromkeys(days[at - 4 : at + 1])  # the quote's own curve is five sessions old
    return market


@pytest.fixture(scope="module")
def computed_file(sqlite_template: Path, calendar: SessionCalendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corrections") / "computed.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    days, book = sessions_of(calendar)
    early = [Lot("A", 100, 90, days[5]), Lot(LONG_CALL, 3, 6, days[-60]), Lot("B", -40, 51, book[2], book[7], 49)]
    late = [Lot("A", 10, 100, book[1]), Lot(EXPIRING_PUT, -2, 3, book[0]), Lot("FUND", 1, 500, days[9], private=True)]
    add_book(database, early, cash=1000, as_of=book[5], name="early")
    add_book(database, late, cash=5000, as_of=book[-1], name="late")
    run_all(workshop(database, calendar, market_of(calendar)), days, book)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture
def desk(computed_file: Path, calendar: SessionCalendar, tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "sigmasight.db"
    shutil.copy(computed_file, path)
    database = Database(f"sqlite:///{path}")
    market = market_of(calendar)
    there = Desk(workshop(database, calendar, market), market, *sessions_of(calendar))
    assert there.stale() == set()
    yield there
    database.dispose()


def test_corrected_closes_make_stale_whatever_they_change(desk: Desk) -> None:
    for day in (desk.book[-1], desk.book[6], desk.days[desk.days.index(desk.book[0]) - 40], date(2022, 2, 18)):
        desk.market.closes["A"][desk.days.index(day)] += 1.5  # type: ignore[index,operator]
        stale, changed = desk.settle("prices", day)
        assert changed, day
        assert changed <= stale, day


def test_a_session_that_is_recomputed_from_the_same_inputs_changes_nothing(desk: Desk) -> None:
    stale, changed = desk.settle("prices", desk.book[4])
    assert (stale, changed) == (set(), set())


def test_corrected_dividends_and_splits_make_stale_whatever_they_change(desk: Desk) -> None:
    far_back = desk.days[desk.days.index(desk.book[QUOTED]) - 251]  # the first session of the quote's dividend yield, carried five sessions
    for day in (far_back, desk.book[8]):
        desk.market.dividends["A", day] = 0.9
        stale, changed = desk.settle("prices", day)
        assert changed, day
        assert changed <= stale, day
    assert {day for table, day, _ in changed if table == "option_greeks"} == set(desk.book[8:])
    desk.market.splits["B", desk.book[4]] = 2.0
    stale, changed = desk.settle("prices", desk.book[4])
    assert changed
    assert changed <= stale


def test_a_corrected_yield_reaches_the_sessions_that_carry_a_volatility_solved_with_it(desk: Desk) -> None:
    # the quote's session has no curve: it takes the one of five sessions before; its volatility is carried five sessions on
    at = desk.days.index(desk.book[QUOTED])
    curve = desk.days[at - 5]
    desk.market.yields[curve] = 0.05
    stale, changed = desk.settle("treasury_yields", curve)
    assert changed <= stale
    assert ("option_greeks", desk.days[at + 5], None) in changed


def test_a_corrected_quote_makes_stale_whatever_it_changes(desk: Desk) -> None:
    desk.market.quotes[0] = {**desk.market.quotes[0], "bid": 5.4, "ask": 5.8}
    stale, changed = desk.settle("option_quotes", desk.book[QUOTED])
    assert changed <= stale
    greeks = {day for table, day, _ in changed if table == "option_greeks"}
    assert greeks == set(desk.book[QUOTED : QUOTED + 6])


def test_the_proceeds_of_a_settlement_stay_in_the_cash_of_every_later_session(desk: Desk) -> None:
    # the put settles on 2022-02-18 after the early book's stated balance and before the late book's
    settlement = date(2022, 2, 18)
    desk.market.closes["A"][desk.days.index(settlement)] = 80.0  # type: ignore[index]
    stale, changed = desk.settle("prices", settlement)
    assert changed <= stale
    without_prices = {"factor_loadings", "factor_covariance"}  # A is no proxy
    assert {table for table, _, _ in changed} == set(BOOK_TABLES) - without_prices  # C0 of the late book too: stated after the settlement


@pytest.mark.parametrize(("symbol", "back"), [("A", 252), ("A", 253), ("P3", 252), ("P3", 253)])
def test_the_first_close_of_a_betas_window_reaches_it_and_the_one_before_does_not(desk: Desk, symbol: str, back: int) -> None:
    # a window of 252 returns reads 253 closes: the one 252 sessions before a session is the first
    day, session = desk.days[desk.days.index(desk.book[9]) - back], desk.book[9]
    desk.market.closes[symbol][desk.days.index(day)] *= 1.01  # type: ignore[index,operator]
    stale, changed = desk.settle("prices", day)
    tables = FACTOR_TABLES if symbol == "P3" else ("factor_betas",)
    for table in tables:
        sessions = {at for name, at, _ in changed if name == table}
        assert (session in sessions) == (back == 252), table
        assert sessions == {at for name, at, _ in stale if name == table}, table
    assert changed <= stale


@pytest.mark.parametrize("back", [90, 91])
def test_the_first_close_of_a_correlations_window_reaches_it_and_the_one_before_does_not(desk: Desk, back: int) -> None:
    session = desk.book[5]  # the early book holds A and B
    day = desk.days[desk.days.index(session) - back]
    desk.market.closes["A"][desk.days.index(day)] *= 1.01  # type: ignore[index,operator]
    stale, changed = desk.settle("prices", day)
    assert (session in {at for name, at, _ in changed if name == "position_correlations"}) == (back == 90)
    assert changed <= stale


def test_a_corrected_yield_reaches_the_rates_of_the_two_sessions_it_changes(desk: Desk) -> None:
    day = desk.days[desk.days.index(desk.book[3]) - 60]
    desk.market.yields[day] = 0.041
    stale, changed = desk.settle("treasury_yields", day)
    assert changed <= stale
    assert {table for table, _, _ in changed} >= {"factor_betas", "factor_covariance", "factor_loadings", "portfolio_factor_risk"}
