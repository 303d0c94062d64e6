"""The embedded data, changed where a test of the factor model wants it, and bases of a few sessions that are computed once."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.providers.protocol import Answer, Proxy
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolios

LAST = date(2022, 12, 28)
N_MARKET, N_BOOK = 255, 3
"""Sessions of market data, and of the books, that the demonstration is computed on."""
MARKET_STEPS = (materialize.prices, materialize.treasury_yields, materialize.option_quotes, materialize.factor_returns)


class ChangedSample(SampleProvider):
    """The sample provider with other closes, symbols, proxies or yields.

    Parameters
    ----------
    closes : mapping
        (symbol, session) -> close, as a multiple of the real one; NaN: no close.
    only : collection of str, optional
        The symbols it has; all when None.
    since : mapping
        Symbol -> its first session.
    """

    name = "changed sample"

    def __init__(
        self,
        closes: Mapping[tuple[str, date], float] | None = None,
        *,
        only: Collection[str] | None = None,
        since: Mapping[str, date] | None = None,
        proxies: Mapping[str, Proxy] | None = None,
    ) -> None:
        self.closes, self.only, self.since = dict(closes or {}), only, dict(since or {})
        self.proxies = SampleProvider.proxies if proxies is None else proxies

    def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        rows = super().prices(sessions, symbols).frame
        if self.only is not None:
            rows = rows[rows["symbol"].isin(set(self.only))]
        day = rows["session"].dt.date
        begins = rows["symbol"].map(self.since)
        rows = rows[(begins.isna() | (day >= begins.where(begins.notna(), date.min))).to_numpy()]
        keys = zip(rows["symbol"], rows["session"].dt.date, strict=True)
        multiple = np.array([self.closes.get(key, 1.0) for key in keys], dtype=np.float64)
        rows = rows.assign(close=rows["close"] * multiple, adj_close=rows["adj_close"] * multiple)
        return Answer(rows[rows["close"].notna()].reset_index(drop=True))


def last_sessions(calendar: SessionCalendar, n: int) -> list[date]:
    return calendar.between(date(2019, 12, 31), LAST)[-n:]


def sample_shop(database: Database, calendar: SessionCalendar, provider: SampleProvider | None = None, **options: object) -> Workshop:
    return Workshop(database, calendar, provider or SampleProvider(), "test", **options)  # type: ignore[arg-type]


def run_market(shop: Workshop, sessions: Sequence[date]) -> None:
    materialize.security_master(shop)
    for step in MARKET_STEPS:
        step(shop, sessions)


def copied(source: Path, folder: Path) -> Database:
    """A database of one's own, from a finished file."""
    path = folder / "sigmasight.db"
    shutil.copy(source, path)
    return Database(f"sqlite:///{path}")


def finish(database: Database) -> None:
    """Everything into the one file, so that it can be copied."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()


def rows_of(database: Database, table: Table, **wanted: object) -> pd.DataFrame:
    """Rows of a table with these values."""
    query = select(table)
    for name, value in wanted.items():
        query = query.where(table.c[name] == value)
    return database.frame(query)


def of_portfolio(database: Database, table: Table, slug: str, day: date = LAST) -> pd.DataFrame:
    """Rows of the portfolio whose slug contains a text, on a session."""
    query = select(table).join(portfolios, portfolios.c.id == table.c.portfolio_id)
    return database.frame(query.where(portfolios.c.slug.like(f"%{slug}%"), table.c.session == day))
