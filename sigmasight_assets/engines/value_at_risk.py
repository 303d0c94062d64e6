"""Value at risk and expected shortfall: by historical simulation and from a covariance, with components (docs/conventions.md §9).

Losses are positive numbers. Sources: McNeil, Frey and Embrechts, *Quantitative Risk Management*, §2.2 and §8.3 (components);
Hull, *Risk Management and Financial Institutions*, chapter 14 (parametric); Kupiec, "Techniques for verifying the accuracy of risk
measurement models", *Journal of Derivatives* 3 (1995) (exceptions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, chdtrc, ndtri, xlogy

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray

WINDOW = 252
LEVELS = (0.95, 0.99)
BAND = 0.95
"""Probability of the band that the number of exceptions should fall into."""


def tail_count(n_scenarios: int, level: float) -> int:
    """``k = ceil((1 − α)·n)``: how many scenarios make the tail. Rounded first, so that 0.05 · 100 is 5 and not 6."""
    return math.ceil(round((1.0 - level) * n_scenarios, 9))


@dataclass(frozen=True)
class TailRisk:
    """Historical figures at one level; leading shape that of the portfolios."""

    value_at_risk: Array
    expected_shortfall: Array


def historical(pnl: Array, level: float) -> TailRisk:
    """The k-th largest loss and the mean of the k largest.

    Parameters
    ----------
    pnl : Array of shape (n_scenarios, …)
        Gains of portfolios under each scenario; no NaN.
    level : float
        Confidence (0.95).

    Returns
    -------
    TailRisk
        Of shape ``pnl.shape[1:]``. Negative where even the k-th worst scenario gains.
    """
    k = tail_count(len(pnl), level)
    worst = np.sort(pnl, axis=0)[:k]  # (k, …), the largest losses first
    return TailRisk(-worst[-1], -worst.mean(axis=0))


def tail_scenarios(pnl: Array, level: float) -> IntArray:
    """Indices of the k worst scenarios of one portfolio, worst first; of equal losses the earlier one comes first.

    `pnl` has shape (n_scenarios,); the last index is the scenario of the value at risk.
    """
    return np.argsort(pnl, kind="stable")[: tail_count(len(pnl), level)].astype(np.int64)


def historical_components(position_pnl: Array, tail: IntArray) -> TailRisk:
    """What each position loses in the scenario of the value at risk, and on average in the tail: each adds up to the portfolio's figure.

    Parameters
    ----------
    position_pnl : Array of shape (n_scenarios, n_positions)
        Adding up to the portfolio's gains.
    tail : IntArray of shape (k,)
        Of `tail_scenarios`.

    Returns
    -------
    TailRisk
        Of shape (n_positions,).
    """
    losses = -position_pnl[tail]  # (k, n_positions)
    return TailRisk(losses[-1], losses.mean(axis=0))


def normal_quantile(level: float) -> float:
    """z of a confidence level: 2.326 at 99 %."""
    return float(ndtri(level))


def parametric(dollars: Array, covariance: Array, level: float, days: float = 1.0) -> tuple[float, Array]:
    """Normal value at risk of exposures, and its components, which add up to it.

    Parameters
    ----------
    dollars : Array of shape (n,)
        Signed exposures.
    covariance : Array of shape (n, n)
        Of daily returns.
    days : float
        Horizon in sessions: the square root of time.

    Returns
    -------
    (total, components) : float and Array of shape (n,)
        Components are ``z·√days·w_i(Σw)_i / sqrt(w'Σw)``; 0 where the variance is 0.
    """
    marginal = covariance @ dollars
    return _scaled(float(dollars @ marginal), dollars * marginal, level, days)


def parametric_by_factor(
    factor_dollars: Array, covariance: Array, delta_dollars: Array, underlying: IntArray, specific_deviation: Array, level: float
) -> tuple[float, Array]:
    """Normal one-day value at risk of positions in a factor model: factor variance plus specific variance of netted underlyings.

    Parameters
    ----------
    factor_dollars : Array of shape (n_positions, n_factors)
    covariance : Array of shape (n_factors, n_factors)
        Of the factors over one session.
    delta_dollars : Array of shape (n_positions,)
    underlying : IntArray of shape (n_positions,)
        Index into `specific_deviation`.
    specific_deviation : Array of shape (n_underlyings,)
        Daily standard deviation of what the factors do not explain.

    Returns
    -------
    (total, components) : float and Array of shape (n_positions,)
        Components add up to the total.
    """
    netted = np.bincount(underlying, weights=delta_dollars, minlength=len(specific_deviation))  # (n_underlyings,)
    specific = netted * np.square(specific_deviation)
    shares = factor_dollars @ (covariance @ factor_dollars.sum(axis=0)) + delta_dollars * specific[underlying]  # of the variance
    return _scaled(float(shares.sum()), shares, level, 1.0)


def _scaled(variance: float, shares: Array, level: float, days: float) -> tuple[float, Array]:
    if variance <= 0.0:
        return 0.0, np.zeros_like(shares)
    scale = normal_quantile(level) * math.sqrt(days)
    return scale * math.sqrt(variance), shares * (scale / math.sqrt(variance))


def exceptions(value_at_risk: Array, pnl: Array) -> BoolArray:
    """Days whose loss is larger than the value at risk of the day before; False where either is NaN. Shape of the arguments."""
    return np.asarray(pnl < -value_at_risk)


def binomial_band(n_days: int, level: float, band: float = BAND) -> tuple[int, int]:
    """The central band of the number of exceptions in so many days, if each has the probability ``1 − level`` and they are independent.

    Both ends belong to it: the smallest counts whose cumulative probability reaches (1 − band)/2 and (1 + band)/2.
    """
    cumulative = bdtr(np.arange(n_days + 1, dtype=np.float64), n_days, 1.0 - level)
    low, high = np.searchsorted(cumulative, [(1.0 - band) / 2.0, (1.0 + band) / 2.0])
    return int(low), int(min(high, n_days))


def kupiec_test(n_exceptions: int, n_days: int, level: float) -> tuple[float, float]:
    """Kupiec's proportion-of-failures test: the likelihood ratio and its probability under the model (chi-squared, 1 degree)."""
    p, observed = 1.0 - level, n_exceptions / n_days
    calm = n_days - n_exceptions
    expected = xlogy(calm, 1.0 - p) + xlogy(n_exceptions, p)
    found = xlogy(calm, 1.0 - observed) + xlogy(n_exceptions, observed)
    ratio = max(0.0, 2.0 * float(found - expected))
    return ratio, float(chdtrc(1, ratio))
