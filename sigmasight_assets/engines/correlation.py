"""Correlations of many series: one matrix product where they are complete, pairwise where they have gaps (docs/conventions.md §7).

Series without gaps are standardised and multiplied once. A pair of which one has gaps is taken over its common rows alone: means,
variances and the product of both are sums over them. A pair with too few common rows, or a side that does not move on them, is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray

MIN_COMMON = 30
BLOCK = 256
"""Side of the triangle's blocks: what a block needs stays in the processor's cache."""
NO_VARIATION = 1e-20
"""A variance below this share of the mean square is rounding: the series stands still."""


@dataclass(frozen=True)
class Correlations:
    """Correlations of n series.

    Attributes
    ----------
    matrix : Array of shape (n, n)
        Symmetric, 1 on the diagonal; NaN for an absent pair, and on the diagonal of a series too short or standing still.
    common : IntArray of shape (n, n)
        Rows that each pair shares; that of a series itself on the diagonal.
    """

    matrix: Array
    common: IntArray


def correlations(returns: Array, min_common: int = MIN_COMMON) -> Correlations:
    """Correlations over the rows that each pair has in common.

    Parameters
    ----------
    returns : Array of shape (n_rows, n_series)
        NaN where there is none.
    """
    present = ~np.isnan(returns)
    is_full = np.asarray(present.all(axis=0))
    if is_full.all():
        n = returns.shape[1]
        matrix = complete_correlation(returns) if len(returns) >= min_common else np.full((n, n), np.nan)
        return Correlations(matrix, np.broadcast_to(np.int64(len(returns)), (n, n)))
    return _with_gaps(returns, present, is_full, min_common)


def complete_correlation(returns: Array) -> Array:
    """Correlation matrix of series without gaps, shape (n_series, n_series); NaN for a series that stands still."""
    n_rows = len(returns)
    centred = returns - returns.sum(axis=0) / n_rows  # (n_rows, n_series)
    squares = np.einsum("ij,ij->j", centred, centred)
    still = squares <= NO_VARIATION * np.einsum("ij,ij->j", returns, returns)
    centred /= np.where(still, np.nan, np.sqrt(squares))
    matrix: Array = centred.T @ centred
    np.fill_diagonal(matrix, np.where(still, np.nan, 1.0))
    return np.clip(matrix, -1.0, 1.0, out=matrix)


def _with_gaps(returns: Array, present: BoolArray, is_full: BoolArray, min_common: int) -> Correlations:
    """Complete series among themselves by one product, all other pairs by blocks of the upper triangle."""
    n, n_full = returns.shape[1], int(is_full.sum())
    order = np.argsort(~is_full, kind="stable")  # complete series first
    panel = _Panel.of(returns[:, order], present[:, order])
    matrix, common = np.empty((n, n)), np.empty((n, n), dtype=np.int64)
    blocks = [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
    for first, rows in enumerate(blocks):
        for columns in blocks[first:]:
            found, shared = panel.pairs(rows, columns, min_common)
            matrix[rows, columns], common[rows, columns] = found, shared
            matrix[columns, rows], common[columns, rows] = found.T, shared.T
    np.fill_diagonal(matrix, np.where(np.isnan(np.diag(matrix)), np.nan, 1.0))
    if n_full and len(returns) >= min_common:
        matrix[:n_full, :n_full] = complete_correlation(returns[:, order[:n_full]])
    if n_full:
        back = np.argsort(order)
        matrix, common = matrix[np.ix_(back, back)], common[np.ix_(back, back)]
    return Correlations(matrix, common)


@dataclass(frozen=True)
class _Panel:
    """Series with gaps, each of shape (n_rows, n_series): centred values with 0 in the gaps, their squares, 1 where there is a value."""

    values: Array
    squares: Array
    mask: Array
    rounding: Array  # (n_series,): a sum of squares per row below this is no movement

    @classmethod
    def of(cls, returns: Array, present: BoolArray) -> _Panel:
        mask = present.astype(np.float64)
        count = np.maximum(mask.sum(axis=0), 1.0)
        values = np.where(present, returns, 0.0)
        rounding = NO_VARIATION * np.square(values).sum(axis=0) / count
        values = (values - values.sum(axis=0) / count) * mask  # centred near zero: sums over fewer rows lose no digits
        return cls(values, np.square(values), mask, rounding)

    def pairs(self, rows: slice, columns: slice, min_common: int) -> tuple[Array, Array]:
        """Correlations of one block of pairs and the rows that they share, each of shape (n_rows, n_columns) of the block."""
        x, y, x_mask, y_mask = self.values[:, rows], self.values[:, columns], self.mask[:, rows], self.mask[:, columns]
        n = x_mask.T @ y_mask
        scale = 1.0 / np.maximum(n, 1.0)
        x_sum, y_sum = x.T @ y_mask, x_mask.T @ y
        x_square = self.squares[:, rows].T @ y_mask
        x_square -= x_sum * x_sum * scale
        y_square = x_mask.T @ self.squares[:, columns]
        y_square -= y_sum * y_sum * scale
        absent = n < min_common
        absent |= x_square <= n * self.rounding[rows, None]
        absent |= y_square <= n * self.rounding[columns]
        covariance = x.T @ y
        x_sum *= y_sum
        x_sum *= scale
        covariance -= x_sum
        x_square *= y_square
        x_square[absent] = np.nan
        covariance /= np.sqrt(x_square, out=x_square)
        return np.clip(covariance, -1.0, 1.0, out=covariance), n
