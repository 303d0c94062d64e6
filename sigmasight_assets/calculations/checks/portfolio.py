"""Checks of options and portfolios: the reference model, the NAV identity, sums, stated cash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.checks.outcome import Outcome, none_allowed
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines import mibian_reference
from sigmasight_assets.engines.black_scholes import OptionValues
from sigmasight_assets.store.gates import NAV_TOLERANCE, nav_identity_error
from sigmasight_assets.store.tables import opening_cash, option_greeks, portfolio_snapshots, position_values

STORED_VALUES = ("model_price", "delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct")
MIBIAN_TOLERANCE = 1e-8
MIBIAN_SAMPLE = 400
"""Contracts re-priced in a run: mibian takes half a millisecond each."""


def mibian_agrees(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Stored prices and Greeks equal mibian's on an even sample of the sessions' contracts with time, strike and volatility."""
    g = option_greeks.c
    query = select(option_greeks).where(g.session.between(min(sessions), max(sessions)), g.years > 0, g.iv > 0, g.strike > 0)
    rows = shop.database.frame(query.order_by(g.session, g.symbol))
    if rows.empty:
        return Outcome(True, 0.0, MIBIAN_TOLERANCE, "no contract to compare")
    sample = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, MIBIAN_SAMPLE).astype(int))]
    terms = [sample[name].to_numpy() for name in ("spot", "strike", "years", "rate", "dividend_yield", "iv")]
    stored = OptionValues(*(sample[name].to_numpy() for name in STORED_VALUES))
    difference = mibian_reference.compare(stored, sample["option_type"] == "C", *terms)
    return Outcome(difference <= MIBIAN_TOLERANCE, difference, MIBIAN_TOLERANCE, f"{len(sample)} of {len(rows)} contracts")


def options_valued(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every option has Greeks."""
    g = option_greeks.c
    rows = shop.database.frame(
        select(g.session, g.symbol, g.reason).where(g.session.between(min(sessions), max(sessions)), g.delta.is_(None))
    )
    return none_allowed([f"{row.symbol} {row.session:%Y-%m-%d} {row.reason}" for row in rows.itertuples()], "options without Greeks")


def lots_priced(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every open lot has a price."""
    p = position_values.c
    query = select(p.session, p.symbol, p.reason).where(p.session.between(min(sessions), max(sessions)), p.price_status == "missing")
    rows = shop.database.frame(query.order_by(p.session, p.symbol))
    return none_allowed([f"{row.symbol} {row.session:%Y-%m-%d} {row.reason}" for row in rows.itertuples()], "lots without a price")


def nav_identity(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """NAV moves by P&L, flows and coverage changes alone, on every stored portfolio-session."""
    rows = _snapshots(shop, sessions)
    error = nav_identity_error(rows)
    compared = int((~np.isnan(error)).sum())
    worst = float(np.nanmax(error)) if compared else 0.0
    return Outcome(worst <= NAV_TOLERANCE, worst, NAV_TOLERANCE, f"{compared} of {len(rows)} portfolio-sessions have a NAV on both days")


def positions_add_up(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Positions sum to the portfolio: market value and P&L."""
    p = position_values.c
    sums = [func.sum(p.market_value).label("value"), func.sum(p.pnl).label("pnl"), func.sum(p.dividends).label("dividends")]
    query = (
        select(p.session, p.portfolio_id, *sums).where(p.session.between(min(sessions), max(sessions))).group_by(p.session, p.portfolio_id)
    )
    total = shop.database.frame(query)
    both = _snapshots(shop, sessions).merge(total, on=["session", "portfolio_id"], how="left", suffixes=("", "_sum"))
    scale = np.maximum(both["market_value_gross"].fillna(0.0), 1.0)
    value_error = (both["market_value_net"].fillna(0.0) - both["value"].astype(float).fillna(0.0)).abs() / scale
    gain = both["pnl_sum"].astype(float).fillna(0.0) + both["dividends_sum"].astype(float).fillna(0.0)
    pnl_error = (both["pnl"] - gain).abs() / scale
    worst = float(pd.concat([value_error, pnl_error]).max()) if len(both) else 0.0
    return Outcome(worst <= NAV_TOLERANCE, worst, NAV_TOLERANCE)


def stated_cash_holds(shop: Workshop, _sessions: Sequence[date]) -> Outcome:
    """Cash at the as-of session is the balance that the owner stated."""
    o, s = opening_cash.c, portfolio_snapshots.c
    query = select(o.portfolio_id, o.stated_cash, s.cash, s.market_value_gross).join_from(
        opening_cash, portfolio_snapshots, (o.portfolio_id == s.portfolio_id) & (o.cash_as_of == s.session)
    )
    rows = shop.database.frame(query.where(s.cash.is_not(None)))
    scale = np.maximum(rows["market_value_gross"].fillna(0.0), 1.0)
    error = (rows["cash"] - rows["stated_cash"].astype(float)).abs() / scale
    worst = float(error.max()) if len(rows) else 0.0
    return Outcome(worst <= NAV_TOLERANCE, worst, NAV_TOLERANCE, f"{len(rows)} portfolios")


def _snapshots(shop: Workshop, sessions: Sequence[date]) -> pd.DataFrame:
    return shop.database.frame(select(portfolio_snapshots).where(portfolio_snapshots.c.session.between(min(sessions), max(sessions))))
