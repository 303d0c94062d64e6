"""Seconds to load and validate a folder of 500 symbols x 2,000 sessions: `python -m benchmarks.files_provider`.

Beside it a plain `pandas.read_csv` of the same file, and the difference between what the two read.
"""

from __future__ import annotations

import resource
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_assets.calculations.market import price_frame
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.providers.files.provider import FilesProvider
from sigmasight_assets.sessions import calendar_for
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import upgrade

SYMBOLS, SESSIONS = 500, 2_000
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def panel(sessions: list[date]) -> pd.DataFrame:
    """Random walks with quarterly dividends, adjusted closes by the vendors' factor, to six decimals."""
    random = np.random.default_rng(7)
    shape = (len(sessions), SYMBOLS)
    close = np.round(100.0 * np.exp(np.cumsum(random.normal(0.0002, 0.015, shape), axis=0)), 2)
    dividend = np.zeros(shape)
    for j in range(0, SYMBOLS, 2):
        dividend[63 + j % 63 :: 63, j] = 0.25
    factor = np.ones(shape)
    factor[1:] = 1.0 - dividend[1:] / close[:-1]
    adjusted = close * (np.cumprod(factor[::-1], axis=0)[::-1] / factor)
    names = np.array([f"S{j:03d}" for j in range(SYMBOLS)])
    return pd.DataFrame(
        {
            "symbol": np.tile(names, len(sessions)),
            "date": np.repeat([day.isoformat() for day in sessions], SYMBOLS),
            "close": close.ravel(),
            "adj_close": np.round(adjusted.ravel(), 6),
            "dividend": dividend.ravel(),
            "split_ratio": 1.0,
        }
    )


def main() -> None:
    calendar = calendar_for(NOW)
    sessions = calendar.between(date(2017, 1, 3), date(2025, 12, 31))[:SESSIONS]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        path.mkdir()
        written = panel(sessions)
        written.to_csv(path / "prices.csv", index=False)
        size = (path / "prices.csv").stat().st_size / 1e6
        start = time.perf_counter()
        plain = pd.read_csv(path / "prices.csv", parse_dates=["date"])
        reading_seconds = time.perf_counter() - start
        provider = FilesProvider(path, clock=lambda: NOW)
        start = time.perf_counter()
        data = provider.data()
        loading_seconds = time.perf_counter() - start
        difference = float(np.abs(data.prices["close"].to_numpy() - plain["close"].to_numpy()).max())
        database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
        upgrade(database)
        start = time.perf_counter()
        with reading(database, calendar) as reader:
            rows = len(price_frame(reader, provider, sessions))
        frame_seconds = time.perf_counter() - start
        database.dispose()
    print(f"prices.csv           {size:8.1f} MB, {len(plain):,} rows, {SYMBOLS} symbols x {len(sessions):,} sessions")
    print(f"pandas.read_csv      {reading_seconds:8.2f} s, with dates")
    print(
        f"files provider       {loading_seconds:8.2f} s: read, validated, bases and gaps known ({loading_seconds / reading_seconds:.1f} x)"
    )
    print(f"rows of `prices`     {frame_seconds:8.2f} s for {rows:,} rows, jumps judged")
    print(f"largest difference   {difference:8.1e} between the two readings' closes (allowed 1e-12)")
    print(f"findings             {data.n_errors:8d} errors, {data.n_warnings} warnings")
    print(f"peak memory          {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
