"""The factor model: market-orthogonal styles, the rates surprise, their moments (docs/conventions.md §6).

A style factor is what the market does not explain of its ETF, the growth factor also beyond value; the window of estimation is the
window of the residuals. All returns are simple (0.01 = 1 %); changes of the 10-year yield are in percentage points, so that `rates` is
the return per +100 bp and the eighth factor is measured in units of 100 bp.

Source: Frisch and Waugh, *Econometrica* 1 (1933), 387-401; Belsley, Kuh and Welsch, *Regression Diagnostics* (1980), chapter 3
(variance inflation, condition number).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.factor_names import FACTORS, GROWTH, MARKET, VALUE
from sigmasight_assets.engines.factor_windows import MIN_OBSERVATIONS
from sigmasight_assets.engines.ols import NO_VARIATION, Design, SingularDesign, design_of, fit

INSUFFICIENT, SINGULAR, RATES_MISSING = "insufficient_history", "singular_design", "rates_missing"


@dataclass(frozen=True)
class Styles:
    """Factors made of ETF returns over one window.

    Attributes
    ----------
    factors : Array of shape (n_rows, 7)
    market_loading : Array of shape (7,)
        Slope of each ETF on the market, with a constant; 1 for the market itself.
    value_loading : float
        Slope of the growth ETF on the value *factor*.
    """

    factors: Array
    market_loading: Array
    value_loading: float


def orthogonal_styles(etf_returns: Array) -> Styles:
    """Seven factors of the returns of their ETFs: the market as it is, each style beyond the market, growth beyond value too.

    Parameters
    ----------
    etf_returns : Array of shape (n_rows, 7)
        Finite, in the order of `FACTORS`.

    Returns
    -------
    Styles
        In the window every style is uncorrelated with the market, and growth with value. No constant is taken off: a factor's mean is
        what its ETF earned beyond its loadings.

    Raises
    ------
    SingularDesign
        When the market stands still, or an ETF is a multiple of the market (growth: of market and value).
    """
    market = etf_returns[:, MARKET]
    loading = _slopes(market, etf_returns, "market")  # (7,)
    loading[MARKET] = 1.0
    factors = etf_returns - np.outer(market, loading)  # (n_rows, 7)
    factors[:, MARKET] = market
    _require_own_moves(factors, etf_returns, [VALUE])
    value_loading = float(_slopes(factors[:, VALUE], etf_returns[:, [GROWTH]], "value")[0])
    factors[:, GROWTH] -= value_loading * factors[:, VALUE]
    _require_own_moves(factors, etf_returns, list(range(len(FACTORS))))
    return Styles(factors, loading, value_loading)


def _slopes(regressor: Array, values: Array, name: str) -> Array:
    """Slope of each column on a regressor, with a constant."""
    centred = regressor - regressor.mean()
    squares = float(centred @ centred)
    if squares <= NO_VARIATION * float(regressor @ regressor):
        raise SingularDesign(f"expected a {name} proxy that moves, was one that stands still")
    slopes: Array = centred @ (values - values.mean(axis=0)) / squares
    return slopes


def _require_own_moves(factors: Array, etf_returns: Array, columns: list[int]) -> None:
    """Refuse a factor of which nothing is left but rounding."""
    own, whole = (np.square(values - values.mean(axis=0)).sum(axis=0) for values in (factors[:, columns], etf_returns[:, columns]))
    for k in np.flatnonzero(own <= NO_VARIATION * whole).tolist():
        raise SingularDesign(f"expected a {FACTORS[columns[k]]} proxy with moves of its own, was a combination of other proxies")


@dataclass(frozen=True)
class FactorWindow:
    """The seven factors on one session's window, or why there are none.

    Attributes
    ----------
    rows : BoolArray of shape (n_sessions,)
        Sessions of the window on which all seven ETFs have a return.
    etf_returns : Array of shape (n_rows, 7)
    styles : Styles or None
    design : Design or None
        Of the factors with a constant; None with `styles`.
    vif : Array of shape (7,)
        NaN without factors.
    condition_number : float
    reason : str or None
        Set where there are no factors.
    """

    rows: BoolArray
    etf_returns: Array
    styles: Styles | None
    design: Design | None
    vif: Array
    condition_number: float
    reason: str | None


def factor_window(etf_returns: Array) -> FactorWindow:
    """Estimate the factors of a window.

    Parameters
    ----------
    etf_returns : Array of shape (n_sessions, 7)
        NaN where an ETF has no return; an ETF without any is a proxy that is missing. Never another set of factors silently.
    """
    rows = np.asarray(~np.isnan(etf_returns).any(axis=1))
    complete = etf_returns if rows.all() else etf_returns[rows]
    reason = missing_proxies(etf_returns) or (INSUFFICIENT if len(complete) < MIN_OBSERVATIONS else None)
    if reason is None:
        try:
            styles = orthogonal_styles(complete)
            design = design_of(styles.factors, names=FACTORS)
            return FactorWindow(rows, complete, styles, design, *diagnose(styles.factors, design), None)
        except SingularDesign:
            reason = SINGULAR
    return FactorWindow(rows, complete, None, None, np.full(len(FACTORS), np.nan), np.nan, reason)


def missing_proxies(etf_returns: Array) -> str | None:
    """`proxy_missing:` with the factors whose ETF has no return at all in the window; None where all have some."""
    names = [name for name, values in zip(FACTORS, etf_returns.T, strict=True) if np.isnan(values).all()]
    if not names:
        return None
    told = "all" if len(names) == len(FACTORS) else names[0] if len(names) == 1 else f"{names[0]}+{len(names) - 1}"
    return f"proxy_missing:{told}"


def diagnose(factors: Array, design: Design) -> tuple[Array, float]:
    """Variance inflation factor of each factor, shape (n_factors,), and the 2-norm condition number of the z-scored factors.

    Parameters
    ----------
    factors : Array of shape (n_rows, n_factors)
    design : Design
        Of the factors with a constant.
    """
    centred = factors - factors.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)  # (n_factors,)
    spread = np.square(design.inverse[1:]).sum(axis=1)  # diagonal of (X'X)^-1 but for the constant
    singular_values = np.linalg.svd(centred / length, compute_uv=False)
    return spread * np.square(length), float(singular_values[0] / singular_values[-1])


@dataclass(frozen=True)
class RatesSurprise:
    """What the seven factors do not explain of the change of the 10-year, over one window.

    Attributes
    ----------
    gamma : Array of shape (7,)
        Percentage points of yield per 1.00 of each factor.
    surprise : Array of shape (n_rows,)
        Change - gamma . factors, in percentage points; NaN where the change is.
    r_squared : float
    n_obs : int
    """

    gamma: Array
    surprise: Array
    r_squared: float
    n_obs: int


def rates_surprise(window: FactorWindow, change: Array) -> RatesSurprise | str:
    """The eighth factor of a window, or why there is none.

    Parameters
    ----------
    change : Array of shape (n_sessions,)
        Of the 10-year yield on the window's sessions, in percentage points; NaN across a missing yield.
    """
    if window.styles is None or window.design is None:
        return window.reason or INSUFFICIENT
    own = change[window.rows]
    if np.count_nonzero(~np.isnan(own)) < MIN_OBSERVATIONS:
        return RATES_MISSING if np.isnan(own).all() else INSUFFICIENT
    fitted = fit(window.design, own[:, None])
    if np.isnan(fitted.r_squared[0]):
        return SINGULAR
    gamma = fitted.beta[:, 0]
    return RatesSurprise(gamma, own - window.styles.factors @ gamma, float(fitted.r_squared[0]), int(fitted.n_obs[0]))


@dataclass(frozen=True)
class FactorCovariance:
    """Daily moments of the eight factors over one window (ddof 1).

    Attributes
    ----------
    covariance : Array of shape (8, 8)
        In the order of `MODEL_FACTORS`: returns, and percentage points for the rates surprise. What is uncorrelated by construction
        (the market and each style, value and growth, the rates surprise and all others) is exactly 0. The rates row is NaN where
        the rates are missing.
    correlation : Array of shape (7, 7)
        Of the factors.
    etf_correlation : Array of shape (7, 7)
        Of the ETFs' total returns.
    min_eigenvalue : float
        Of the known part of `covariance`.
    """

    covariance: Array
    correlation: Array
    etf_correlation: Array
    min_eigenvalue: float


def factor_covariance(etf_returns: Array, styles: Styles, rates: RatesSurprise | None) -> FactorCovariance:
    """Covariance and correlations of one window's factors.

    Parameters
    ----------
    etf_returns : Array of shape (n_rows, 7)
        What the styles are made of.
    """
    n = len(FACTORS)
    seven = np.cov(styles.factors, rowvar=False)  # (7, 7)
    others = np.arange(n) != MARKET
    seven[MARKET, others] = seven[others, MARKET] = 0.0
    seven[VALUE, GROWTH] = seven[GROWTH, VALUE] = 0.0
    covariance = np.zeros((n + 1, n + 1))
    covariance[:n, :n] = seven
    if rates is None:
        covariance[n], covariance[:, n] = np.nan, np.nan
    else:
        covariance[n, n] = np.nanvar(rates.surprise, ddof=1)
    deviation = np.sqrt(np.diag(seven))
    correlation = seven / np.outer(deviation, deviation)
    np.fill_diagonal(correlation, 1.0)
    etf_correlation = np.asarray(np.corrcoef(etf_returns, rowvar=False))
    smallest = float(np.linalg.eigvalsh(seven if rates is None else covariance)[0])
    return FactorCovariance(covariance, correlation, etf_correlation, smallest)
