"""Stored market data as panels: closes, splits, dividends and yields on a grid of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.price_panel import carry
from sigmasight_assets.store.tables import prices, treasury_yields


@dataclass(frozen=True)
class Closes:
    """Accepted closes of some symbols on consecutive sessions.

    Attributes
    ----------
    first : int
        Calendar position of the first row.
    column : dict
        Symbol -> column; a symbol that the store does not know at all has none.
    close, adj_close : Array of shape (n_sessions, n_symbols)
        NaN where there is no accepted close.
    """

    first: int
    column: dict[str, int]
    close: Array
    adj_close: Array

    def columns(self, symbols: Sequence[str]) -> IntArray:
        """Column of each symbol, -1 for an unknown one."""
        found = pd.Index(list(self.column), dtype=object).get_indexer(pd.Index(symbols, dtype=object))  # columns count from 0 on
        return np.asarray(found, dtype=np.int64)


def read_closes(reader: Reader, symbols: Sequence[str], first: int, last: int) -> Closes:
    """Closes from calendar position `first` to `last`, quarantined rows left out."""
    first = max(first, 0)
    wanted = sorted(set(symbols))
    query = select(prices.c.session, prices.c.symbol, prices.c.close, prices.c.adj_close).where(
        prices.c.session.between(reader.day(first), reader.day(last)), prices.c.symbol.in_(wanted), prices.c.status != "quarantined"
    )
    frame = reader.frame(query)
    known = sorted(set(frame["symbol"]) | set(_known(reader, set(wanted) - set(frame["symbol"]))))
    column = {symbol: i for i, symbol in enumerate(known)}
    shape = (last - first + 1, len(known))
    close, adj_close = np.full(shape, np.nan), np.full(shape, np.nan)
    cell = (reader.positions_of(frame["session"]) - first, frame["symbol"].map(column).to_numpy(dtype=np.int64))
    close[cell], adj_close[cell] = frame["close"].to_numpy(), frame["adj_close"].to_numpy()
    return Closes(first, column, close, adj_close)


def _known(reader: Reader, symbols: set[str]) -> list[str]:
    """Which symbols have any price row, on whatever session."""
    if not symbols:
        return []
    return list(reader.frame(select(prices.c.symbol).distinct().where(prices.c.symbol.in_(sorted(symbols))))["symbol"])


@dataclass(frozen=True)
class Splits:
    """Every split of some symbols: symbol -> (calendar positions, running product of the ratios)."""

    events: dict[str, tuple[IntArray, Array]]

    def running(self, symbol: str, position: IntArray) -> Array:
        """Product of all ratios with ex-session <= position."""
        if symbol not in self.events:
            return np.ones(position.shape)
        at, product = self.events[symbol]
        return np.concatenate([[1.0], product])[np.searchsorted(at, position, side="right")]

    def factors(self, symbols: Sequence[str], entry: IntArray, position: IntArray) -> Array:
        """Product of the ratios with entry < ex-session <= session, shape (n_sessions, n_lots)."""
        out = np.ones((len(position), len(symbols)))
        for j, symbol in enumerate(symbols):
            if symbol in self.events:
                out[:, j] = self.running(symbol, position) / self.running(symbol, entry[j : j + 1])
                out[position < entry[j], j] = 1.0
        return out


def read_splits(reader: Reader, symbols: Sequence[str]) -> Splits:
    query = (
        select(prices.c.symbol, prices.c.session, prices.c.split_ratio)
        .where(prices.c.split_ratio != 1, prices.c.symbol.in_(sorted(set(symbols))), prices.c.status != "quarantined")
        .order_by(prices.c.symbol, prices.c.session)
    )
    frame = reader.frame(query)
    events = {
        str(symbol): (reader.positions_of(rows["session"]), np.cumprod(rows["split_ratio"].to_numpy()))
        for symbol, rows in frame.groupby("symbol", sort=False)
    }
    return Splits(events)


def carried_closes(closes: Closes, splits: Splits) -> tuple[Array, IntArray]:
    """Closes by the stale ladder, each in the shares of its session: a close carried over a split is divided by the ratio.

    Returns
    -------
    (filled, age) : arrays of shape (n_sessions, n_symbols)
        As of `price_panel.carry`.
    """
    filled, age = carry(closes.close)
    position = closes.first + np.arange(len(filled))
    for symbol, j in closes.column.items():
        if symbol in splits.events:
            of_close = splits.running(symbol, position - np.maximum(age[:, j], 0))
            filled[:, j] *= of_close / splits.running(symbol, position)
    return filled, age


def read_dividends(reader: Reader, symbols: Sequence[str], first: int | None, last: int) -> pd.DataFrame:
    """Dividends with ex-session in a range (`first` None: since ever): symbol, position, dividend (USD per share)."""
    query = select(prices.c.symbol, prices.c.session, prices.c.dividend).where(
        prices.c.dividend != 0,
        prices.c.symbol.in_(sorted(set(symbols))),
        prices.c.session <= reader.day(last),
        prices.c.status != "quarantined",
    )
    if first is not None:
        query = query.where(prices.c.session >= reader.day(first))
    frame = reader.frame(query.order_by(prices.c.symbol, prices.c.session))
    return frame.assign(position=reader.positions_of(frame["session"])).drop(columns="session")


def read_yields(reader: Reader, first: int, last: int) -> tuple[Array, Array]:
    """Tenors in years (n_tenors,) and par yields (n_sessions, n_tenors), NaN where none was published."""
    first = max(first, 0)
    query = select(treasury_yields.c.session, treasury_yields.c.tenor_months, treasury_yields.c.par_yield).where(
        treasury_yields.c.session.between(reader.day(first), reader.day(last)), treasury_yields.c.status != "quarantined"
    )
    frame = reader.frame(query)
    months, column = np.unique(frame["tenor_months"].to_numpy(dtype=np.int64), return_inverse=True)
    curve = np.full((last - first + 1, len(months)), np.nan)
    curve[reader.positions_of(frame["session"]) - first, column] = frame["par_yield"].to_numpy()
    return months / 12.0, curve
