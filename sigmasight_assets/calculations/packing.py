"""Arrays as JSON values and back: rows of numbers, null where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from sigmasight_assets.engines.arrays import Array


def packed(values: Array) -> list[Any]:
    """An array of one or two dimensions as (lists of) floats, None for NaN."""
    cells = np.asarray(values, dtype=object)
    cells[np.isnan(values)] = None
    rows: list[Any] = cells.tolist()
    return rows


def unpacked(rows: list[Any]) -> Array:
    """The array of (lists of) numbers, NaN for null."""
    return np.array(rows, dtype=np.float64)
