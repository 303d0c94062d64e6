"""Closes on a grid of sessions, and the ladder that carries one over a gap (docs/conventions.md §3)."""

from __future__ import annotations

import numpy as np

from sigmasight_assets.engines.arrays import Array, IntArray

STALE_LIMIT = 5
"""Sessions that a close may be carried."""


def carry(values: Array, limit: int = STALE_LIMIT) -> tuple[Array, IntArray]:
    """Fill each NaN with the column's last value at most `limit` sessions old.

    Parameters
    ----------
    values : Array of shape (n_sessions, n_columns)

    Returns
    -------
    (filled, age) : Array and IntArray of the same shape
        Age in sessions: 0 for a value of its own session; -1 where nothing was near enough (filled is NaN).
    """
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows), axis=0)  # row of the last value so far
    age = np.where(last < 0, limit + 1, rows - last)
    usable = age <= limit
    filled = np.where(usable, np.take_along_axis(values, np.maximum(last, 0), axis=0), np.nan)
    return filled, np.where(usable, age, -1).astype(np.int64)


def move(close: Array, last_close: Array, split_ratio: Array) -> Array:
    """close x split_ratio / last_close: 1 is no move. NaN without a last close."""
    out: Array = close * split_ratio / last_close
    return out
