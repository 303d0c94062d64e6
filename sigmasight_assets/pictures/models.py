"""Pictures of the model tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import COLOURS, canvas
from sigmasight_assets.store.tables import option_greeks
from sigmasight_assets.store.tables.models import IV_SOURCES


def volatility_sources(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Which rung of the ladder gave the volatility, by session."""
    source = func.coalesce(option_greeks.c.iv_source, "none").label("source")
    query = select(option_greeks.c.session, source, func.count().label("n"))
    query = query.where(option_greeks.c.session.between(sessions[0], sessions[-1])).group_by(option_greeks.c.session, source)
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    counts = rows.assign(n=rows["n"].astype(float)).pivot(index="session", columns="source", values="n").fillna(0.0)
    with canvas("Option series by source of volatility", "series") as drawn:
        ordered = [name for name in (*IV_SOURCES, "none") if name in counts]
        drawn.axes.stackplot(counts.index, *(counts[name] for name in ordered), labels=ordered, colors=COLOURS, step="mid")
    return drawn.png()
