"""Market data from the provider to table rows: gaps become rows that say so, absurd moves are quarantined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Table, func, select

from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.price_panel import move
from sigmasight_assets.providers.protocol import Answer, MarketDataProvider
from sigmasight_assets.store.frames import session_array
from sigmasight_assets.store.tables import confirmed_prices, option_quotes, prices, security_master, treasury_yields

QUARANTINE_JUMP = 10.0
"""A close more than this many times the last one, either way and splits aside, waits for confirmation."""
SAME_CLOSE = 1e-6
"""A confirmation is of one value: a close that differs relatively by more has to be confirmed again."""


def price_frame(reader: Reader, provider: MarketDataProvider, sessions: Sequence[date]) -> pd.DataFrame:
    """Rows of `prices`: what the provider has, a row without close for every gap after a symbol's first price."""
    answer = provider.prices(sessions)
    given, before = answer.frame, _last_accepted(reader, min(sessions))
    grid = session_array(sorted(sessions))
    symbols = sorted(set(given["symbol"]) | set(before["symbol"]))
    codes = pd.Categorical(given["symbol"], categories=symbols).codes.astype(np.int64)
    cell = (np.searchsorted(grid, given["session"].to_numpy().astype("datetime64[s]")), codes)
    shape = (len(grid), len(symbols))
    close, split, answered = np.full(shape, np.nan), np.ones(shape), np.zeros(shape, dtype=bool)
    close[cell], split[cell] = given["close"].to_numpy(dtype=np.float64), given["split_ratio"].fillna(1.0).to_numpy(dtype=np.float64)
    answered[cell] = True
    old = np.searchsorted(np.array(symbols, dtype=object), before["symbol"].to_numpy(dtype=object))
    last = np.full(len(symbols), np.nan)
    last[old] = before["close"].to_numpy()
    jumped = absurd_moves(close, split, last, _confirmed(reader, answer, grid, symbols, close))[cell]
    unpriced = given["close"].isna().to_numpy()
    given = given.assign(
        session=given["session"].astype("datetime64[s]"),
        status=np.select([jumped, unpriced], ["quarantined", "unavailable"], "ok").astype(object),
        reason=np.select([jumped, unpriced], ["price_jump", "no_price"], None).astype(object),
    )
    started = np.isin(np.arange(len(symbols)), old) | (np.cumsum(~np.isnan(close), axis=0) > 0)
    accepted = np.full(shape, -1, dtype=np.int64)
    accepted[cell] = np.where(jumped | unpriced, -1, np.arange(len(given)))
    gaps = _gaps(grid, symbols, started & ~answered & np.isnan(close), given, accepted, before)
    return _typed(pd.concat([given, gaps], ignore_index=True) if len(gaps) else given, prices)


def _last_accepted(reader: Reader, first: date) -> pd.DataFrame:
    """Each symbol's last accepted row before a session: symbol, close (in the shares of today), source, price_basis."""
    accepted = (prices.c.session < first) & (prices.c.status == "ok")
    latest = select(prices.c.symbol, func.max(prices.c.session).label("session")).where(accepted).group_by(prices.c.symbol).subquery()
    query = select(prices.c.symbol, prices.c.session, prices.c.close, prices.c.source, prices.c.price_basis).join(
        latest, (prices.c.symbol == latest.c.symbol) & (prices.c.session == latest.c.session)
    )
    rows = reader.frame(query)
    later = select(prices.c.symbol, prices.c.split_ratio).join(latest, prices.c.symbol == latest.c.symbol)
    later = later.where(prices.c.split_ratio != 1, prices.c.session > latest.c.session, prices.c.session < first)
    splits = reader.frame(later).groupby("symbol")["split_ratio"].prod()
    return rows.assign(close=rows["close"] / rows["symbol"].map(splits).astype(np.float64).fillna(1.0)).drop(columns="session")


def _confirmed(reader: Reader, answer: Answer, grid: np.ndarray, symbols: list[str], close: Array) -> BoolArray:
    """Closes that a second source states as well, or that the owner confirmed at this value; shape of `close`."""
    out = np.zeros(close.shape, dtype=bool)
    place = {symbol: j for j, symbol in enumerate(symbols)}
    row = {day: i for i, day in enumerate(grid.astype("datetime64[D]").tolist())}
    for session, symbol in answer.confirmed:
        if session in row and symbol in place:
            out[row[session], place[symbol]] = True
    query = select(confirmed_prices).where(confirmed_prices.c.session.between(min(row), max(row)))
    for owned in reader.frame(query).itertuples():
        i, j = row.get(owned.session.date()), place.get(owned.symbol)
        if i is not None and j is not None:
            out[i, j] |= bool(abs(close[i, j] / owned.close - 1.0) <= SAME_CLOSE)
    return out


def absurd_moves(close: Array, split_ratio: Array, last_close: Array, confirmed: BoolArray | None = None) -> BoolArray:
    """Closes more than `QUARANTINE_JUMP` times the last accepted one, either way and splits aside.

    Parameters
    ----------
    close, split_ratio : Array of shape (n_sessions, n_symbols)
    last_close : Array of shape (n_symbols,)
        The last accepted close before the first session; NaN without one.
    confirmed : BoolArray of shape (n_sessions, n_symbols), optional
        Closes that are accepted however far they moved.
    """
    absurd = np.zeros(close.shape, dtype=bool)
    accepted, split_since = last_close.copy(), np.ones(len(last_close))
    for i, (line, ratio) in enumerate(zip(close, split_ratio, strict=True)):  # a session at a time: the last accepted close moves on
        split_since *= ratio
        ratio_to_last = move(line, accepted, split_since)
        absurd[i] = (ratio_to_last > QUARANTINE_JUMP) | (ratio_to_last < 1.0 / QUARANTINE_JUMP)
        if confirmed is not None:
            absurd[i] &= ~confirmed[i]
        taken = ~np.isnan(line) & ~absurd[i]
        accepted[taken], split_since[taken] = line[taken], 1.0
    return absurd


def _gaps(
    grid: np.ndarray, symbols: list[str], missing: BoolArray, given: pd.DataFrame, accepted: IntArray, before: pd.DataFrame
) -> pd.DataFrame:
    """A row without close for each cell that is missing, with source and basis of the symbol's last accepted row.

    Parameters
    ----------
    accepted : IntArray of shape (n_sessions, n_symbols)
        Row of `given` that is accepted; -1 where there is none.
    """
    i, j = np.nonzero(missing)
    names = pd.Series(np.array(symbols, dtype=object)[j], dtype=object)
    row = np.maximum.accumulate(accepted, axis=0)[i, j]  # rows are in order of session
    facts = {}
    for name in ("source", "price_basis"):
        earlier = names.map(dict(zip(before["symbol"], before[name], strict=True))).to_numpy(dtype=object)
        own = np.append(given[name].to_numpy(dtype=object), None)[row]
        facts[name] = pd.Series(np.where(row < 0, earlier, own), dtype=object)
    return pd.DataFrame(
        {
            "session": grid[i],
            "symbol": names,
            **dict.fromkeys(("close", "adj_close", "dividend", "split_ratio"), np.nan),
            **facts,
            "status": pd.Series("unavailable", index=range(len(i)), dtype=object),
            "reason": pd.Series("no_price", index=range(len(i)), dtype=object),
        }
    )


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
