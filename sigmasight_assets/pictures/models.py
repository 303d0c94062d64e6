"""Pictures of the model tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import COLOURS, canvas, drawn_sessions, titled
from sigmasight_assets.store.tables import option_greeks
from sigmasight_assets.store.tables.models import IV_SOURCES

_NO_VOLATILITY = "none (expired or unpriced)"


def volatility_sources(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Which rung of the ladder gave the volatility, by session."""
    first, last = drawn_sessions(shop, sessions)
    source = func.coalesce(option_greeks.c.iv_source, _NO_VOLATILITY).label("source")
    query = select(option_greeks.c.session, source, func.count().label("n"))
    query = query.where(option_greeks.c.session.between(first, last)).group_by(option_greeks.c.session, source)
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    counts = rows.assign(n=rows["n"].astype(float)).pivot(index="session", columns="source", values="n").fillna(0.0)
    colours = dict(zip((*IV_SOURCES, _NO_VOLATILITY), (*COLOURS[:1], *COLOURS[2:6], COLOURS[1]), strict=True))
    with canvas(titled("Held option series by source of volatility", list(counts.index)), "series") as drawn:
        drawn.stacked_counts(counts, colours)
    return drawn.png()
