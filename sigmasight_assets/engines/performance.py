"""Volatility, ratios, drawdown and returns of periods (docs/conventions.md §9).

Series run along the last axis, oldest first; a NaN is a day without a return and is left out. A result without enough days, or with a
zero denominator, is NaN. Conventions are those of *empyrical* (Quantopian), whose published values the tests hold.
"""

from __future__ import annotations

import math

import numpy as np

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray

SESSIONS_PER_YEAR = 252.0
WINDOWS = (21, 63, 252)
PERIODS = {"1d": 1, "1w": 5, "1m": 21, "3m": 63, "1y": 252}
"""Sessions of each period of fixed length."""
FILLED = 0.9
"""Share of a window that must have returns."""


def least_returns(window: int) -> int:
    """Returns that a window needs: 90 % of it."""
    return math.ceil(round(FILLED * window, 9))


def count(returns: Array) -> IntArray:
    """Days with a return, shape of the leading axes."""
    return np.asarray(np.count_nonzero(~np.isnan(returns), axis=-1), dtype=np.int64)


def annual_volatility(returns: Array) -> Array:
    """Standard deviation (ddof 1) × √252, shape of the leading axes; NaN with fewer than two returns."""
    return _deviation(returns) * math.sqrt(SESSIONS_PER_YEAR)


def sharpe_ratio(returns: Array, risk_free: Array | float = 0.0) -> Array:
    """Mean excess / standard deviation (ddof 1) × √252.

    Parameters
    ----------
    returns, risk_free : Array of shape (…, n_days)
        Simple daily returns and the rate earned without risk on the same days.
    """
    excess = returns - risk_free
    return _ratio(_mean(excess), _deviation(excess)) * math.sqrt(SESSIONS_PER_YEAR)


def sortino_ratio(returns: Array, risk_free: Array | float = 0.0) -> Array:
    """Mean excess / sqrt(mean(min(excess, 0)²)) × √252, the mean over all days and not the losing ones alone."""
    excess = returns - risk_free
    downside = np.sqrt(_mean(np.square(np.minimum(excess, 0.0))))  # NaN stays NaN: left out of the mean
    return _ratio(_mean(excess), downside) * math.sqrt(SESSIONS_PER_YEAR)


def max_drawdown(returns: Array) -> Array:
    """The deepest fall of the return index below its highest point so far, a number not above 0; the index starts at 1.0."""
    deepest = np.min(drawdowns(returns), axis=-1, initial=0.0)
    return np.where(count(returns) > 0, deepest, np.nan)


def drawdowns(returns: Array) -> Array:
    """The return index over its highest point so far, less 1: shape of `returns`. A day without a return leaves the index alone."""
    index = np.cumprod(1.0 + np.nan_to_num(returns), axis=-1)
    highest = np.maximum(np.maximum.accumulate(index, axis=-1), 1.0)
    return np.asarray(index / highest - 1.0)


def cumulative_return(returns: Array) -> Array:
    """Compounded return of the days that have one, shape of the leading axes."""
    return np.asarray(np.prod(1.0 + np.nan_to_num(returns), axis=-1) - 1.0)


def period_return(returns: Array) -> Array:
    """Compounded return of a whole period, shape of the leading axes; NaN when any day is missing (`insufficient_history`)."""
    return np.asarray(np.prod(1.0 + returns, axis=-1) - 1.0)


def _mean(values: Array) -> Array:
    n = count(values)
    total = np.sum(values, axis=-1, where=~np.isnan(values))
    return _quotient(total, n, n > 0)


def _deviation(values: Array) -> Array:
    n = count(values)
    away = np.square(values - np.expand_dims(_mean(values), -1))
    known = ~np.isnan(values)
    total = np.sum(away, axis=-1, where=known)
    highest, lowest = (extreme(values, axis=-1, initial=start, where=known) for extreme, start in ((np.max, -np.inf), (np.min, np.inf)))
    total = np.where(highest == lowest, 0.0, total)  # the mean of equal numbers may miss them by a digit
    return np.sqrt(_quotient(total, n - 1, n > 1))


def _ratio(part: Array, whole: Array) -> Array:
    return _quotient(part, whole, whole > 0)


def _quotient(part: Array, whole: Array | IntArray, where: BoolArray) -> Array:
    """part / whole; NaN where it has no meaning."""
    out: Array = np.full(np.shape(part), np.nan)
    return np.asarray(np.divide(part, whole, out=out, where=where))
