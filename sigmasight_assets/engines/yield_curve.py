"""Continuous zero rates from Treasury par yields (docs/conventions.md §5).

The par curve of a session is linear in maturity over the tenors that it has and flat outside; a par yield ``y`` (semi-annual,
bond equivalent) becomes the continuous rate ``r = 2·ln(1 + y/2)``. All rates are decimals (0.05 = 5 %).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sigmasight_assets.engines.arrays import Array, IntArray

CARRY_SESSIONS = 5


def zero_rate(tenor_years: npt.ArrayLike, par_yield: npt.ArrayLike, years: npt.ArrayLike) -> Array:
    """Continuous rates of one session's curve.

    Parameters
    ----------
    tenor_years : array_like of shape (n_tenors,)
        Strictly increasing (a month is 1/12).
    par_yield : array_like of shape (n_tenors,)
        NaN where the session lacks a tenor.
    years : array_like of any shape
        Times to expiry; 0 takes the shortest tenor.

    Returns
    -------
    ndarray of the shape of ``years``
        NaN where ``years`` is NaN or negative, and everywhere if the session has no yield.
    """
    times = np.asarray(years, dtype=np.float64)
    curve = np.asarray(par_yield, dtype=np.float64)[None, :]
    rates = zero_rates(tenor_years, curve, np.zeros(times.size, dtype=np.int64), times.ravel())
    return rates.reshape(times.shape)


def zero_rates(tenor_years: npt.ArrayLike, par_yields: npt.ArrayLike, session_index: npt.ArrayLike, years: npt.ArrayLike) -> Array:
    """Continuous rates of many contracts, each on the curve of its own session.

    Parameters
    ----------
    tenor_years : array_like of shape (n_tenors,)
        Strictly increasing.
    par_yields : array_like of shape (n_sessions, n_tenors)
        NaN where a session lacks a tenor.
    session_index : array_like of int, shape (n,)
        The row of ``par_yields`` of each contract; −1 (what `carry_forward` gives for no curve) has rate NaN.
    years : array_like of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        NaN as in `zero_rate`.

    Raises
    ------
    ValueError
        When the tenors do not increase or do not match the yields.
    """
    tenors = np.asarray(tenor_years, dtype=np.float64)
    curves = np.asarray(par_yields, dtype=np.float64)
    if tenors.ndim != 1 or curves.ndim != 2 or curves.shape[1] != len(tenors):
        raise ValueError(f"expected yields of shape (n_sessions, {tenors.size}), was {curves.shape}")
    if not np.all(np.diff(tenors) > 0.0):
        raise ValueError(f"expected strictly increasing tenors, was {tenors.tolist()}")
    sessions = np.asarray(session_index, dtype=np.int64)
    times = np.asarray(years, dtype=np.float64)

    # filling the gaps of a piecewise linear curve leaves it unchanged, and then one grid serves all sessions
    known, position = np.unique(sessions, return_inverse=True)
    complete = np.array([_fill_gaps(tenors, curves[row]) if row >= 0 else np.full(len(tenors), np.nan) for row in known])
    complete = complete.reshape(-1, len(tenors))  # (n_known, n_tenors)
    inside = np.clip(times, tenors[0], tenors[-1])
    right = np.clip(np.searchsorted(tenors, inside), min(1, len(tenors) - 1), len(tenors) - 1)
    left = np.maximum(right - 1, 0)
    width = np.where(right > left, tenors[right] - tenors[left], 1.0)
    weight = (inside - tenors[left]) / width
    par = complete[position, left] * (1.0 - weight) + complete[position, right] * weight  # (n,)
    return np.where(times >= 0.0, 2.0 * np.log1p(0.5 * par), np.nan)


def carry_forward(par_yields: npt.ArrayLike, limit: int = CARRY_SESSIONS) -> tuple[Array, IntArray]:
    """Give a session without any yield the whole curve of the last session that has one.

    A session that has some tenors keeps its own: two sessions' yields are never mixed into one curve.

    Parameters
    ----------
    par_yields : array_like of shape (n_sessions, n_tenors)
    limit : int
        The greatest age, in sessions, of a carried curve.

    Returns
    -------
    carried : ndarray of shape (n_sessions, n_tenors)
    source : ndarray of int64, shape (n_sessions,)
        The session whose curve is used; −1, with an all-NaN row, where none is recent enough.
    """
    curves = np.asarray(par_yields, dtype=np.float64)
    sessions = np.arange(len(curves))
    quoted = ~np.all(np.isnan(curves), axis=1)
    latest = np.maximum.accumulate(np.where(quoted, sessions, -1))
    source = np.where((latest >= 0) & (sessions - latest <= limit), latest, -1).astype(np.int64)
    return np.where((source >= 0)[:, None], curves[source], np.nan), source


def _fill_gaps(tenors: Array, curve: Array) -> Array:
    """One curve with every tenor: linear between its own, flat outside."""
    quoted = ~np.isnan(curve)
    if not quoted.any():
        return curve
    return np.interp(tenors, tenors[quoted], curve[quoted])
