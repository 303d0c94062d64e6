"""Sensitivities of instruments to the factors, rolling over a panel in one pass (docs/conventions.md §6).

The seven betas are those of the regression on the seven factors. `rates` is the coefficient of the yield change in the regression on
the seven and that change; by Frisch-Waugh it is also the coefficient of the rates surprise beside the seven betas. Further series are
treated like the yield change, each by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.factor_model import (
    INSUFFICIENT,
    RATES_MISSING,
    SINGULAR,
    FactorWindow,
    factor_window,
)
from sigmasight_assets.engines.factor_names import FACTORS, MARKET, RATES
from sigmasight_assets.engines.factor_windows import MIN_OBSERVATIONS, WINDOW
from sigmasight_assets.engines.ols import OlsFit, SingularDesign, design_of, fit

RATES_MARKET_ONLY = "rates_market_only"
SESSIONS_PER_YEAR = 252.0


@dataclass(frozen=True)
class Sensitivity:
    """Coefficients of n instruments on one series, with the figures of the regression that they come from; each of shape (n,).

    NaN, but for `n_obs`, where an instrument has fewer than `MIN_OBSERVATIONS` rows or its rows do not separate the regressors.
    `residual_vol` is a decimal per year.
    """

    beta: Array
    std_error: Array
    r_squared: Array
    residual_vol: Array
    n_obs: IntArray
    is_singular: BoolArray


@dataclass(frozen=True)
class WindowFit:
    """One session's sensitivities.

    Attributes
    ----------
    position : int
        The session's row of the panel.
    window : FactorWindow
    fits : mapping of str to (Sensitivity or str)
        Each factor, `rates`, `rates_market_only` and further series; a text says why there is none.
    """

    position: int
    window: FactorWindow
    fits: Mapping[str, Sensitivity | str]


def rolling_fits(
    etf_returns: Array,
    yield_change: Array | None,
    instruments: Array,
    positions: Sequence[int],
    macro: Mapping[str, Array] | None = None,
    window: int = WINDOW,
) -> Iterator[WindowFit]:
    """Fit every instrument on every session, from one panel.

    Parameters
    ----------
    etf_returns : Array of shape (n_sessions, 7)
        Consecutive sessions, in the order of `FACTORS`, NaN where an ETF has no return.
    yield_change : Array of shape (n_sessions,) or None
        Change of the 10-year in percentage points, NaN across a missing yield. None leaves the rates regressions out.
    instruments : Array of shape (n_sessions, n_instruments)
        Simple total returns, NaN where there is none.
    positions : sequence of int
        Rows to fit; a window ends with its row and holds nothing after it.
    macro : mapping of str to Array of shape (n_sessions,), optional
        Further series.

    Yields
    ------
    WindowFit
    """
    for position in positions:
        span = slice(max(position + 1 - window, 0), position + 1)
        y, factors = instruments[span], factor_window(etf_returns[span])
        fits: dict[str, Sensitivity | str] = dict(_on_factors(factors, y))
        if yield_change is not None:
            fits[RATES] = _beside_factors(factors, yield_change[span], y, RATES)
            fits[RATES_MARKET_ONLY] = _beside_market(etf_returns[span, MARKET], yield_change[span], y)
        for name, values in (macro or {}).items():
            fits[name] = _beside_factors(factors, values[span], y, name)
        yield WindowFit(position, factors, fits)


def _on_factors(window: FactorWindow, y: Array) -> Mapping[str, Sensitivity | str]:
    """The seven betas."""
    if window.design is None:
        return dict.fromkeys(FACTORS, window.reason or INSUFFICIENT)
    return dict(zip(FACTORS, _sensitivities(fit(window.design, _rows(y, window.rows))), strict=True))


def _beside_factors(window: FactorWindow, values: Array, y: Array, name: str) -> Sensitivity | str:
    """The coefficient of one more series in the regression on all seven factors and that series."""
    if window.styles is None:
        return window.reason or INSUFFICIENT
    has = ~np.isnan(values[window.rows])
    rows = window.rows.copy()
    rows[window.rows] = has
    regressors = np.column_stack([_rows(window.styles.factors, has), values[rows]])
    return _last_coefficient(regressors, y, rows, name)


def _beside_market(market: Array, values: Array, y: Array) -> Sensitivity | str:
    """The coefficient of the yield change beside the market alone; it needs no other proxy."""
    rows = ~np.isnan(market) & ~np.isnan(values)
    return _last_coefficient(np.column_stack([market[rows], values[rows]]), y, rows, RATES)


def _last_coefficient(regressors: Array, y: Array, rows: BoolArray, name: str) -> Sensitivity | str:
    if len(regressors) < MIN_OBSERVATIONS:
        return RATES_MISSING if name == RATES and not len(regressors) else INSUFFICIENT
    try:
        design = design_of(regressors)
    except SingularDesign:
        return SINGULAR
    return _sensitivities(fit(design, _rows(y, rows)))[-1]


def _rows(values: Array, rows: BoolArray) -> Array:
    """Some rows; the array itself where they are all."""
    chosen: Array = values if rows.all() else values[rows]
    return chosen


def _sensitivities(fitted: OlsFit) -> list[Sensitivity]:
    """Each coefficient of a fit, where there are enough observations."""
    enough = fitted.n_obs >= MIN_OBSERVATIONS
    unknown = ~enough | fitted.is_singular

    def known(values: Array) -> Array:
        return np.where(unknown, np.nan, values)

    beta, std_error, r_squared = known(fitted.beta), known(fitted.std_error), known(fitted.r_squared)
    volatility = known(np.sqrt(fitted.residual_variance * SESSIONS_PER_YEAR))
    singular = np.asarray(enough & fitted.is_singular)
    return [Sensitivity(one, error, r_squared, volatility, fitted.n_obs, singular) for one, error in zip(beta, std_error, strict=True)]
