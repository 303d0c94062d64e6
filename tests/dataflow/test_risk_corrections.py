"""Corrected inputs make risk tables stale wherever they change them, and nothing later changes an earlier session."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations
from tests.dataflow.risk_demo import LAST, computed_demo, risk_sessions
from tests.support.books import run_book, run_risk
from tests.support.factor_market import ChangedSample

Key = tuple[str, date, uuid.UUID | None]
TABLES = ("scenario_shocks", "market_scenarios", "stress_results", "risk_metrics", "var_exceptions", "pnl_attribution")


@pytest.fixture(scope="module")
def computed_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Path:
    folder = tmp_path_factory.mktemp("corrections")
    shop = computed_demo(sqlite_template, folder, calendar, ChangedSample())
    with shop.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shop.database.dispose()
    return folder / "risk.db"


@pytest.fixture
def demo(computed_file: Path, calendar: SessionCalendar, tmp_path: Path) -> Iterator[Workshop]:
    shutil.copy(computed_file, tmp_path / "risk.db")
    shop = Workshop(Database(f"sqlite:///{tmp_path / 'risk.db'}"), calendar, ChangedSample(), "test")
    assert stale_rows(shop.database, calendar, shop.provider).empty
    yield shop
    shop.database.dispose()


def hashes(shop: Workshop) -> dict[Key, str]:
    m = materializations.c
    rows = shop.database.frame(select(m.table_name, m.session, m.portfolio_id, m.content_hash).where(m.table_name.in_(TABLES)))
    keys = zip(rows["table_name"], rows["session"].dt.date, rows["portfolio_id"], strict=True)
    return dict(zip(keys, rows["content_hash"], strict=True))


def stale(shop: Workshop) -> set[Key]:
    rows = stale_rows(shop.database, shop.calendar, shop.provider)
    rows = rows[rows["table"].isin(TABLES)]
    return {(row.table, row.session.date(), None if pd.isna(row.portfolio_id) else row.portfolio_id) for row in rows.itertuples()}


def correct(shop: Workshop, symbol: str, day: date, factor: float) -> tuple[set[Key], set[Key]]:
    """Change a close; what is stale then, and what changes when everything is computed again."""
    before = hashes(shop)
    changed = Workshop(shop.database, shop.calendar, ChangedSample({(symbol, day): factor}), "test")
    materialize.prices(changed, [day])
    materialize.factor_returns(changed, [day, shop.calendar.offset(day, 1)] if day < LAST else [day])
    found = stale(changed)
    sessions = risk_sessions(shop.calendar)
    run_book(changed, sessions)
    run_risk(changed, sessions)
    after = hashes(changed)
    assert stale(changed) == set()
    return found, {key for key in after if after[key] != before[key]}


@pytest.mark.parametrize(
    ("symbol", "back"),
    [("AAPL", 0), ("AAPL", 1), ("JNJ", 252), ("JNJ", 255), ("JNJ", 256), ("MTUM", 251)],
)
def test_a_corrected_close_makes_stale_whatever_it_changes(demo: Workshop, symbol: str, back: int) -> None:
    """253 closes before the first of four sessions is the 256th before the last: the oldest that value at risk of the day before reads."""
    found, changed = correct(demo, symbol, demo.calendar.offset(LAST, -back), 1.02)
    assert changed
    assert changed <= found


def test_the_end_of_a_replay_counts_however_long_ago_it_is(demo: Workshop) -> None:
    found, changed = correct(demo, "MTUM", date(2020, 3, 23), 1.01)
    assert {table for table, _, _ in changed} == {"scenario_shocks", "stress_results"}
    assert changed <= found


def test_a_close_that_nothing_reads_changes_nothing(demo: Workshop) -> None:
    """A share's close of two years ago: what might have read it (replays, C0) is looked at again, and is what it was."""
    found, changed = correct(demo, "JNJ", date(2020, 12, 1), 1.01)
    assert found
    assert changed == set()


def test_a_close_after_the_session_changes_nothing_on_it(demo: Workshop) -> None:
    """KNOWN_DEFECTS 39: covariance, replays and value at risk end with the session."""
    _, changed = correct(demo, "SP500", LAST, 0.97)
    assert {day for _, day, _ in changed} == {LAST}
    assert {table for table, _, _ in changed} >= {"scenario_shocks", "stress_results", "pnl_attribution"}
