"""Market data from the provider to table rows: gaps become rows that say so, absurd moves are quarantined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Table, func, select

from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.price_panel import move
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.store.frames import session_array
from sigmasight_assets.store.tables import option_quotes, prices, security_master, treasury_yields

VERSION = "1"
QUARANTINE_JUMP = 10.0
"""A close more than this many times the last one, either way and splits aside, waits for confirmation."""


def price_frame(reader: Reader, provider: MarketDataProvider, sessions: Sequence[date]) -> pd.DataFrame:
    """Rows of `prices`: what the provider has, a row without close for every gap after a symbol's first price."""
    given = provider.prices(sessions).frame
    before = _last_accepted(reader, min(sessions))
    grid = session_array(sorted(sessions))
    symbols = sorted(set(given["symbol"]) | set(before["symbol"]))
    column = {symbol: j for j, symbol in enumerate(symbols)}
    cell = (
        np.searchsorted(grid, given["session"].to_numpy().astype("datetime64[s]")),
        given["symbol"].map(column).to_numpy(dtype=np.int64),
    )
    close = np.full((len(grid), len(symbols)), np.nan)
    split = np.ones(close.shape)
    close[cell], split[cell] = given["close"].to_numpy(dtype=np.float64), given["split_ratio"].fillna(1.0).to_numpy(dtype=np.float64)
    last = np.full(len(symbols), np.nan)
    last[before["symbol"].map(column).to_numpy(dtype=np.int64)] = before["close"].to_numpy()
    jumped = absurd_moves(close, split, last)[cell]
    given = given.assign(session=given["session"].astype("datetime64[s]"))
    given["status"] = np.select([jumped, given["close"].isna()], ["quarantined", "unavailable"], "ok").astype(object)
    given["reason"] = np.select([jumped, given["close"].isna()], ["price_jump", "no_price"], None).astype(object)
    rows = pd.concat([given, _gaps(grid, symbols, close, given, before)], ignore_index=True)
    return _typed(rows, prices)


def _last_accepted(reader: Reader, first: date) -> pd.DataFrame:
    """Each symbol's last accepted row before a session: symbol, close, source, price_basis."""
    accepted = (prices.c.session < first) & (prices.c.status == "ok")
    latest = select(prices.c.symbol, func.max(prices.c.session).label("session")).where(accepted).group_by(prices.c.symbol).subquery()
    query = select(prices.c.symbol, prices.c.close, prices.c.source, prices.c.price_basis).join(
        latest, (prices.c.symbol == latest.c.symbol) & (prices.c.session == latest.c.session)
    )
    return reader.frame(query)


def absurd_moves(close: Array, split_ratio: Array, last_close: Array) -> BoolArray:
    """Closes more than `QUARANTINE_JUMP` times the last accepted one, either way and splits aside.

    Parameters
    ----------
    close, split_ratio : Array of shape (n_sessions, n_symbols)
    last_close : Array of shape (n_symbols,)
        The last accepted close before the first session; NaN without one.
    """
    absurd = np.zeros(close.shape, dtype=bool)
    accepted, split_since = last_close.copy(), np.ones(len(last_close))
    for i, (line, ratio) in enumerate(zip(close, split_ratio, strict=True)):  # a session at a time: the last accepted close moves on
        split_since *= ratio
        ratio_to_last = move(line, accepted, split_since)
        absurd[i] = (ratio_to_last > QUARANTINE_JUMP) | (ratio_to_last < 1.0 / QUARANTINE_JUMP)
        taken = ~np.isnan(line) & ~absurd[i]
        accepted[taken], split_since[taken] = line[taken], 1.0
    return absurd


def _gaps(grid: np.ndarray, symbols: list[str], close: Array, given: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """A row without close for each session after a symbol's first price on which the provider has none."""
    known = pd.concat([before, given], ignore_index=True).drop_duplicates("symbol").set_index("symbol").reindex(symbols)
    started = np.isin(symbols, before["symbol"]) | (np.cumsum(~np.isnan(close), axis=0) > 0)
    answered = pd.MultiIndex.from_frame(given[["session", "symbol"]])
    i, j = np.nonzero(np.isnan(close) & started)
    names = np.array(symbols, dtype=object)[j]
    rows = pd.DataFrame(
        {
            "session": grid[i],
            "symbol": pd.Series(names, dtype=object),
            "close": np.nan,
            "adj_close": np.nan,
            "dividend": np.nan,
            "split_ratio": np.nan,
            "source": known["source"].to_numpy(dtype=object)[j],
            "price_basis": known["price_basis"].to_numpy(dtype=object)[j],
            "status": pd.Series("unavailable", index=range(len(i)), dtype=object),
            "reason": pd.Series("no_price", index=range(len(i)), dtype=object),
        }
    )
    return rows[~pd.MultiIndex.from_frame(rows[["session", "symbol"]]).isin(answered)]


def yield_frame(provider: MarketDataProvider, sessions: Sequence[date]) -> pd.DataFrame:
    """Rows of `treasury_yields`: a row for every tenor, without yield where none was published."""
    given = provider.treasury_yields(sessions).frame
    missing = given["par_yield"].isna()
    status = np.where(missing, "unavailable", "ok").astype(object)
    return _typed(given.assign(status=status, reason=np.where(missing, "not_published", None)), treasury_yields)


def quote_frame(provider: MarketDataProvider, sessions: Sequence[date]) -> pd.DataFrame:
    """Rows of `option_quotes`; crossed quotes (bid above ask) are kept and flagged."""
    given = provider.option_quotes(sessions).frame
    crossed = given["bid"] > given["ask"]
    status = np.where(crossed, "partial", "ok").astype(object)
    return _typed(given.assign(status=status, reason=np.where(crossed, "crossed_quote", None)), option_quotes)


def master_frame(provider: MarketDataProvider) -> pd.DataFrame:
    """Rows of `security_master`."""
    given = provider.security_master().frame
    return _typed(given.assign(status="ok", reason=None), security_master)


def _typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The table's columns in its order, texts as objects with None, dates in seconds."""
    names = [column.name for column in table.columns]
    out = frame[names].copy()
    for name in names:
        if out[name].dtype.kind == "M":
            out[name] = out[name].astype("datetime64[s]")
        elif out[name].dtype.kind not in "fiu":
            values = out[name].astype(object)
            out[name] = values.where(values.notna(), None)
    return out
