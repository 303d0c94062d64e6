"""Pictures of scenarios and stress results."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines.stress import IMPLAUSIBLE
from sigmasight_assets.pictures.canvas import COLOURS, canvas
from sigmasight_assets.store.tables import market_scenarios, portfolio_snapshots, portfolios, scenario_shocks, stress_results
from sigmasight_assets.store.tables.risk import SHIPPED

MOST_PORTFOLIOS = 6
LINE = 0.24
"""Inches that a scenario takes."""


def largest_books(shop: Workshop, session: date, most: int) -> dict[uuid.UUID, str]:
    """The portfolios of the largest gross value on a session: id -> slug."""
    s = portfolio_snapshots.c
    query = select(portfolios.c.id, portfolios.c.slug).where(portfolios.c.id == s.portfolio_id, s.session == session)
    rows = shop.database.frame(query.order_by(func.abs(s.market_value_gross).desc(), portfolios.c.slug).limit(most))
    return dict(zip(rows["id"], rows["slug"], strict=True))


def distances(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """How far the scenarios of the last session lie away."""
    s = scenario_shocks.c
    query = select(s.scenario_id, s.mahalanobis).where(
        s.session == max(sessions), s.scope == SHIPPED, s.mode == "direct", s.mahalanobis.is_not(None)
    )
    rows = shop.database.frame(query.order_by(s.mahalanobis.desc(), s.scenario_id))
    if rows.empty:
        return None
    title = f"Distance of what each scenario states, {max(sessions)}"
    with canvas(title, "annual standard deviations", height=1.0 + LINE * len(rows)) as drawn:
        drawn.bars_across(list(rows["scenario_id"]), {"distance": rows["mahalanobis"].tolist()}, number="{x:.1f}")
        drawn.axes.axvline(IMPLAUSIBLE, color=COLOURS[1], linestyle="--", linewidth=1, label=f"implausible beyond {IMPLAUSIBLE:.0f}")
    return drawn.png()


def grid_lines(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Gain by move of the market, full and to first order, of the largest portfolios."""
    books = largest_books(shop, max(sessions), MOST_PORTFOLIOS)
    g = market_scenarios.c
    query = select(g.portfolio_id, g.market_shock, g.pnl_share, g.pnl_linear, g.pnl).where(
        g.session == max(sessions), g.variable == "market", g.portfolio_id.in_(list(books)), g.pnl_share.is_not(None), g.pnl != 0.0
    )
    rows = shop.database.frame(query.order_by(g.portfolio_id, g.market_shock))
    if rows.empty:
        return None
    rows["linear_share"] = rows["pnl_linear"] * rows["pnl_share"] / rows["pnl"]
    with canvas(f"Gain by move of the market, {max(sessions)}: full revaluation, dashed to first order", "% of NAV") as drawn:
        for (book, slug), colour in zip(books.items(), COLOURS, strict=False):
            line = rows[rows["portfolio_id"] == book]
            drawn.axes.plot(100 * line["market_shock"], 100 * line["pnl_share"], marker="o", markersize=3, color=colour, label=slug)
            drawn.axes.plot(100 * line["market_shock"], 100 * line["linear_share"], linestyle="--", linewidth=0.9, color=colour)
        drawn.axes.axhline(0, color="#333333", linewidth=0.6)
        drawn.axes.set_xlabel("market, %", fontsize=8)
    return drawn.png()


def stress_bars(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Every scenario, direct beside correlated, of the portfolio of the largest gross value."""
    books = largest_books(shop, max(sessions), 1)
    r = stress_results.c
    query = select(r.scenario_id, r.mode, r.pnl_share).where(
        r.session == max(sessions), r.portfolio_id.in_(list(books)), r.pnl_share.is_not(None)
    )
    panel = shop.database.frame(query).pivot(index="scenario_id", columns="mode", values="pnl_share").dropna()
    if panel.empty:
        return None
    panel = panel.sort_values("direct")
    title = f"{next(iter(books.values()))} under stress, {max(sessions)}"
    with canvas(title, "% of NAV", height=1.2 + 1.5 * LINE * len(panel)) as drawn:
        groups = {mode: (100.0 * panel[mode]).tolist() for mode in ("direct", "correlated")}
        drawn.bars_across(list(panel.index), groups, number="{x:,.1f}")
        drawn.axes.axvline(0, color="#333333", linewidth=0.6)
    return drawn.png()
