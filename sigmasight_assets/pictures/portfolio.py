"""Pictures of the portfolio tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import COLOURS, canvas
from sigmasight_assets.store.tables import opening_cash, portfolio_snapshots, portfolios, position_values
from sigmasight_assets.store.tables.portfolio import PRICE_STATUSES

MAX_LINES = 7


def cash_bars(shop: Workshop, _sessions: Sequence[date]) -> bytes | None:
    """C0 beside the stated balance, of the first portfolios."""
    query = select(portfolios.c.slug, opening_cash.c.stated_cash, opening_cash.c.opening_cash).where(
        portfolios.c.id == opening_cash.c.portfolio_id
    )
    rows = shop.database.frame(query.order_by(portfolios.c.slug).limit(MAX_LINES))
    if rows.empty:
        return None
    with canvas("Cash: C0 and the stated balance", "USD") as drawn:
        place = range(len(rows))
        drawn.axes.bar([i - 0.2 for i in place], rows["opening_cash"], width=0.4, color=COLOURS[0], label="C0")
        drawn.axes.bar([i + 0.2 for i in place], rows["stated_cash"].astype(float), width=0.4, color=COLOURS[1], label="stated")
        drawn.axes.set_xticks(place, [slug[:24] for slug in rows["slug"]], fontsize=6)
    return drawn.png()


def price_statuses(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Lots by price status, by session."""
    table = position_values.c
    query = select(table.session, table.price_status, func.count().label("n")).where(table.session.between(sessions[0], sessions[-1]))
    rows = shop.database.frame(query.group_by(table.session, table.price_status))
    if rows.empty:
        return None
    counts = rows.assign(n=rows["n"].astype(float)).pivot(index="session", columns="price_status", values="n").fillna(0.0)
    with canvas("Lots by price status", "lots") as drawn:
        ordered = [name for name in PRICE_STATUSES if name in counts]
        drawn.axes.stackplot(counts.index, *(counts[name] for name in ordered), labels=ordered, colors=COLOURS, step="mid")
    return drawn.png()


def nav_lines(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """NAV of the first portfolios, as a multiple of its first value."""
    table = portfolio_snapshots.c
    query = select(portfolios.c.slug, table.session, table.nav).where(
        portfolios.c.id == table.portfolio_id, table.session.between(sessions[0], sessions[-1]), table.nav > 0
    )
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    panel = rows.pivot(index="session", columns="slug", values="nav").iloc[:, :MAX_LINES]
    with canvas("NAV", "multiple of the first") as drawn:
        for (slug, nav), colour in zip(panel.items(), COLOURS, strict=False):
            drawn.axes.plot(nav.index, nav / nav.dropna().iloc[0], color=colour, label=str(slug)[:32])
    return drawn.png()
