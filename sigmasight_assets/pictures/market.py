"""Pictures of the market tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import COLOURS, canvas
from sigmasight_assets.store.tables import option_quotes, prices, security_master, treasury_yields


def sectors(shop: Workshop, _sessions: Sequence[date]) -> bytes | None:
    """Securities by sector."""
    query = select(security_master.c.sector, func.count().label("n")).where(security_master.c.sector.is_not(None))
    rows = shop.database.frame(query.group_by(security_master.c.sector).order_by(func.count()))
    if rows.empty:
        return None
    with canvas("Shares by sector", "securities") as drawn:
        drawn.axes.bar(range(len(rows)), rows["n"].astype(float), color=COLOURS[0])
        drawn.axes.set_xticks(range(len(rows)), list(rows["sector"]), rotation=30, ha="right", fontsize=6)
    return drawn.png()


def price_changes(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Spread of the symbols' moves since the run's first session."""
    query = select(prices.c.session, prices.c.symbol, prices.c.adj_close).where(prices.c.session.between(sessions[0], sessions[-1]))
    rows = shop.database.frame(query.where(prices.c.status == "ok"))
    if rows.empty:
        return None
    panel = rows.pivot(index="session", columns="symbol", values="adj_close")
    level = panel / panel.bfill().iloc[0]
    with canvas(f"Adjusted closes since {sessions[0]} ({level.shape[1]} symbols)", "multiple of the first") as drawn:
        low, median, high = (level.quantile(q, axis=1) for q in (0.1, 0.5, 0.9))
        drawn.axes.fill_between(level.index, low, high, color=COLOURS[0], alpha=0.2, label="10-90 %")
        drawn.axes.plot(level.index, median, color=COLOURS[0], label="median")
    return drawn.png()


def yield_curve(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """The curve of the last session, beside that of the first."""
    with canvas("Treasury par yields", "% a year") as drawn:
        for session, colour in zip((sessions[0], sessions[-1]), COLOURS, strict=False):
            query = select(treasury_yields.c.tenor_months, treasury_yields.c.par_yield).where(treasury_yields.c.session == session)
            rows = shop.database.frame(query.order_by(treasury_yields.c.tenor_months))
            drawn.axes.plot(rows["tenor_months"] / 12, rows["par_yield"] * 100, marker="o", markersize=3, color=colour, label=str(session))
        drawn.axes.set_xlabel("years", fontsize=8)
    return drawn.png()


def quote_counts(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Quotes a session; no picture where the provider has none."""
    query = select(option_quotes.c.session, func.count().label("n")).where(option_quotes.c.session.between(sessions[0], sessions[-1]))
    rows = shop.database.frame(query.group_by(option_quotes.c.session))
    if rows.empty:
        return None
    with canvas("Option quotes", "contracts") as drawn:
        drawn.axes.bar(rows["session"], np.asarray(rows["n"], dtype=float), color=COLOURS[0])
    return drawn.png()
