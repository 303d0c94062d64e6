"""What an option's price is made of, for many contracts and sessions at once: spot, dividend yield, rate, realised volatility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sigmasight_assets.calculations.market_panels import (
    Closes,
    Splits,
    carried_closes,
    read_closes,
    read_dividends,
    read_splits,
    read_yields,
)
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines import yield_curve
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.price_panel import STALE_LIMIT
from sigmasight_assets.engines.realized_volatility import realized_volatility

DIVIDEND_WINDOW = 252


@dataclass(frozen=True)
class Underlyings:
    """Underlyings on consecutive sessions from calendar position `first` on, each of shape (n_sessions, n_underlyings).

    `spot` is the close by the stale ladder and `spot_age` its age in sessions (-1: none); `realized` is the 63-session volatility;
    `dividends` the dividends of 252 sessions in the shares of the session, 0 when none; `window_is_full` whether the data reach back
    252 sessions.
    """

    first: int
    closes: Closes
    splits: Splits
    spot: Array
    spot_age: IntArray
    realized: Array
    dividends: Array
    window_is_full: np.ndarray

    def at(self, panel: np.ndarray, position: IntArray, symbols: Sequence[str]) -> Array:
        """A panel's value for (session, underlying) pairs; NaN for a symbol that the store does not know."""
        column = self.closes.columns(symbols)
        if not panel.shape[1]:
            return np.full(len(column), np.nan)
        return np.where(column < 0, np.nan, panel[position - self.first, np.maximum(column, 0)])


def read_underlyings(reader: Reader, symbols: list[str], first: int, last: int) -> Underlyings:
    """Everything about the underlyings from `first` to `last`, reading back as far as the windows need."""
    start = max(first - DIVIDEND_WINDOW, 0)
    closes = read_closes(reader, symbols, start, last)
    splits = read_splits(reader, symbols)
    spot, age = carried_closes(closes, splits)
    position = np.arange(start, last + 1)
    running = np.column_stack([splits.running(symbol, position) for symbol in closes.column] or [np.empty((len(position), 0))])
    paid = np.zeros(closes.close.shape)
    events = read_dividends(reader, list(closes.column), start, last)
    column = closes.columns(list(events["symbol"]))
    row = events["position"].to_numpy() - start
    np.add.at(paid, (row, column), events["dividend"].to_numpy() * running[row, column])
    observed = np.cumsum(~np.isnan(closes.close), axis=0) > 0
    keep = slice(first - start, None)
    return Underlyings(
        first=first,
        closes=closes,
        splits=splits,
        spot=spot[keep],
        spot_age=age[keep],
        realized=realized_volatility(closes.adj_close)[keep],
        dividends=_trailing_sum(paid, DIVIDEND_WINDOW)[keep] / running[keep],
        window_is_full=_lagged(observed, DIVIDEND_WINDOW - 1)[keep],
    )


def _trailing_sum(values: Array, window: int) -> Array:
    """Sum of the last `window` rows (fewer at the start): exactly 0 where all of them are 0."""
    total = np.cumsum(values, axis=0)
    count = np.cumsum(values != 0, axis=0)
    total[window:] -= total[:-window].copy()
    count[window:] -= count[:-window].copy()
    return np.where(count > 0, total, 0.0)


def _lagged(flags: np.ndarray, lag: int) -> np.ndarray:
    out = np.zeros_like(flags)
    out[lag:] = flags[: len(flags) - lag]
    return out


@dataclass(frozen=True)
class Rates:
    """Treasury curves on consecutive sessions from calendar position `first` on."""

    first: int
    tenors: Array
    curve: Array
    curve_age: IntArray

    def zero_rate(self, position: IntArray, years: Array) -> Array:
        """Continuous zero rate of (session, years) pairs; NaN without a curve."""
        if not len(self.tenors):
            return np.full(len(position), np.nan)
        return yield_curve.zero_rates(self.tenors, self.curve, position - self.first, years)

    def curve_position(self, position: IntArray) -> IntArray:
        """Calendar position of the curve used; -1 without one."""
        age = self.curve_age[position - self.first]
        return np.where(age < 0, -1, position - age)


def read_rates(reader: Reader, first: int, last: int) -> Rates:
    """Curves from `first` to `last`: a session without any yield carries the last whole curve, at most 5 sessions old."""
    start = max(first - STALE_LIMIT, 0)
    tenors, yields = read_yields(reader, start, last)
    curve, used = yield_curve.carry_forward(yields, limit=STALE_LIMIT)
    age = np.where(used < 0, -1, np.arange(len(used)) - used)
    keep = slice(first - start, None)
    return Rates(first, tenors, curve[keep], age[keep])
