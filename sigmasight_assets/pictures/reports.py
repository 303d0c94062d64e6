"""Picture of the reports table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import STATUS_COLOURS, canvas, drawn_sessions, titled
from sigmasight_assets.store.tables import portfolio_reports


def section_statuses(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Reports by status, by session."""
    first, last = drawn_sessions(shop, sessions)
    table = portfolio_reports.c
    query = select(table.session, table.status, func.count().label("n")).where(table.session.between(first, last))
    rows = shop.database.frame(query.group_by(table.session, table.status))
    if rows.empty:
        return None
    counts = rows.assign(n=rows["n"].astype(float)).pivot(index="session", columns="status", values="n").fillna(0.0)
    with canvas(titled("Reports by status", list(counts.index)), "portfolios") as drawn:
        drawn.stacked_counts(counts, STATUS_COLOURS)
    return drawn.png()
