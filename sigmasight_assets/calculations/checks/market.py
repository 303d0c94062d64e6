"""Checks of market data: gaps, jumps, the latest session, curves, crossed quotes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.checks.outcome import Check, Outcome, none_allowed
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines.price_panel import STALE_LIMIT, carry, move
from sigmasight_assets.store.frames import session_array
from sigmasight_assets.store.tables import materializations, option_quotes, prices, treasury_yields

WARN_MOVE = 0.5
"""A close more than 50 % away from the last one is worth a look."""


def price_gaps(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every symbol has a close on every session after its first."""
    query = select(prices.c.session, prices.c.symbol).where(
        prices.c.session.between(min(sessions), max(sessions)), prices.c.close.is_(None)
    )
    rows = shop.database.frame(query.order_by(prices.c.session, prices.c.symbol))
    return none_allowed([f"{row.symbol} {row.session:%Y-%m-%d}" for row in rows.itertuples()], "closes missing")


def price_jumps(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """No close moves by more than 50 % against the last one, splits aside."""
    query = select(prices.c.session, prices.c.symbol, prices.c.close, prices.c.split_ratio)
    first = shop.calendar.offset(min(sessions), -1)
    rows = shop.database.frame(query.where(prices.c.session.between(first, max(sessions)), prices.c.status != "quarantined"))
    close = rows.pivot(index="session", columns="symbol", values="close")
    split = rows.pivot(index="session", columns="symbol", values="split_ratio").fillna(1.0).to_numpy()
    filled, _ = carry(close.to_numpy(), limit=len(close))
    before = np.vstack([np.full((1, filled.shape[1]), np.nan), filled[:-1]])
    away = np.abs(move(close.to_numpy(), before, split) - 1.0)
    found = [f"{close.columns[j]} {close.index[i]:%Y-%m-%d} {away[i, j]:.0%}" for i, j in np.argwhere(away > WARN_MOVE)]
    biggest = float(np.nanmax(away)) if np.isfinite(away).any() else 0.0
    return Outcome(not found, biggest, WARN_MOVE, "; ".join(found[:20]))


def latest_session_of(table: str) -> Check:
    """The provider's latest closed session is in the table."""

    def check(shop: Workshop, _sessions: Sequence[date]) -> Outcome:
        m, last = materializations.c, shop.provider.last_session(shop.clock())
        found = shop.database.frame(select(m.session).where(m.table_name == table, m.session == last))
        return none_allowed([] if len(found) else [str(last)], "latest session missing")

    return check


def curve_available(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every session has a yield curve at most five sessions old."""
    days = shop.calendar.between(shop.calendar.offset(min(sessions), -STALE_LIMIT), max(sessions))
    query = select(treasury_yields.c.session, treasury_yields.c.par_yield).where(treasury_yields.c.session.between(days[0], days[-1]))
    rows = shop.database.frame(query.where(treasury_yields.c.par_yield.is_not(None)))
    has_curve = np.where(np.isin(session_array(days), rows["session"].to_numpy().astype("datetime64[s]")), 1.0, np.nan)
    _, age = carry(has_curve[:, None])
    asked = set(sessions)
    return none_allowed([str(day) for day, old in zip(days, age[:, 0], strict=True) if old < 0 and day in asked], "no curve")


def quotes_uncrossed(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """No bid is above its ask."""
    q = option_quotes.c
    rows = shop.database.frame(select(q.session, q.symbol).where(q.session.between(min(sessions), max(sessions)), q.bid > q.ask))
    return none_allowed([f"{row.symbol} {row.session:%Y-%m-%d}" for row in rows.itertuples()], "crossed quotes")
