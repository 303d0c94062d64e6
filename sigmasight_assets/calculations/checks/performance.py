"""Checks of value at risk, its exceptions and P&L attribution."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.checks.outcome import Outcome, none_allowed
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.store.tables import pnl_attribution, portfolio_snapshots, portfolios, risk_metrics, var_exceptions

ROUNDING = 1e-9
LARGEST_MEDIAN = 0.05
"""Share of the gross gain that P&L explain may leave unexplained on the median day."""
OPTION_TERMS = ("gamma", "vega", "theta", "rho", "iv_source")


def returns_agree(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """The return of the last day is the snapshot's."""
    m, s = risk_metrics.c, portfolio_snapshots.c
    same = (m.session == s.session) & (m.portfolio_id == s.portfolio_id)
    query = select(m.return_1d, s.daily_return).join_from(risk_metrics, portfolio_snapshots, same)
    rows = shop.database.frame(query.where(m.session.between(min(sessions), max(sessions))))
    error = (rows["return_1d"] - rows["daily_return"]).abs()
    differs = int((rows["return_1d"].isna() != rows["daily_return"].isna()).sum())
    worst = float(error.max()) if error.notna().any() else 0.0
    return Outcome(
        worst <= ROUNDING and not differs, worst, ROUNDING, f"{len(rows)} portfolio-sessions, {differs} of them in one table alone"
    )


def exceptions_counted(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """On the last session the number of exceptions is that of the stored days; numbers outside their band are named."""
    e, day = var_exceptions.c, max(sessions)
    first = shop.calendar.offset(day, -251)
    days = shop.database.frame(select(e.portfolio_id, e.level, e.outcome).where(e.session.between(first, day), e.outcome == "exception"))
    counted = days.groupby(["portfolio_id", "level"]).size()
    query = select(portfolios.c.slug, e.portfolio_id, e.level, e.n_exceptions, e.n_obs, e.band_low, e.band_high)
    last = shop.database.frame(query.where(e.portfolio_id == portfolios.c.id, e.session == day).order_by(portfolios.c.slug, e.level))
    wrong, outside = [], []
    for row in last.itertuples():
        text = f"{row.slug} {row.level} %: {row.n_exceptions} of {row.n_obs} (band {row.band_low} to {row.band_high})"
        if int(counted.get((row.portfolio_id, row.level), 0)) != row.n_exceptions:
            wrong.append(text)
        if row.n_obs and not row.band_low <= row.n_exceptions <= row.band_high:
            outside.append(text)
    outcome = none_allowed(wrong, "counts that the stored days do not give")
    told = f"outside the band: {'; '.join(outside[:20])}" if outside else "every number lies in its band"
    return Outcome(outcome.passed, outcome.actual, outcome.threshold, outcome.detail or told)


def shares_fully_explained(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """A day without any option term leaves nothing unexplained: shares are all delta."""
    a = pnl_attribution.c
    query = select(a.explain_residual, a.gross_value).where(
        a.session.between(min(sessions), max(sessions)), *(a[f"explain_{name}"] == 0.0 for name in OPTION_TERMS)
    )
    rows = shop.database.frame(query)
    error = rows["explain_residual"].abs() / np.maximum(rows["gross_value"], 1.0)
    worst = float(error.max()) if len(rows) else 0.0
    return Outcome(worst <= ROUNDING, worst, ROUNDING, f"{len(rows)} portfolio-sessions without options")


def residual_is_small(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """On the median day P&L explain leaves at most 5 % of the gross gain; the largest residual is named."""
    a = pnl_attribution.c
    query = select(a.session, portfolios.c.slug, a.explain_residual, a.pnl_gross).where(
        a.portfolio_id == portfolios.c.id, a.session.between(min(sessions), max(sessions)), a.pnl_gross > 0
    )
    rows = shop.database.frame(query)
    if rows.empty:
        return Outcome(True, 0.0, LARGEST_MEDIAN, "no day with a gain or a loss")
    median = float((rows["explain_residual"].abs() / rows["pnl_gross"]).median())
    worst = rows.loc[rows["explain_residual"].abs().idxmax()]
    told = f"largest: {worst['explain_residual']:,.0f} USD of {worst['slug']} on {worst['session']:%Y-%m-%d}"
    return Outcome(median <= LARGEST_MEDIAN, median, LARGEST_MEDIAN, told)
