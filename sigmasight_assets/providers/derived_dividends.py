"""Dividends that a source implies by its two closes but does not state (docs/conventions.md §3)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sigmasight_assets.engines.arrays import Array

SMALLEST = 1e-5
"""Share of the close below which a difference of the adjustments is rounding, not a dividend."""


def derived_dividends(close: pd.Series, adj_close: pd.Series) -> pd.Series:
    """Dividend of each ex-session, USD per share, of one split-adjusted series on consecutive sessions, oldest first."""
    ratio = (adj_close / close).shift(1).to_numpy(dtype=np.float64)
    values = implied_dividends(close.to_numpy(), adj_close.to_numpy(), 1.0, close.shift(1).to_numpy(), ratio, 0.0)
    return pd.Series(values, index=close.index)


def implied_dividends(
    close: Array, adj_close: Array, split_ratio: Array | float, last_close: Array, last_ratio: Array, rounding: Array | float
) -> Array:
    """Dividend of each row, USD per share of its session: ``close_{t-1}·(1 - s·(adj/close)_{t-1} / (adj/close)_t) / s``.

    Parameters
    ----------
    close, adj_close : Array of shape (n,)
    last_close, last_ratio : Array of shape (n,)
        Close, and adjusted close over close, of the symbol's row before; NaN where there is none.
    split_ratio : Array or float
        s, new shares per old share; 1 for a split-adjusted source.
    rounding : Array or float
        Relative uncertainty of the growth of adj/close: what lies below it is no dividend.

    Returns
    -------
    Array
        0 where nothing is implied, or less than 1e-5 of the close (and the rounding).
    """
    ratio = adj_close / close
    dividend = last_close * (1.0 - last_ratio * split_ratio / ratio) / split_ratio
    with np.errstate(invalid="ignore"):
        return np.where(dividend > (SMALLEST + rounding) * close, dividend, 0.0)
