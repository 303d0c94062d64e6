"""Pictures of the portfolio tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import STATUS_COLOURS, canvas, drawn_sessions, titled
from sigmasight_assets.store.tables import opening_cash, portfolio_snapshots, portfolios, position_values

MOST_PORTFOLIOS = 6


def cash_bars(shop: Workshop, _sessions: Sequence[date]) -> bytes | None:
    """C0 beside the stated balance, of the largest portfolios by C0."""
    o = opening_cash.c
    query = select(portfolios.c.slug, o.stated_cash, o.opening_cash).where(portfolios.c.id == o.portfolio_id, o.opening_cash.is_not(None))
    rows = shop.database.frame(query.order_by(func.abs(o.opening_cash).desc(), portfolios.c.slug).limit(MOST_PORTFOLIOS))
    if rows.empty:
        return None
    with canvas("Cash before the first event (C0), and as stated", "USD") as drawn:
        groups = {"C0": list(rows["opening_cash"]), "stated balance": list(rows["stated_cash"].astype(float))}
        drawn.bars_across([shortened(slug) for slug in rows["slug"]], groups)
    return drawn.png()


def price_statuses(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Lots by price status, by session."""
    first, last = drawn_sessions(shop, sessions)
    table = position_values.c
    query = select(table.session, table.price_status, func.count().label("n")).where(table.session.between(first, last))
    rows = shop.database.frame(query.group_by(table.session, table.price_status))
    if rows.empty:
        return None
    counts = rows.assign(n=rows["n"].astype(float)).pivot(index="session", columns="price_status", values="n").fillna(0.0)
    with canvas(titled("Lots of all portfolios by price status", list(counts.index)), "lots") as drawn:
        drawn.stacked_counts(counts, STATUS_COLOURS)
    return drawn.png()


def nav_lines(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """NAV of the largest portfolios, as a multiple of its first value."""
    first, last = drawn_sessions(shop, sessions)
    table = portfolio_snapshots.c
    query = select(portfolios.c.slug, table.session, table.nav).where(
        portfolios.c.id == table.portfolio_id, table.session.between(first, last), table.nav > 0
    )
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    panel = rows.pivot(index="session", columns="slug", values="nav")
    largest = panel.ffill().iloc[-1].sort_values(ascending=False, kind="stable").index[:MOST_PORTFOLIOS]
    panel = panel[largest] / panel[largest].bfill().iloc[0]
    panel.columns = [shortened(slug) for slug in largest]
    with canvas(titled("NAV", list(panel.index)), "multiple of the first NAV") as drawn:
        drawn.lines(panel)
    return drawn.png()


def shortened(slug: str) -> str:
    return slug if len(slug) <= 36 else slug[:35] + "…"
