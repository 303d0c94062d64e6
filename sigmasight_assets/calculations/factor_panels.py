"""Stored factor series and instruments' returns as panels on consecutive sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.factor_returns import RATES_SERIES
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.store.tables import factor_returns, prices

ROWS_PER_READ = 500_000
PER_CENT = 100.0


@dataclass(frozen=True)
class FactorPanel:
    """Factor series from calendar position `first` on.

    Attributes
    ----------
    etf_returns : Array of shape (n_sessions, 7)
    yield_change : Array of shape (n_sessions,)
        In percentage points.
    macro : mapping of str to Array of shape (n_sessions,)
    proxies : dict
        (calendar position, series) -> the proxy and what it is known to be made of.
    """

    first: int
    etf_returns: Array
    yield_change: Array
    macro: Mapping[str, Array]
    proxies: Mapping[tuple[int, str], frozenset[str]]

    def macro_at(self, position: int) -> list[str]:
        """Macro series that were configured on a session."""
        return sorted(name for name in self.macro if (position, name) in self.proxies)


def read_factor_panel(reader: Reader, first: int, last: int) -> FactorPanel:
    """Series from calendar position `first` to `last`; NaN where a session has none."""
    first = max(first, 0)
    f = factor_returns.c
    query = select(f.session, f.series, f.kind, f.symbol, f.members, f.value).where(
        f.session.between(reader.day(first), reader.day(last)), f.status != "quarantined"
    )
    frame = reader.frame(query)
    position = reader.positions_of(frame["session"])
    names = [*FACTORS, RATES_SERIES, *sorted(set(frame.loc[frame["kind"] == "macro", "series"]))]
    column = {name: j for j, name in enumerate(names)}
    values = np.full((last - first + 1, len(names)), np.nan)
    values[position - first, frame["series"].map(column).to_numpy(dtype=np.int64)] = frame["value"].to_numpy()
    proxies = {
        (at, series): frozenset((symbol, *(members or ())))
        for at, series, symbol, members in zip(position.tolist(), frame["series"], frame["symbol"], frame["members"], strict=True)
        if symbol is not None
    }
    n = len(FACTORS)
    macro = {name: values[:, column[name]] for name in names[n + 1 :]}
    return FactorPanel(first, values[:, :n], PER_CENT * values[:, n], macro, proxies)


@dataclass(frozen=True)
class ReturnPanel:
    """Simple total returns of every stored symbol from calendar position `first` on, shape (n_sessions, n_symbols).

    NaN unless both closes of a session's return are accepted: a gap is never bridged. `has_row` says whether `prices` holds a row.
    """

    first: int
    symbols: np.ndarray
    returns: Array
    has_row: BoolArray


def read_return_panel(reader: Reader, first: int, last: int, symbols: list[str] | None = None) -> ReturnPanel:
    """Returns from calendar position `first` to `last` (it reads the close before `first` too) of some symbols, or all."""
    first = max(first, 1)
    p = prices.c
    span = p.session.between(reader.day(first - 1), reader.day(last))
    stored = select(p.symbol).where(span).distinct()
    names = np.array(sorted(reader.frame(stored)["symbol"]) if symbols is None else symbols, dtype=object)
    adj_close = np.full((last - first + 2, len(names)), np.nan)
    has_row = np.zeros(adj_close.shape, dtype=bool)
    index = pd.Index(names)
    size = max(1, ROWS_PER_READ // max(1, len(names)))
    for start in range(first - 1, last + 1, size):
        end = min(start + size - 1, last)
        query = select(p.session, p.symbol, p.adj_close, (p.status != "quarantined").label("accepted")).where(
            p.session.between(reader.day(start), reader.day(end))
        )
        frame = reader.frame(query if symbols is None else query.where(p.symbol.in_(symbols)))
        row, column = reader.positions_of(frame["session"]) - (first - 1), index.get_indexer(frame["symbol"])
        has_row[row, column] = True
        adj_close[row, column] = np.where(frame["accepted"], frame["adj_close"], np.nan)
    adj_close = np.where(adj_close > 0.0, adj_close, np.nan)
    return ReturnPanel(first, names, adj_close[1:] / adj_close[:-1] - 1.0, has_row[1:])
