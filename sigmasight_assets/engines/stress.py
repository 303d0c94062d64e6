"""Scenarios as linear facts about the factors, and the factor moves that follow from them (docs/conventions.md §8).

The factors ``z`` are the seven of the model, as returns (0.10 = 10 %), and last the rates surprise ``η = Δ10y − γ·f`` in units of
100 bp. A scenario states ``A z = s``: a factor shock is a unit row, a proxy's total return the row of its loadings with a 1 in its own
place, a change of the 10-year the row ``(γ, 1)`` with ``s`` in 100 bp. Each row has a pivot, the factor it is about, and reads only
factors before it, so rows never contradict each other.

Sources: Kupiec, "Stress testing in a value at risk framework", *Journal of Derivatives* 6 (1998), for the conditional mean;
Mouy, Archer and Selmi, "Extremely (un)likely: a plausibility approach to stress testing", *Risk* (2017), for the distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from sigmasight_assets.engines.arrays import Array, IntArray

SESSIONS_PER_YEAR = 252
IMPLAUSIBLE = 4.0
"""Annual standard deviations beyond which a scenario is called implausible."""
_SMALLEST_PIVOT = 1e-7
"""Of the scaled Cholesky factor: below it two facts say the same within the window's data."""
_DETERMINED = 1e-10
"""Share of a factor's variance that counts as none: rounding leaves about 1e-16 of it where the facts determine the factor."""


class SingularCovariance(ValueError):
    """The facts are linearly dependent under the covariance: no conditional mean exists."""


@dataclass(frozen=True)
class Facts:
    """``A z = s``.

    Attributes
    ----------
    rows : Array of shape (n_facts, n_factors)
    values : Array of shape (n_facts,)
        Factor returns and, for the rates row, 100 bp.
    pivot : IntArray of shape (n_facts,)
        The factor that each row is about, increasing.
    """

    rows: Array
    values: Array
    pivot: IntArray


@dataclass(frozen=True)
class Propagated:
    """Factor moves given facts.

    Attributes
    ----------
    mean : Array of shape (n_factors,)
    covariance : Array of shape (n_factors, n_factors)
        What the facts leave open, over the period of the covariance that was given (a session).
    mahalanobis : float
        ``sqrt(s'(252·AΣA')⁻¹s)``: how many annual standard deviations away the facts lie.
    """

    mean: Array
    covariance: Array
    mahalanobis: float

    @property
    def deviation(self) -> Array:
        """Conditional standard deviation of each factor, shape (n_factors,); 0 for what is stated."""
        return np.sqrt(np.diagonal(self.covariance))


def linear_facts(shocks: Array, returns: Array, rates_100bp: float, loadings: Array, gamma: Array) -> Facts:
    """The rows and values of a scenario; none where it states nothing about the factors (a change of volatility alone).

    Parameters
    ----------
    shocks : Array of shape (n_styles,)
        Stated factor shocks (the market first); NaN where none is.
    returns : Array of shape (n_styles,)
        Stated total returns of the factors' proxies; NaN where none is, or where a shock is stated.
    rates_100bp : float
        Stated change of the 10-year in units of 100 bp (rates_bp / 100); NaN when none is.
    loadings : Array of shape (n_styles, n_styles)
        Row k: what proxy k is made of besides its own factor, strictly lower triangular: `return_k = f_k + loadings[k]·f`.
    gamma : Array of shape (n_styles,)
        100 bp of the 10-year per unit of factor return.

    Raises
    ------
    ValueError
        When a factor is stated twice, or the loadings are not strictly lower triangular.
    """
    n = len(shocks)
    if np.any(np.triu(loadings) != 0.0):
        raise ValueError("expected strictly lower triangular loadings")
    shocked, returned = ~np.isnan(shocks), ~np.isnan(returns)
    if np.any(shocked & returned):
        raise ValueError(f"expected a shock or a return of a factor, was both for {np.flatnonzero(shocked & returned).tolist()}")
    styles = np.flatnonzero(shocked | returned)
    rows = np.zeros((len(styles), n + 1))
    rows[np.arange(len(styles)), styles] = 1.0
    rows[:, :n] += np.where(returned[styles, None], loadings[styles], 0.0)
    values = np.where(shocked, shocks, returns)[styles]
    if not np.isnan(rates_100bp):
        rows = np.vstack([rows, np.append(gamma, 1.0)])
        values, styles = np.append(values, rates_100bp), np.append(styles, n)
    return Facts(rows, values, styles.astype(np.int64))


def direct(facts: Facts) -> Array:
    """Factor moves when nothing that is not stated moves, shape (n_factors,).

    The rates surprise is ``Δ10y − γ·f`` where rates are stated, else 0.
    """
    moves = np.zeros(facts.rows.shape[1])
    if len(facts.pivot):
        moves[facts.pivot] = dtrtrs(facts.rows[:, facts.pivot], facts.values, lower=1, unitdiag=1)[0]
    return moves


def correlated(facts: Facts, covariance: Array) -> Propagated:
    """The conditional mean ``ΣA'(AΣA')⁻¹s`` and the conditional covariance ``Σ − ΣA'(AΣA')⁻¹AΣ``.

    Parameters
    ----------
    covariance : Array of shape (n_factors, n_factors)
        Of the factors over one session.

    Raises
    ------
    SingularCovariance
        When the facts are dependent under the covariance, or it holds a NaN.
    """
    spread = covariance @ facts.rows.T  # ΣA': (n_factors, n_facts)
    solved = _solve(facts.rows @ spread, np.column_stack([facts.values, spread.T]))  # (n_facts, 1 + n_factors)
    rest = covariance - spread @ solved[:, 1:]
    determined = np.diagonal(rest) <= _DETERMINED * np.diagonal(covariance)
    rest[determined] = 0.0
    rest[:, determined] = 0.0
    mean = spread @ solved[:, 0]
    if len(facts.pivot) == len(covariance):  # every factor follows from the facts, and Σ has no say: keep the digits that it would cost
        mean, rest = direct(facts), np.zeros_like(covariance)
    squared = max(float(facts.values @ solved[:, 0]), 0.0)
    return Propagated(mean, rest, math.sqrt(squared / SESSIONS_PER_YEAR))


def change_of_rates(moves: Array, gamma: Array) -> float:
    """``Δ10y = γ·f + η`` in 100 bp, of factor moves of shape (n_factors,)."""
    return float(gamma @ moves[:-1] + moves[-1])


def underlying_moves(betas: Array, moves: Array) -> tuple[Array, Array]:
    """Moves of underlyings under scenarios: ``max(−1, β·z)``, and ``β·z`` before the floor.

    Parameters
    ----------
    betas : Array of shape (n_underlyings, n_factors)
        The last per +100 bp of rates surprise. NaN where there is none: such a name has no move, unless the factor does not move.
    moves : Array of shape (n_scenarios, n_factors)

    Returns
    -------
    (floored, unfloored) : Arrays of shape (n_scenarios, n_underlyings)
    """
    unknown = np.isnan(betas)
    linear = moves @ np.where(unknown, 0.0, betas).T
    lost = (moves != 0.0).astype(np.float64) @ unknown.T.astype(np.float64) > 0.0
    linear[lost] = np.nan
    return np.maximum(linear, -1.0), linear


def _solve(matrix: Array, right: Array) -> Array:
    """``matrix⁻¹ right`` for a covariance of facts, scaled to unit variances so that units do not matter."""
    if not len(matrix):
        return right
    variance = matrix.diagonal()
    if not (variance > 0.0).all():
        raise SingularCovariance("expected facts with a positive variance, was 0 or NaN")
    scale = 1.0 / np.sqrt(variance)
    factor, failed = dpotrf(matrix * scale[:, None] * scale, lower=1)
    if failed or factor.diagonal().min() < _SMALLEST_PIVOT:
        raise SingularCovariance("expected independent facts, was a singular covariance")
    solved: Array = scale[:, None] * dpotrs(factor, right * scale[:, None], lower=1)[0]
    return solved
