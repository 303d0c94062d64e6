"""Risk of a book through the eight factors: predicted volatility, split and attributed (docs/conventions.md §6).

Annual variance is ``252 x'Σx + Σ_u (D_u v_u)²``: x the book's dollars by factor, Σ the factors' daily covariance, D_u the netted delta
dollars of underlying u and v_u the residual volatility of its rates regression. Volatility is homogeneous of degree one in the
holdings, so by Euler's theorem its derivatives times the holdings add up to it.

Source: Menchero and Davis, *Risk contribution is exposure times volatility times correlation*, Journal of Portfolio Management 37
(2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import Array, IntArray

SESSIONS_PER_YEAR = 252.0


@dataclass(frozen=True)
class BookRisk:
    """Predicted annual risk of one book.

    Attributes
    ----------
    factor_dollars : Array of shape (8,)
        Net exposure to each factor.
    factor_variance : Array of shape (8,)
        Contribution of each factor to the annual variance, USD squared.
    specific_variance : float
    volatility : float
        USD per year.
    factor_volatility : Array of shape (8,)
        Contribution of each factor to `volatility`; with `specific_volatility` they add up to it. 0 for a book without risk.
    specific_volatility : float
    position_volatility : Array of shape (n_positions,)
        Contribution of each position; they too add up to `volatility`.
    """

    factor_dollars: Array
    factor_variance: Array
    specific_variance: float
    volatility: float
    factor_volatility: Array
    specific_volatility: float
    position_volatility: Array


def book_risk(exposure: Array, delta_dollars: Array, underlying: IntArray, residual_vol: Array, covariance: Array) -> BookRisk:
    """Predicted risk and its contributions.

    Parameters
    ----------
    exposure : Array of shape (n_positions, 8)
        Dollars of each position by factor. Only positions whose eight sensitivities are known.
    delta_dollars : Array of shape (n_positions,)
    underlying : IntArray of shape (n_positions,)
        Number of each position's underlying, from 0: positions in one name net before their specific risk is squared.
    residual_vol : Array of shape (n_positions,)
        Annual, of the position's underlying.
    covariance : Array of shape (8, 8)
        Daily.
    """
    dollars = exposure.sum(axis=0)  # (8,)
    marginal = SESSIONS_PER_YEAR * (covariance @ dollars)  # (8,)
    factor_variance = dollars * marginal
    netted = net_by_underlying(delta_dollars, underlying)  # (n_positions,)
    specific = delta_dollars * netted * np.square(residual_vol)  # (n_positions,): a share of its name's squared total
    specific_variance = float(specific.sum())
    volatility = float(np.sqrt(max(factor_variance.sum() + specific_variance, 0.0)))
    scale = 1.0 / volatility if volatility > 0.0 else 0.0
    return BookRisk(
        factor_dollars=dollars,
        factor_variance=factor_variance,
        specific_variance=specific_variance,
        volatility=volatility,
        factor_volatility=factor_variance * scale,
        specific_volatility=specific_variance * scale,
        position_volatility=(exposure @ marginal + specific) * scale,
    )


def net_by_underlying(amount: Array, underlying: IntArray) -> Array:
    """The total of each position's underlying, shape (n_positions,)."""
    totals = np.bincount(underlying, weights=amount, minlength=int(underlying.max(initial=-1)) + 1)
    return np.asarray(totals[underlying], dtype=np.float64)


def standard_error(delta_dollars: Array, underlying: IntArray, std_error: Array) -> Array:
    """Standard error of a book's dollars by factor, shape (n_factors,).

    Estimates of different underlyings are taken as independent; positions in one underlying share its estimate, so they net first.

    Parameters
    ----------
    delta_dollars, underlying : arrays of shape (n_positions,)
    std_error : Array of shape (n_positions, n_factors)
        Of the betas of each position's underlying; NaN counts for nothing.
    """
    first = np.unique(underlying, return_index=True)[1]
    netted = net_by_underlying(delta_dollars, underlying)[first]  # (n_underlyings,)
    return np.asarray(np.sqrt(np.nansum(np.square(netted[:, None] * std_error[first]), axis=0)))
