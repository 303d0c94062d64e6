"""Dividends that a split-adjusted source implies by its two closes but does not state (docs/conventions.md §3)."""

from __future__ import annotations

import numpy as np
import pandas as pd

SMALLEST = 1e-5
"""Share of the close below which a difference of the adjustments is rounding, not a dividend."""


def derived_dividends(close: pd.Series, adj_close: pd.Series) -> pd.Series:
    """Dividend of each ex-session, USD per share: ``close_{t-1} * (1 - (adj/close)_{t-1} / (adj/close)_t)``.

    Parameters
    ----------
    close, adj_close : Series of one symbol on consecutive sessions, oldest first

    Returns
    -------
    Series
        0 on the first session, and below 1e-5 of the close.
    """
    ratio = adj_close / close
    dividend = close.shift(1) * (1.0 - ratio.shift(1) / ratio)
    return dividend.where(dividend > SMALLEST * close, 0.0).astype(np.float64)
