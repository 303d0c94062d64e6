"""Picture of the reports table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import COLOURS, canvas
from sigmasight_assets.store.columns import STATUSES
from sigmasight_assets.store.tables import portfolio_reports


def section_statuses(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Reports by status, by session."""
    table = portfolio_reports.c
    query = select(table.session, table.status, func.count().label("n")).where(table.session.between(sessions[0], sessions[-1]))
    rows = shop.database.frame(query.group_by(table.session, table.status))
    if rows.empty:
        return None
    counts = rows.assign(n=rows["n"].astype(float)).pivot(index="session", columns="status", values="n").fillna(0.0)
    with canvas("Reports by status", "portfolios") as drawn:
        ordered = [name for name in STATUSES if name in counts]
        drawn.axes.stackplot(counts.index, *(counts[name] for name in ordered), labels=ordered, colors=COLOURS, step="mid")
    return drawn.png()
