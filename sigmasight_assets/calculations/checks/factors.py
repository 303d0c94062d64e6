"""Checks of the factor model: proxies, independence, a refit by statsmodels, definiteness."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.checks.outcome import Outcome, none_allowed
from sigmasight_assets.calculations.factor_panels import FactorPanel, read_factor_panel, read_return_panel
from sigmasight_assets.calculations.factors import COLLINEAR
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.engines import statsmodels_reference as reference
from sigmasight_assets.engines.factor_model import SINGULAR
from sigmasight_assets.engines.factor_windows import WINDOW
from sigmasight_assets.store.gates import SEMIDEFINITE
from sigmasight_assets.store.tables import factor_betas, factor_covariance, factor_loadings, factor_returns

STATSMODELS_TOLERANCE = 1e-8
ROUNDING_ERROR = 1e-12
"""What statsmodels leaves as standard error of an exact fit; ours is 0."""
SAMPLED_SESSIONS, SAMPLED_SYMBOLS = 5, 12
"""Each pair costs statsmodels three regressions and more for configured series."""


def proxies_present(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every factor has a return on every session but the first of the data."""
    f = factor_returns.c
    query = select(f.session, f.series, f.reason).where(f.session.between(min(sessions), max(sessions)), f.kind == "factor")
    rows = shop.database.frame(query.where(f.value.is_(None), f.session > shop.provider.first_session()).order_by(f.session))
    return none_allowed([f"{row.series} {row.session:%Y-%m-%d} {row.reason}" for row in rows.itertuples()], "returns missing")


def designs_independent(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """No session's factors are linearly dependent."""
    t = factor_loadings.c
    query = select(t.session).where(t.session.between(min(sessions), max(sessions)), t.reason == SINGULAR)
    rows = shop.database.frame(query.distinct().order_by(t.session))
    return none_allowed([f"{day:%Y-%m-%d}" for day in rows["session"]], "sessions with dependent factors")


def not_collinear(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every variance inflation factor is at most 10."""
    t = factor_loadings.c
    query = select(t.session, t.factor, t.vif).where(t.session.between(min(sessions), max(sessions)), t.vif.is_not(None))
    rows = shop.database.frame(query)
    high = rows[rows["vif"] > COLLINEAR]
    told = "; ".join(f"{row.factor} {row.session:%Y-%m-%d} {row.vif:.1f}" for row in high.head(20).itertuples())
    return Outcome(high.empty, float(rows["vif"].max()) if len(rows) else 0.0, COLLINEAR, told)


def betas_estimated(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every symbol has betas."""
    b = factor_betas.c
    query = select(
        b.symbol, b.reason, func.count().label("n"), func.min(b.session).label("first"), func.max(b.session).label("last")
    ).where(b.session.between(min(sessions), max(sessions)), b.factor == "market", b.beta.is_(None))
    rows = shop.database.frame(query.group_by(b.symbol, b.reason).order_by(b.symbol))
    told = [f"{row.symbol} {row.first:%Y-%m-%d} to {row.last:%Y-%m-%d} {row.reason}" for row in rows.itertuples()]
    return none_allowed(told, "symbols without betas")


def covariance_semidefinite(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Stored covariances are symmetric and have no negative eigenvalue."""
    c = factor_covariance.c
    query = select(c.session, c.covariance).where(c.session.between(min(sessions), max(sessions)), c.status == "ok")
    rows = shop.database.frame(query)
    if rows.empty:
        return Outcome(True, 0.0, SEMIDEFINITE, "no covariance")
    matrices = np.array([unpacked(packed) for packed in rows["covariance"]])  # (n_sessions, 8, 8)
    worst = max(-float(np.linalg.eigvalsh(matrices).min()), float(np.abs(matrices - matrices.transpose(0, 2, 1)).max()))
    return Outcome(worst <= SEMIDEFINITE, worst, SEMIDEFINITE, f"{len(rows)} matrices")


def statsmodels_agrees(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Stored betas, standard errors and R² of a sample equal a refit by statsmodels, the styles' residuals included."""
    b = factor_betas.c
    query = select(b.session, b.symbol).where(b.session.between(min(sessions), max(sessions)), b.factor == "market", b.status == "ok")
    pairs = shop.database.frame(query.order_by(b.session, b.symbol))
    if pairs.empty:
        return Outcome(True, 0.0, STATSMODELS_TOLERANCE, "no beta to compare")
    days = _spread(sorted(set(pairs["session"])), SAMPLED_SESSIONS)
    worst, compared = 0.0, 0
    for i, day in enumerate(days):
        symbols = _spread(sorted(pairs.loc[pairs["session"] == day, "symbol"]), SAMPLED_SYMBOLS, start=i)
        stored = shop.database.frame(select(factor_betas).where(b.session == day.date(), b.symbol.in_(symbols), b.status == "ok"))
        refit = _refit(shop, day.date(), symbols)
        both = stored.merge(refit, on=["symbol", "factor"], suffixes=("", "_refit"))
        compared += len(both)
        worst = max(worst, _largest_difference(both))
    return Outcome(worst <= STATSMODELS_TOLERANCE, worst, STATSMODELS_TOLERANCE, f"{compared} coefficients of {len(days)} sessions")


def _spread(values: list, n: int, start: int = 0) -> list:
    """At most n values, evenly spread; another start takes others."""
    step = max(1, len(values) // n)
    return values[start % step :: step][:n]


def _refit(shop: Workshop, session: date, symbols: Sequence[str]) -> pd.DataFrame:
    with reading(shop.database, shop.calendar) as reader:
        last = shop.calendar.position(session)
        factors: FactorPanel = read_factor_panel(reader, last + 1 - WINDOW, last)
        returns = read_return_panel(reader, factors.first, last, list(symbols))
    macro = {name: factors.macro[name] for name in factors.macro_at(last)}
    of_window = reference.window_factors(factors.etf_returns)
    rows = [
        reference.refit(of_window, factors.yield_change, returns.returns[:, j], macro).assign(symbol=symbol)
        for j, symbol in enumerate(symbols)
    ]
    return pd.concat(rows, ignore_index=True)


def _largest_difference(both: pd.DataFrame) -> float:
    """The largest of: absolute difference of a beta; relative one of a standard error and of R²."""
    beta = (both["beta"] - both["beta_refit"]).abs()
    rounding = (both["std_error"] == 0.0) & (both["std_error_refit"] < ROUNDING_ERROR)  # an exact fit
    error = ((both["std_error"] - both["std_error_refit"]).abs() / both["std_error_refit"])[~rounding]
    fit = (both["r_squared"] - both["r_squared_refit"]).abs() / both["r_squared_refit"].clip(lower=STATSMODELS_TOLERANCE)
    return float(pd.concat([beta, error, fit]).max())
