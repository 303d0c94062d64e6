"""Pictures of the market tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.pictures.canvas import COLOURS, canvas, drawn_sessions, titled
from sigmasight_assets.store.tables import option_quotes, prices, security_master, treasury_yields

MOST_SECTORS = 14


def sectors(shop: Workshop, _sessions: Sequence[date]) -> bytes | None:
    """Securities by sector."""
    n = func.count()
    query = select(security_master.c.sector, n.label("n")).where(security_master.c.sector.is_not(None))
    rows = shop.database.frame(query.group_by(security_master.c.sector).order_by(n.desc(), security_master.c.sector).limit(MOST_SECTORS))
    if rows.empty:
        return None
    with canvas("Shares of the security master by sector", "securities") as drawn:
        drawn.bars_across(list(rows["sector"]), {"securities": list(rows["n"].astype(float))})
    return drawn.png()


def price_changes(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Spread of the symbols' moves since the first session shown."""
    first, last = drawn_sessions(shop, sessions)
    query = select(prices.c.session, prices.c.symbol, prices.c.adj_close).where(prices.c.session.between(first, last))
    rows = shop.database.frame(query.where(prices.c.status == "ok"))
    if rows.empty:
        return None
    panel = rows.pivot(index="session", columns="symbol", values="adj_close")
    level = panel / panel.bfill().iloc[0]
    low, median, high = (level.quantile(q, axis=1) for q in (0.1, 0.5, 0.9))
    with canvas(titled(f"Adjusted closes of {level.shape[1]} symbols", list(level.index)), "multiple of the first close") as drawn:
        drawn.axes.fill_between(level.index, low, high, color=COLOURS[0], alpha=0.2, linewidth=0, label="80 % of the symbols")
        drawn.lines(median.to_frame("median"))
    return drawn.png()


def yield_curve(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """The last curve published in the run's sessions, beside the first."""
    y = treasury_yields.c
    published = select(y.session, y.tenor_months, y.par_yield).where(y.session.between(min(sessions), max(sessions)))
    rows = shop.database.frame(published.where(y.par_yield.is_not(None)).order_by(y.session, y.tenor_months))
    if rows.empty:
        return None
    days = sorted({rows["session"].min(), rows["session"].max()})
    with canvas("Treasury par yields, " + " and ".join(f"{day:%Y-%m-%d}" for day in days), "% a year") as drawn:
        for day, colour in zip(days, COLOURS[len(days) % 2 :], strict=False):
            curve = rows[rows["session"] == day]
            drawn.axes.plot(
                curve["tenor_months"], curve["par_yield"] * 100, marker="o", markersize=3, color=colour, label=f"{day:%Y-%m-%d}"
            )
        months = sorted({int(tenor) for tenor in rows["tenor_months"]})
        drawn.axes.set_xscale("log")
        drawn.axes.set_xticks(months, [f"{tenor}m" if tenor < 12 else f"{tenor // 12}y" for tenor in months], minor=False)
        drawn.axes.minorticks_off()
    return drawn.png()


def quote_counts(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Quotes a session; no picture where the provider has none."""
    first, last = drawn_sessions(shop, sessions)
    query = select(option_quotes.c.session, func.count().label("quotes")).where(option_quotes.c.session.between(first, last))
    rows = shop.database.frame(query.group_by(option_quotes.c.session).order_by(option_quotes.c.session))
    if rows.empty:
        return None
    counts = rows.set_index("session").astype(float)
    with canvas(titled("Option quotes", list(counts.index)), "contracts") as drawn:
        drawn.stacked_counts(counts, {"quotes": COLOURS[0]})
    return drawn.png()
