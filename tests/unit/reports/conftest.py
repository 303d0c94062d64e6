"""Computed books that reports are written of, each made once: ordinary, empty, without prices, without NAV, oddly named, large."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.providers.protocol import Answer
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.model import Report
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import lot_tags, lots, portfolios, tags
from tests.support.books import Lot, add_book, run_all, workshop
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7, 8, 9, 10, 11)]
THU, FRI = DAYS[-2:]
BOOK = DAYS[2:]
CLOSES = {"A": [50.0, 51.0, 52.0, 50.0, 49.0, 51.0, 52.0], "B": [20.0, 20.5, 21.0, 20.0, 19.0, 19.5, 20.0], "GAP": [9.0] + [None] * 6}
QUOTED = [
    {"session": day, "symbol": symbol, "bid": bid, "ask": bid + 0.2, "close": None, "iv": None, "volume": 1.0, "open_interest": 1.0}
    for day in DAYS
    for symbol, bid in (("A220617C00050000", 4.1), ("A220617P00050000", 3.0))
]
ODD_NAME = 'Zoë\'s | "odd" *fund* _x_ <b>&lt; 基金 $1$ #2 `c`'
ODD_SECURITY = '=HYPERLINK("http://example.com")| A&B\nsecond line \u202etxet'


class NamedMarket(SmallMarket):
    """The small market, whose securities have sectors and whose B has a name that is trouble everywhere."""

    def security_master(self, symbols: Sequence[str] | None = None) -> Answer:
        frame = super().security_master(symbols).frame
        frame["name"] = [ODD_SECURITY if symbol == "B" else f"{symbol} Incorporated" for symbol in frame["symbol"]]
        frame["sector"] = [None if symbol == "B" else "Energy" for symbol in frame["symbol"]]
        frame["fund_category"] = ["Equity Small Cap" if symbol == "B" else None for symbol in frame["symbol"]]
        return Answer(frame)


@dataclass(frozen=True)
class Written:
    """A computed book."""

    database: Database
    slug: str
    market: SmallMarket

    @cache  # noqa: B019 - nine books, for one test session
    def report(self, session: date | None = None) -> Report:
        return collect(self.database, self.slug, session)


ORDINARY = [
    Lot("A", 100, 40, DAYS[0]),
    Lot("A", 30, 45, DAYS[2]),
    Lot("B", -200, 22, DAYS[1]),
    Lot("A220617C00050000", -2, 3.5, DAYS[1]),
    Lot("A220617P00050000", 3, 3.5, DAYS[1]),
    Lot("B", 10, 20, DAYS[1], FRI, 20.25),
    Lot("HOUSE", 1, 5000, date(2021, 7, 1), private=True),
]
BOOKS: dict[str, tuple[list[Lot], float]] = {
    "ordinary": (ORDINARY, 10_000),
    "empty": ([], 1_000),
    "penniless": ([], 0),
    "without prices": ([Lot("A", 10, 40, DAYS[0]), Lot("NONE", 10, 5, DAYS[0]), Lot("GAP", 4, 9, DAYS[0])], 1_000),
    "nothing priced": ([Lot("NONE", 10, 5, DAYS[0])], 1_000),
    "without nav": ([Lot("A", 10, 40, DAYS[0]), Lot("NONE220308C00050000", 1, 2, DAYS[0])], 1_000),
    "on margin": ([Lot("A", 1000, 40, DAYS[0])], -45_000),
    "below zero": ([Lot("A", 1000, 40, DAYS[0])], -80_000),
    "oddly named": ([Lot("A", 10, 40, DAYS[0]), Lot("B", 5, 20, DAYS[0])], 1_000),
}
"""Name -> (lots, cash)."""


@pytest.fixture(scope="session")
def written_books(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar
) -> Iterator[dict[str, Written]]:
    path = tmp_path_factory.mktemp("reports") / "books.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    market = NamedMarket(DAYS, CLOSES, quotes=QUOTED, dividends={("A", FRI): 0.25})
    out = {}
    for name, (held, cash) in BOOKS.items():
        portfolio = add_book(database, held, cash=cash, as_of=FRI, name=name.replace(" ", "-"))
        out[name] = Written(database, portfolio.slug, market)
        _tag(database, portfolio, "A", ("tech", "core"))
        if name == "oddly named":
            with database.write() as connection:
                connection.execute(update(portfolios).where(portfolios.c.id == portfolio.id).values(name=ODD_NAME))
    run_all(workshop(database, calendar, market), DAYS, BOOK)
    yield out
    database.dispose()


def _tag(database: Database, portfolio: Portfolio, symbol: str, names: Sequence[str]) -> None:
    with database.write() as connection:
        for name in names:
            tag = uuid.uuid4()
            connection.execute(insert(tags), {"id": tag, "owner_id": portfolio.owner_id, "name": name, "name_key": name})
            mine = select(lots.c.id).where(lots.c.portfolio_id == portfolio.id, lots.c.symbol == symbol)
            for lot in connection.execute(mine).scalars().all():
                connection.execute(insert(lot_tags), {"lot_id": lot, "tag_id": tag})


@pytest.fixture(params=list(BOOKS))
def any_book(request: pytest.FixtureRequest, written_books: dict[str, Written]) -> Written:
    return written_books[request.param]
