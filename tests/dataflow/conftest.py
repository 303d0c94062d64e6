"""The demonstration books on their last sessions, computed once a process, each test on a copy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.sessions import SessionCalendar
from tests.dataflow.demo_books import demo_workshop
from tests.support.books import run_book
from tests.support.factor_market import (
    N_BOOK,
    N_MARKET,
    copied,
    finish,
    last_sessions,
    run_market,
    sample_shop,
)


@pytest.fixture(scope="session")
def last_demo_sessions(sqlite_template: Path, calendar: SessionCalendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three demonstration books on their last sessions."""
    folder = tmp_path_factory.mktemp("factors")
    shop = demo_workshop(copied(sqlite_template, folder), calendar)
    days = last_sessions(calendar, N_MARKET)
    run_market(shop, days)
    run_book(shop, days[-N_BOOK:])
    finish(shop.database)
    return folder / "sigmasight.db"


@pytest.fixture
def demo(last_demo_sessions: Path, calendar: SessionCalendar, tmp_path: Path) -> Iterator[Workshop]:
    shop = sample_shop(copied(last_demo_sessions, tmp_path), calendar)
    yield shop
    shop.database.dispose()


@pytest.fixture
def book_days(calendar: SessionCalendar) -> list[date]:
    return last_sessions(calendar, N_BOOK)
