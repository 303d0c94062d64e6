"""Every check passes on sound data, and names sessions and symbols when one thing is broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from sigmasight_assets.calculations.checks import market as market_checks
from sigmasight_assets.calculations.checks import portfolio as portfolio_checks
from sigmasight_assets.calculations.checks.general import freshness_of, gates_of, schema_of
from sigmasight_assets.calculations.checks.outcome import Outcome, none_allowed
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import (
    materializations,
    opening_cash,
    option_greeks,
    option_quotes,
    portfolio_snapshots,
    position_values,
    prices,
    treasury_yields,
)
from tests.support.books import Lot, add_book, run_all, workshop
from tests.support.small_market import SmallMarket

LAST = date(2022, 3, 11)
CALL = "A220617C00105000"
BOOK_TABLES = ("opening_cash", "option_greeks", "position_values", "portfolio_snapshots")


def market_of(calendar: SessionCalendar) -> SmallMarket:
    days = calendar.between(calendar.offset(LAST, -80), LAST)
    a = [100 + 10 * ((i * 37) % 19) / 19 for i in range(len(days))]
    quote = {"session": days[-3], "symbol": CALL, "bid": 4.9, "ask": 5.1, "close": 5.0, "iv": None, "volume": 1.0, "open_interest": 1.0}
    return SmallMarket(days, {"A": a, "B": [50.0 + i % 3 for i in range(len(days))]}, dividends={("A", days[-2]): 0.5}, quotes=[quote])


@pytest.fixture(scope="module")
def sound_file(sqlite_template: Path, calendar: SessionCalendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checks") / "sound.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    market = market_of(calendar)
    book = market.sessions[-5:]
    add_book(
        database, [Lot("A", 100, 90, market.sessions[0]), Lot(CALL, -2, 6, book[1]), Lot("B", -5, 50, book[2])], cash=1000, as_of=book[3]
    )
    run_all(workshop(database, calendar, market), market.sessions, book)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture
def shop(sound_file: Path, calendar: SessionCalendar, tmp_path: Path) -> Iterator[Workshop]:
    path = tmp_path / "sigmasight.db"
    shutil.copy(sound_file, path)
    database = Database(f"sqlite:///{path}")
    yield workshop(database, calendar, market_of(calendar))
    database.dispose()


def book_sessions(shop: Workshop) -> list[date]:
    return shop.calendar.between(shop.calendar.offset(LAST, -4), LAST)


CHECKS: dict[str, Callable[..., Outcome]] = {
    "price_gaps": market_checks.price_gaps,
    "price_jumps": market_checks.price_jumps,
    "latest_prices": market_checks.latest_session_of("prices"),
    "latest_snapshots": market_checks.latest_session_of("portfolio_snapshots"),
    "curve_available": market_checks.curve_available,
    "quotes_uncrossed": market_checks.quotes_uncrossed,
    "mibian_agrees": portfolio_checks.mibian_agrees,
    "options_valued": portfolio_checks.options_valued,
    "lots_priced": portfolio_checks.lots_priced,
    "nav_identity": portfolio_checks.nav_identity,
    "positions_add_up": portfolio_checks.positions_add_up,
    "stated_cash_holds": portfolio_checks.stated_cash_holds,
    **{
        f"{kind}_{table}": of(table)
        for table in BOOK_TABLES
        for kind, of in (("schema", schema_of), ("gates", gates_of), ("fresh", freshness_of))
    },
}


def found(shop: Workshop, check: str) -> Outcome:
    return CHECKS[check](shop, book_sessions(shop))


def tamper(shop: Workshop, statement: object) -> None:
    with shop.database.write() as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_sound_data_pass_every_check(shop: Workshop) -> None:
    outcomes = {name: found(shop, name) for name in CHECKS}
    assert [f"{name}: {outcome.detail}" for name, outcome in outcomes.items() if not outcome.passed] == []
    assert outcomes["mibian_agrees"].detail == "4 of 4 contracts"  # of the sessions on which the call is held
    assert 0 <= outcomes["mibian_agrees"].actual <= 1e-8
    assert outcomes["nav_identity"].detail == "5 of 5 portfolio-sessions have a NAV on both days"
    assert outcomes["stated_cash_holds"].detail == "1 portfolios"


def test_nothing_stored_fails_nothing_but_what_must_be_there(sqlite: Database, calendar: SessionCalendar) -> None:
    bare = workshop(sqlite, calendar, market_of(calendar))
    failed = {name for name in CHECKS if not found(bare, name).passed}
    assert failed == {"latest_prices", "latest_snapshots", "curve_available"}


DAY = date(2022, 3, 9)
BROKEN: dict[str, tuple[object, str, str]] = {
    "a close is missing": (
        update(prices).where(prices.c.session == DAY, prices.c.symbol == "B").values(close=None),
        "price_gaps",
        "closes missing: B 2022-03-09",
    ),
    "a close doubles": (
        update(prices).where(prices.c.session == DAY, prices.c.symbol == "B").values(close=120.0),
        "price_jumps",
        "B 2022-03-09 1",
    ),
    "the latest session is gone": (
        delete(materializations).where(materializations.c.table_name == "prices", materializations.c.session == LAST),
        "latest_prices",
        "latest session missing: 2022-03-11",
    ),
    "no curve for more than five sessions": (
        delete(treasury_yields).where(treasury_yields.c.session > date(2022, 3, 2)),
        "curve_available",
        "no curve: 2022-03-10; 2022-03-11",
    ),
    "a crossed quote": (update(option_quotes).values(bid=9.0), "quotes_uncrossed", f"crossed quotes: {CALL} 2022-03-09"),
    "a wrong delta": (
        update(option_greeks).where(option_greeks.c.session == DAY).values(delta=option_greeks.c.delta + 1e-6),
        "mibian_agrees",
        "4 of 4 contracts",
    ),
    "an option without Greeks": (
        update(option_greeks).where(option_greeks.c.session == DAY).values(delta=None, reason="no_spot"),
        "options_valued",
        f"options without Greeks: {CALL} 2022-03-09 no_spot",
    ),
    "a lot without price": (
        update(position_values)
        .where(position_values.c.session == DAY, position_values.c.symbol == "B")
        .values(price_status="missing", reason="no_price"),
        "lots_priced",
        "lots without a price: B 2022-03-09 no_price",
    ),
    "a NAV that does not follow": (
        update(portfolio_snapshots).where(portfolio_snapshots.c.session == DAY).values(nav=1e6),
        "nav_identity",
        "5 of 5",
    ),
    "a position too many": (
        update(position_values).where(position_values.c.session == DAY).values(market_value=1.0),
        "positions_add_up",
        "",
    ),
    "a gain that no position has": (
        update(portfolio_snapshots).where(portfolio_snapshots.c.session == DAY).values(pnl=portfolio_snapshots.c.pnl + 1),
        "positions_add_up",
        "",
    ),
    "cash that is not the stated one": (
        update(portfolio_snapshots).where(portfolio_snapshots.c.session == date(2022, 3, 10)).values(cash=7.0),
        "stated_cash_holds",
        "1 portfolios",
    ),
    "an input that changed": (
        update(materializations)
        .where(materializations.c.table_name == "prices", materializations.c.session == LAST)
        .values(changed_at=datetime.fromisoformat("2100-01-01T00:00:00+00:00")),
        "fresh_position_values",
        "stale row sets: 2022-03-11 prices changed after position_values was computed",
    ),
    "another code version": (
        update(materializations).where(materializations.c.table_name == "opening_cash").values(code_version="0"),
        "fresh_opening_cash",
        "stale row sets: opening_cash was computed by another version of the code",
    ),
    "an unknown word": (
        update(option_greeks).where(option_greeks.c.session == LAST).values(model="guess"),
        "schema_option_greeks",
        "model: expected one of",
    ),
    "a row that breaks its gate": (
        update(portfolio_snapshots).where(portfolio_snapshots.c.session == LAST).values(nav=1e6),
        "schema_portfolio_snapshots",
        "rows that break a gate: nav_identity",
    ),
    "a quarantined row set": (
        update(materializations)
        .where(materializations.c.table_name == "position_values", materializations.c.session == DAY)
        .values(status="quarantined", reason="not_finite"),
        "gates_position_values",
        "quarantined row sets: 2022-03-09 not_finite",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_one_broken_thing_fails_its_check_and_is_named(shop: Workshop, what: str) -> None:
    statement, check, detail = BROKEN[what]
    tamper(shop, statement)
    outcome = found(shop, check)
    assert not outcome.passed
    assert detail in outcome.detail
    assert outcome.actual > outcome.threshold


def test_a_split_is_no_jump_and_a_quarantined_close_none_either(shop: Workshop) -> None:
    here = (prices.c.session == DAY) & (prices.c.symbol == "B")
    later = (prices.c.session > DAY) & (prices.c.symbol == "B")
    tamper(shop, update(prices).where(here).values(close=5.0, split_ratio=10.0))
    tamper(shop, update(prices).where(later).values(close=5.0))
    assert found(shop, "price_jumps").passed
    tamper(shop, update(prices).where(here).values(close=500.0, split_ratio=1.0, status="quarantined"))
    tamper(shop, update(prices).where(later).values(close=51.0))
    assert found(shop, "price_jumps").passed


def test_what_was_quarantined_for_its_session_only_is_judged_for_its_session_only(shop: Workshop) -> None:
    statement, check, _ = BROKEN["a quarantined row set"]
    tamper(shop, statement)
    assert CHECKS[check](shop, [date(2022, 3, 10), LAST]).passed


def test_cash_that_is_unknown_is_not_compared(shop: Workshop) -> None:
    tamper(shop, update(portfolio_snapshots).values(cash=None))
    tamper(shop, update(opening_cash).values(opening_cash=None))
    assert found(shop, "stated_cash_holds").detail == "0 portfolios"


def test_long_lists_are_cut_and_counted() -> None:
    outcome = none_allowed([f"S{i}" for i in range(25)], "closes missing")
    assert (outcome.passed, outcome.actual, outcome.threshold) == (False, 25.0, 0.0)
    assert outcome.detail.startswith("closes missing: S0; S1")
    assert outcome.detail.endswith("S19; and 5 more")
    assert none_allowed([], "closes missing") == Outcome(True, 0.0, 0.0, "")
