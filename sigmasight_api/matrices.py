"""Packed matrices as rows of named items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def named_rows(names: Sequence[str], rows: Sequence[Sequence[float | None]]) -> list[dict[str, float | None]]:
    """Each row of a square matrix by the names of its columns."""
    return [dict(zip(names, row, strict=True)) for row in rows]


def of_triangle(names: Sequence[str], pairs: Sequence[float | None], kept: Sequence[int]) -> list[dict[str, float | None]]:
    """Rows of the names in some places, out of an upper triangle by rows without its diagonal."""
    n = len(names)

    def pair(i: int, j: int) -> float | None:
        if i == j:
            return 1.0
        low, high = min(i, j), max(i, j)
        return pairs[low * n - low * (low + 1) // 2 + high - low - 1]

    return [{names[j]: pair(i, j) for j in kept} for i in kept]


def kept_names(
    names: Sequence[str], delta: dict[str, float], view: str, least_share: float | None, least_dollars: float | None
) -> list[int]:
    """Places of the names that reach one of the sizes, of the view's gross and in dollars.

    Parameters
    ----------
    delta : dict
        Netted delta dollars of every name of the book.
    """
    sides = {"portfolio": lambda value: value != 0.0, "longs": lambda value: value > 0.0, "shorts": lambda value: value < 0.0}
    gross = sum(abs(value) for value in delta.values() if sides[view](value))
    least = [size for size in (None if least_share is None else least_share * gross, least_dollars) if size is not None]
    return [i for i, name in enumerate(names) if any(abs(delta.get(name, 0.0)) >= size for size in least)]


def with_series(rows: list[dict[str, float | None]], factors: Sequence[str], series: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a factor matrix with the series behind each factor."""
    known = {one["series"]: one for one in series}
    return [
        {
            "factor": factor,
            **{key: known.get(factor, {}).get(key) for key in ("symbol", "etf", "is_stand_in")},
            "correlations": row,
        }
        for factor, row in zip(factors, rows, strict=True)
    ]
