"""What the risk engines find worth a look, each with the rule that raised it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.reports.words import listed
from sigmasight_assets.sessions import calendar_for, utc_now
from sigmasight_assets.store.tables import prices, stress_results, var_exceptions

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

SESSIONS_TO_EXPIRY = 10
UNCOMMON = 4.0
"""Standard deviations of the 63 returns before from which a move is uncommon."""
RETURNS_BEFORE = 63
LEAST_RETURNS = 57


def risk_remarks(inputs: Inputs) -> Iterator[str]:
    """Remarks on losses, scenarios, coverage and moves."""
    held = inputs.positions[inputs.positions["event"].isna()]
    yield from _exceptions(inputs)
    yield from _extreme_scenarios(inputs)
    yield from _uncommon_moves(inputs, held)


def expiring_soon(inputs: Inputs, held: pd.DataFrame) -> Iterator[str]:
    """Options whose last session is near."""
    days = calendar_for(utc_now()).days  # its length alone depends on the clock: an expiry beyond its end is not near
    expiry = held["expiry"].to_numpy().astype("datetime64[D]")
    position = np.searchsorted(days, np.datetime64(inputs.session, "D"))
    known = ~np.isnat(expiry)
    away = np.where(known, np.searchsorted(days, np.where(known, expiry, days[-1]), side="right") - 1 - position, len(days))
    soon = held[(away <= SESSIONS_TO_EXPIRY) & known]
    if len(soon):
        yield f"options about to expire: {listed(sorted(set(soon['symbol'])))} (rule: within {SESSIONS_TO_EXPIRY} sessions)."


def _exceptions(inputs: Inputs) -> Iterator[str]:
    e = var_exceptions.c
    rows = inputs.read(select(var_exceptions).where(e.portfolio_id == inputs.portfolio.id, e.session == inputs.session).order_by(e.level))
    for row in rows.itertuples():
        if row.outcome == "exception":
            lost = f"the holdings of the day before lost {-row.hypothetical_pnl:,.0f}"
            yield f"{lost}, more than their value at risk of {row.var_previous:,.0f} (rule: beyond the {row.level} % figure)."
    for row in rows.itertuples():
        if row.n_obs and not row.band_low <= row.n_exceptions <= row.band_high:
            yield (
                f"value at risk at {row.level} % was exceeded {row.n_exceptions} times in {row.n_obs} sessions "
                f"(rule: outside the {row.band_low} to {row.band_high} that chance gives in 95 of 100 cases)."
            )


def _extreme_scenarios(inputs: Inputs) -> Iterator[str]:
    r = stress_results.c
    rows = inputs.read(
        select(r.scenario_id, r.pnl_share).where(
            r.portfolio_id == inputs.portfolio.id, r.session == inputs.session, r.mode == "direct", r.impact_band == "extreme"
        )
    )
    if len(rows):
        rows = rows.sort_values(["pnl_share", "scenario_id"])
        told = listed([f"{name} {share:.0%}" for name, share in zip(rows["scenario_id"], rows["pnl_share"], strict=True)])
        yield f"scenarios whose loss is extreme, of NAV: {told} (rule: impact_band is extreme, direct)."


def _uncommon_moves(inputs: Inputs, held: pd.DataFrame) -> Iterator[str]:
    """Underlyings whose return of the day lies far outside their own of the months before."""
    names = sorted(set(held.loc[held["asset_class"] != "private", "underlying"]))
    if not names:
        return
    p = prices.c
    past = inputs.read(select(p.session).where(p.session <= inputs.session).distinct().order_by(p.session.desc()).limit(RETURNS_BEFORE + 2))
    query = select(p.session, p.symbol, p.adj_close).where(
        p.symbol.in_(names), p.session.between(past["session"].min().date(), inputs.session), p.status == "ok"
    )
    closes = inputs.read(query).pivot(index="session", columns="symbol", values="adj_close").reindex(sorted(past["session"]))
    returns = closes / closes.shift(1) - 1.0
    before = returns.iloc[:-1]
    deviation = before.std().where(before.count() >= LEAST_RETURNS)
    times = (returns.iloc[-1] / deviation).dropna()
    times = times[(times.abs() >= UNCOMMON) & np.isfinite(times)].sort_values(key=abs, ascending=False, kind="stable")
    if len(times):
        told = listed([f"{name} {returns.iloc[-1][name]:+.1%} ({abs(value):.1f} times)" for name, value in times.items()])
        yield f"uncommon moves of the day: {told} (rule: at least {UNCOMMON:.0f} deviations of the {RETURNS_BEFORE} returns before)."
