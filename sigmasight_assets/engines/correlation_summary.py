"""What a correlation matrix says about a book: average, effective number of positions, clusters (docs/conventions.md §7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.nearest_correlation import nearest_correlation

REPAIR_BELOW = -1e-8
CLUSTER_AT = 0.7


@dataclass(frozen=True)
class CorrelationSummary:
    """A view's correlations and their figures.

    Attributes
    ----------
    matrix : Array of shape (n, n)
        Repaired where it had to be; NaN for absent pairs.
    average : float
        Unweighted mean of the upper triangle's known pairs; NaN without a pair.
    effective_number : float
        1 / Σ w_i w_j ρ_ij over the names all of whose pairs are known, weights summing to 1 over them; NaN without any.
    min_eigenvalue : float
        Of those names' matrix as estimated, before a repair.
    repaired : bool
    complete : IntArray
        Numbers of those names, in order.
    clusters : list of IntArray
        Connected components of two or more at ρ >= 0.7, heaviest first.
    """

    matrix: Array
    average: float
    effective_number: float
    min_eigenvalue: float
    repaired: bool
    complete: IntArray
    clusters: list[IntArray]


def summarize(matrix: Array, weight: Array, threshold: float = CLUSTER_AT) -> CorrelationSummary:
    """Repair a correlation matrix where it is not positive semidefinite, and summarise it.

    Parameters
    ----------
    matrix : Array of shape (n, n)
        Symmetric, NaN for absent pairs.
    weight : Array of shape (n,)
        |delta dollars| of each name.
    """
    chosen = complete_names(matrix, weight)
    inner = np.ix_(chosen, chosen)
    smallest, repaired = np.nan, False
    if len(chosen):
        smallest = float(np.linalg.eigvalsh(matrix[inner])[0])
        repaired = smallest < REPAIR_BELOW
    if repaired:
        matrix = matrix.copy()
        matrix[inner] = nearest_correlation(matrix[inner])
    return CorrelationSummary(
        matrix=matrix,
        average=average_pair(matrix),
        effective_number=effective_number(matrix[inner], weight[chosen]),
        min_eigenvalue=smallest,
        repaired=repaired,
        complete=chosen,
        clusters=clusters(matrix, weight, threshold),
    )


def upper_triangle(n: int) -> BoolArray:
    """Where the pairs of n names stand in their matrix, each once, shape (n, n): selects them row by row."""
    return ~np.tri(n, dtype=bool)


def average_pair(matrix: Array) -> float:
    """Unweighted mean of the known pairs; NaN without one."""
    pairs = matrix[upper_triangle(len(matrix))]
    known = ~np.isnan(pairs)
    return float(np.where(known, pairs, 0.0).sum() / known.sum()) if known.any() else np.nan


def complete_names(matrix: Array, weight: Array) -> IntArray:
    """The names that are left when the one with most absent pairs (the lightest of several) goes until none is absent."""
    absent = np.isnan(matrix)
    if not absent.any():
        return np.arange(len(matrix))
    kept = np.ones(len(matrix), dtype=bool)
    while absent[np.ix_(kept, kept)].any():
        missing = np.where(kept, absent[:, kept].sum(axis=1), -1)
        worst = np.flatnonzero(missing == missing.max())
        kept[worst[np.argmin(weight[worst])]] = False
    return np.flatnonzero(kept).astype(np.int64)


def effective_number(matrix: Array, weight: Array) -> float:
    """How many uncorrelated names of equal weight would be as diversified; NaN without a weight, or where they cancel out entirely."""
    total = float(weight.sum())
    if total <= 0.0:
        return np.nan
    share = weight / total
    concentration = float(share @ matrix @ share)
    return 1.0 / concentration if concentration > 0.0 else np.nan


def clusters(matrix: Array, weight: Array, threshold: float = CLUSTER_AT) -> list[IntArray]:
    """Connected components of two or more names whose correlations reach the threshold, heaviest first.

    A search by breadth: each name is entered once, so it ends.
    """
    linked: BoolArray = np.array(matrix >= threshold)  # an absent pair links nothing
    np.fill_diagonal(linked, False)
    unseen = np.asarray(linked.any(axis=0))
    found = []
    for start in np.flatnonzero(unseen).tolist():
        if not unseen[start]:
            continue
        members = np.zeros(len(matrix), dtype=bool)
        frontier = np.arange(len(matrix)) == start
        while frontier.any():
            members |= frontier
            frontier = linked[frontier].any(axis=0) & ~members
        unseen &= ~members
        found.append(np.flatnonzero(members).astype(np.int64))
    return sorted(found, key=lambda group: (-float(weight[group].sum()), int(group[0])))
