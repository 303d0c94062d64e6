"""What positions gain when their underlyings, volatilities and rates move: full revaluation and its linear part (docs/conventions.md §8).

Full revaluation is two calls of the one pricing function, `black_scholes.price`, which does not know that it is under stress. Stress
tests and value at risk both come here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.black_scholes import DAYS_PER_YEAR

CELLS = 32_768
REFERENCE_DAYS = 30.0
"""A scenario's change of volatility is that of this maturity; longer ones move by the square root of the ratio."""


@dataclass(frozen=True)
class OptionTerms:
    """Inputs of `black_scholes.price`, each of shape (n_options,); NaN where one is missing."""

    is_call: BoolArray
    spot: Array
    strike: Array
    years: Array
    rate: Array
    dividend_yield: Array
    volatility: Array


def volatility_change(terms: OptionTerms, iv_change: Array) -> Array:
    """Change of implied volatility: ``iv · iv_change · sqrt(30 / max(30, days))``.

    Parameters
    ----------
    iv_change : Array of shape (n_scenarios,)
        Relative change of 30-day volatility, above −1.

    Returns
    -------
    Array of shape (n_scenarios, n_options)
        In decimals per year.
    """
    return np.asarray(iv_change[:, None] * _volatility_at_stake(terms))


def _volatility_at_stake(terms: OptionTerms) -> Array:
    """``iv · sqrt(30 / max(30, days))``, shape (n_options,)."""
    days = np.maximum(terms.years * DAYS_PER_YEAR, REFERENCE_DAYS)
    return np.asarray(terms.volatility * np.sqrt(REFERENCE_DAYS / days))


def full_changes(terms: OptionTerms, move: Array, iv_change: Array | None = None, rate_change: Array | None = None) -> Array:
    """Change of value per share of underlying: shifted model value less the model value of today, time unchanged.

    Parameters
    ----------
    move : Array of shape (n_scenarios, n_options)
        Relative move of each option's underlying, not below −1.
    iv_change, rate_change : Array of shape (n_scenarios,), optional
        Relative change of 30-day volatility; change of the continuous rate as a decimal. None: unchanged.

    Returns
    -------
    Array of shape (n_scenarios, n_options)
        NaN where an input is missing.
    """
    base = black_scholes.price(terms.is_call, terms.spot, terms.strike, terms.years, terms.rate, terms.dividend_yield, terms.volatility)
    at_stake = _volatility_at_stake(terms)
    out = np.empty(move.shape)
    size = max(1, CELLS // max(1, len(base)))  # scenarios at a time: their shifted inputs stay in a core's cache
    for start in range(0, len(move), size):
        part = slice(start, start + size)
        volatility, rate = terms.volatility, terms.rate
        if iv_change is not None:
            volatility = volatility + iv_change[part, None] * at_stake  # (size, n_options)
        if rate_change is not None:
            rate = rate + rate_change[part, None]
        spot = terms.spot * (1.0 + move[part])
        shifted = black_scholes.price(terms.is_call, spot, terms.strike, terms.years, rate, terms.dividend_yield, volatility)
        np.subtract(shifted, base, out=out[part])
    return out


def linear_changes(
    delta_dollars: Array, vega_per_volpt: Array, rho_per_pct: Array, move: Array, volatility: Array | float, rate: Array | float
) -> Array:
    """First-order change of value of positions: ``delta$·u + vega·Δσ + rho·Δr``.

    Parameters
    ----------
    delta_dollars, vega_per_volpt, rho_per_pct : Array of shape (n_positions,)
        Of whole positions; the last two 0 for shares.
    move : Array of shape (n_scenarios, n_positions)
    volatility, rate : Array broadcasting to (n_scenarios, n_positions)
        Changes as decimals.
    """
    return np.asarray(delta_dollars * move + vega_per_volpt * (100.0 * volatility) + rho_per_pct * (100.0 * rate))
