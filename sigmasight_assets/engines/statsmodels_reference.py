"""The factor model by `statsmodels`, one instrument at a time: the reference that checks and benchmarks compare with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY
from sigmasight_assets.engines.factor_names import FACTORS, GROWTH, MARKET, RATES, VALUE
from sigmasight_assets.engines.factor_windows import MIN_OBSERVATIONS


def residual_factors(etf_returns: Array) -> Array:
    """The seven factors of complete ETF returns as residuals of regressions with a constant, shape (n_rows, 7)."""
    market = etf_returns[:, [MARKET]]
    factors = etf_returns.copy()
    for k in range(len(FACTORS)):
        if k not in (MARKET, GROWTH):
            factors[:, k] = _ols(etf_returns[:, k], market).resid
    factors[:, GROWTH] = _ols(etf_returns[:, GROWTH], etf_returns[:, [MARKET, VALUE]]).resid
    return factors


def window_factors(etf_returns: Array) -> Array:
    """The seven factors of a window with at least one complete row, shape (n_sessions, 7); NaN where an ETF has no return."""
    complete = ~np.isnan(etf_returns).any(axis=1)
    factors = np.full(etf_returns.shape, np.nan)
    factors[complete] = residual_factors(etf_returns[complete])
    return factors


def refit(factors: Array, yield_change: Array, returns: Array, macro: Mapping[str, Array]) -> pd.DataFrame:
    """All coefficients of one instrument on one window.

    Parameters
    ----------
    factors : Array of shape (n_sessions, 7)
        By `window_factors`.
    yield_change, returns : Array of shape (n_sessions,)
    macro : mapping of str to Array of shape (n_sessions,)

    Returns
    -------
    DataFrame
        Columns `factor`, `beta`, `std_error`, `r_squared`; a series with fewer than 60 observations is left out.
    """
    rows: list[tuple[str, float, float, float]] = []
    _add(rows, list(FACTORS), returns, factors)
    for name, values in {RATES: yield_change, **macro}.items():
        _add(rows, [name], returns, np.column_stack([factors, values]))
    _add(rows, [RATES_MARKET_ONLY], returns, np.column_stack([factors[:, MARKET], yield_change]))
    return pd.DataFrame(rows, columns=["factor", "beta", "std_error", "r_squared"])


def _add(rows: list[tuple[str, float, float, float]], names: list[str], y: Array, x: Array) -> None:
    """The last coefficients of a regression, as many as there are names."""
    present = ~np.isnan(y) & ~np.isnan(x).any(axis=1)
    if present.sum() < MIN_OBSERVATIONS:
        return
    found = _ols(y[present], x[present])
    n = len(names)
    rows += [
        (name, float(beta), float(error), float(found.rsquared))
        for name, beta, error in zip(names, found.params[-n:], found.bse[-n:], strict=True)
    ]


def _ols(y: Array, x: Array) -> Any:
    """The results object of `statsmodels`, with a constant first."""
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tools.tools import add_constant

    return OLS(y, add_constant(x)).fit()
