"""The `neighbour` rung of the implied-volatility ladder (docs/conventions.md §5): a volatility from a contract's neighbours.

Source: Gatheral (2006), *The Volatility Surface*, chapter 3: total variance ``w = σ²T`` is what interpolates without
creating calendar arbitrage.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sigmasight_assets.engines.arrays import Array


def neighbour_volatility(
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    quoted_strike: npt.ArrayLike,
    quoted_years: npt.ArrayLike,
    quoted_volatility: npt.ArrayLike,
) -> Array:
    """Volatilities of target contracts from the quoted ones of the same underlying and session.

    Within an expiry total variance is linear in log-moneyness between the two bracketing strikes and volatility flat
    outside; between the two bracketing expiries total variance is linear in time, and volatility flat outside. Calls and
    puts share one surface: at one strike and expiry their volatilities are averaged. The spot shifts every
    log-moneyness alike, so it does not enter.

    Parameters
    ----------
    strike, years : array_like of shape (n_targets,)
        Times are ACT/365.
    quoted_strike, quoted_years, quoted_volatility : array_like of shape (n_quotes,)
        A quote that is not wholly positive and finite is left out.

    Returns
    -------
    ndarray of shape (n_targets,)
        NaN where there is no quote, or the target's strike or time is not positive.
    """
    target_strike = np.asarray(strike, dtype=np.float64)
    target_years = np.asarray(years, dtype=np.float64)
    quotes = np.array([quoted_years, quoted_strike, quoted_volatility], dtype=np.float64)  # (3, n_quotes)
    quotes = quotes[:, np.all(np.isfinite(quotes) & (quotes > 0.0), axis=0)]
    if not quotes.shape[1]:
        return np.full(target_strike.shape, np.nan)
    legal = (target_strike > 0.0) & (target_years > 0.0) & np.isfinite(target_strike) & np.isfinite(target_years)
    log_strike = np.log(np.where(legal, target_strike, 1.0))
    time = np.where(legal, target_years, 1.0)

    expiries, nodes, volatility = _average_duplicates(quotes)
    slices = [nodes[0] == expiry for expiry in expiries]
    variances = np.array(  # (n_expiries, n_targets)
        [np.interp(log_strike, np.log(nodes[1, own]), nodes[0, own] * np.square(volatility[own])) for own in slices]
    )

    right = np.clip(np.searchsorted(expiries, time), 0, len(expiries) - 1)
    left = np.where(expiries[right] > time, np.maximum(right - 1, 0), right)
    targets = np.arange(len(time))
    width = expiries[right] - expiries[left]
    weight = np.where(width > 0.0, (time - expiries[left]) / np.where(width > 0.0, width, 1.0), 0.0)
    between = variances[left, targets] * (1.0 - weight) + variances[right, targets] * weight
    nearest = variances[right, targets] / expiries[right]  # outside the expiries, or on one
    return np.where(legal, np.sqrt(np.where(width > 0.0, between / time, nearest)), np.nan)


def _average_duplicates(quotes: Array) -> tuple[Array, Array, Array]:
    """Expiries (n_expiries,), sorted nodes (2, n_nodes) of years and strike, and their mean volatility (n_nodes,)."""
    nodes, node_of = np.unique(quotes[:2], axis=1, return_inverse=True)
    node_of = node_of.ravel()
    volatility = np.bincount(node_of, weights=quotes[2]) / np.bincount(node_of)
    return np.unique(nodes[0]), nodes, volatility
