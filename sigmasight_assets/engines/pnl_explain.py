"""Where a day's gain came from: by the Greeks of the day before, and by the factors (docs/conventions.md §6 and §9).

Both take positions that were held through the day, each of shape (n_positions,); what was bought, sold or settled has its own line in
the calculation. A term whose inputs are missing is 0 here, so that its part of the gain stays in the residual (explain) or in what is
specific (factors).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import Array, BoolArray

PERCENT = 0.01


@dataclass(frozen=True)
class GreeksBefore:
    """Position Greeks at the close of the day before: of whole positions, in USD."""

    delta_dollars: Array
    gamma_dollars_per_pct: Array
    theta_per_day: Array
    vega_per_volpt: Array
    rho_per_pct: Array


@dataclass(frozen=True)
class DayMoves:
    """What happened since, for each position.

    Attributes
    ----------
    underlying : Array
        Price move of the underlying, splits aside (a decimal).
    volatility, rate : Array
        Change of implied volatility and of the zero rate to expiry, decimals; NaN for shares.
    source_changed : BoolArray
        The volatility comes from another rung of the ladder than the day before.
    days : float or Array
        Calendar days elapsed.
    """

    underlying: Array
    volatility: Array
    rate: Array
    source_changed: BoolArray
    days: float | Array


@dataclass(frozen=True)
class Explained:
    """Gain by Greek, each of shape (n_positions,); they add up to the gain."""

    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array
    iv_source: Array
    """Vega times a change of volatility that another source made."""
    residual: Array


def explain(pnl: Array, greeks: GreeksBefore, moves: DayMoves) -> Explained:
    """Split gains by the Greeks of the day before.

    ``delta$·u + ½Γ(ΔS)² + vega·ΔIV + theta·days + rho·Δr + residual``, volatility in points and the rate in percent. Shares have a delta
    alone, equal to their value, so that nothing of them is residual.

    Parameters
    ----------
    pnl : Array of shape (n_positions,)
        Gains by price; no NaN.
    """
    gamma = 0.5 * greeks.gamma_dollars_per_pct / PERCENT * np.square(moves.underlying)  # ½ Γ S² u², and gamma$ is 0.01·Γ·S²
    by_volatility = np.nan_to_num(greeks.vega_per_volpt * moves.volatility / PERCENT)
    terms = {
        "delta": np.nan_to_num(greeks.delta_dollars * moves.underlying),
        "gamma": np.nan_to_num(gamma),
        "vega": np.where(moves.source_changed, 0.0, by_volatility),
        "theta": np.nan_to_num(greeks.theta_per_day * moves.days),
        "rho": np.nan_to_num(greeks.rho_per_pct * moves.rate / PERCENT),
        "iv_source": np.where(moves.source_changed, by_volatility, 0.0),
    }
    return Explained(**terms, residual=pnl - sum(terms.values()))


@dataclass(frozen=True)
class Attributed:
    """Gain by factor.

    Attributes
    ----------
    factors : Array of shape (n_positions, n_factors)
    specific : Array of shape (n_positions,)
        What the factors do not explain of covered underlyings, at delta.
    non_linear : Array of shape (n_positions,)
        What options gained beyond their delta; 0 for shares.
    uncovered : Array of shape (n_positions,)
        The whole gain of positions without betas or delta.
    """

    factors: Array
    specific: Array
    non_linear: Array
    uncovered: Array


def attribute(
    pnl: Array, delta_dollars: Array, underlying_move: Array, is_option: BoolArray, betas: Array, factor_returns: Array
) -> Attributed:
    """Split gains by factor: ``Σ x_k·f_k + specific + non-linear + uncovered``.

    Parameters
    ----------
    pnl : Array of shape (n_positions,)
        Gains by price; no NaN.
    delta_dollars : Array of shape (n_positions,)
        At the close of the day before; NaN where unknown.
    underlying_move : Array of shape (n_positions,)
        Price move of the underlying.
    betas : Array of shape (n_positions, n_factors)
        Of the day before; a row with a NaN is a position that no beta covers.
    factor_returns : Array of shape (n_factors,) or (n_positions, n_factors)
        Of the day, made with the loadings of the day before; NaN where unknown, and then the factor has no part in it.
    """
    covered = ~np.isnan(betas).any(axis=1) & ~np.isnan(delta_dollars) & ~np.isnan(underlying_move)
    exposure = np.where(covered, delta_dollars, 0.0)
    move = np.where(covered, underlying_move, 0.0)
    factors = np.where(covered[:, None], betas, 0.0) * np.nan_to_num(factor_returns) * exposure[:, None]
    at_delta = exposure * move
    return Attributed(
        factors=factors,
        specific=at_delta - factors.sum(axis=1),
        non_linear=np.where(covered & is_option, pnl - at_delta, 0.0),
        uncovered=np.where(covered, 0.0, pnl),
    )
