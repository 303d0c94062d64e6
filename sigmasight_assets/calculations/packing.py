"""Arrays as JSON values and back: rows of numbers, null where there is none; and a key of the lots that they are of."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any

import numpy as np

from sigmasight_assets.engines.arrays import Array


def packed(values: Array) -> list[Any]:
    """An array of one or two dimensions as (lists of) floats, None for NaN."""
    missing = np.isnan(values)
    rows: list[Any] = np.where(missing, None, values).tolist() if missing.any() else values.tolist()
    return rows


def unpacked(rows: list[Any]) -> Array:
    """The array of (lists of) numbers, NaN for null."""
    return np.array(rows, dtype=np.float64)


def positions_key(lot_ids: Iterable[uuid.UUID]) -> str:
    """A hash of lot ids in order: whether a packed array is of the lots that one believes."""
    return hashlib.blake2b(b"".join(lot.bytes for lot in lot_ids), digest_size=8).hexdigest()
