"""The nearest correlation matrix to a symmetric one that is not positive semidefinite.

Source: Higham, *Computing the nearest correlation matrix: a problem from finance*, IMA Journal of Numerical Analysis 22 (2002), 329-343,
algorithm 3.3 (alternating projections with Dykstra's correction), in the Frobenius norm.
"""

from __future__ import annotations

import numpy as np

from sigmasight_assets.engines.arrays import Array

CONVERGED = 1e-12
MAX_ITERATIONS = 5_000


def nearest_correlation(matrix: Array) -> Array:
    """The correlation matrix that differs least from a symmetric matrix.

    Parameters
    ----------
    matrix : Array of shape (n, n)
        Symmetric, finite.

    Returns
    -------
    Array of shape (n, n)
        Positive semidefinite to rounding, with a diagonal of exactly 1. The last projection holds even where `MAX_ITERATIONS` end the
        search early: the answer is a correlation matrix then too, only not quite the nearest.
    """
    projected, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(MAX_ITERATIONS):
        shifted = projected - correction
        positive = _positive_part(shifted)
        correction = positive - shifted
        before = projected
        projected = positive.copy()
        np.fill_diagonal(projected, 1.0)
        if np.linalg.norm(projected - before) <= CONVERGED * np.linalg.norm(projected):
            break
    positive = _positive_part(projected)
    scale = np.sqrt(np.diag(positive))
    nearest = positive / np.outer(scale, scale)
    nearest = (nearest + nearest.T) / 2.0
    np.fill_diagonal(nearest, 1.0)
    bounded: Array = np.clip(nearest, -1.0, 1.0)
    return bounded


def _positive_part(matrix: Array) -> Array:
    """The nearest positive semidefinite matrix: negative eigenvalues become 0."""
    values, vectors = np.linalg.eigh(matrix)
    product = (vectors * np.maximum(values, 0.0)) @ vectors.T
    symmetric: Array = (product + product.T) / 2.0
    return symmetric
