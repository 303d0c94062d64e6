"""Pictures of risk metrics, value at risk and P&L attribution."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.engines.performance import drawdowns
from sigmasight_assets.pictures.canvas import COLOURS, canvas, drawn_sessions, titled
from sigmasight_assets.pictures.scenarios import largest_books
from sigmasight_assets.store.tables import pnl_attribution, portfolio_snapshots, portfolios, var_exceptions
from sigmasight_assets.store.tables.risk import FACTOR_TERMS

MOST_PORTFOLIOS = 6


def nav_and_drawdown(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Return index of the largest portfolios, and its distance from its highest point below."""
    s = portfolio_snapshots.c
    first, last = drawn_sessions(shop, sessions)
    books = largest_books(shop, last, MOST_PORTFOLIOS)
    query = select(portfolios.c.slug, s.session, s.daily_return).where(
        portfolios.c.id == s.portfolio_id, s.session.between(first, last), s.portfolio_id.in_(list(books))
    )
    rows = shop.database.frame(query.order_by(s.session))
    if rows.empty:
        return None
    returns = rows.pivot(index="session", columns="slug", values="daily_return")
    index = 100.0 * (1.0 + returns.fillna(0.0)).cumprod()
    with canvas(titled("Return index of the portfolios, 100 before the first session", list(returns.index)), "index", height=4.6) as drawn:
        rows_of_plots = drawn.figure.add_gridspec(3, 1)
        drawn.axes.set_subplotspec(rows_of_plots[:2, 0])
        below = drawn.figure.add_subplot(rows_of_plots[2, 0], sharex=drawn.axes)
        drawn.lines(index)
        for (_, values), colour in zip(returns.items(), COLOURS, strict=False):
            below.plot(returns.index, 100.0 * drawdowns(values.to_numpy()), color=colour, linewidth=1.2)
        drawn.axes.tick_params(labelbottom=False)
        below.set_ylabel("drawdown, %", fontsize=8)
        below.tick_params(labelsize=8)
        below.grid(axis="y", alpha=0.3, linewidth=0.6)
        for side in ("top", "right"):
            below.spines[side].set_visible(False)
    return drawn.png()


def value_at_risk_and_pnl(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Gain of the day before's holdings against their value at risk, of the portfolio of the largest gross value; exceptions marked."""
    e = var_exceptions.c
    first, last = drawn_sessions(shop, sessions)
    books = largest_books(shop, last, 1)
    query = select(e.session, e.level, e.var_previous, e.hypothetical_pnl, e.outcome).where(
        e.session.between(first, last), e.portfolio_id.in_(list(books)), e.outcome.is_not(None)
    )
    rows = shop.database.frame(query.order_by(e.session))
    if rows.empty:
        return None
    days = list(rows["session"].drop_duplicates())
    name = next(iter(books.values()))
    with canvas(titled(f"{name}: P&L and value at risk", days), "USD") as drawn:
        gains = rows[rows["level"] == "95"]
        drawn.axes.scatter(gains["session"], gains["hypothetical_pnl"], s=7, color=COLOURS[5], label="P&L of the day before's holdings")
        for level, colour in (("95", COLOURS[0]), ("99", COLOURS[3])):
            line = rows[rows["level"] == level]
            drawn.axes.plot(line["session"], -line["var_previous"], color=colour, linewidth=1.2, label=f"value at risk, {level} %")
        worst = gains[gains["outcome"] == "exception"]
        label = f"{len(worst)} exceptions at 95 %"
        drawn.axes.scatter(worst["session"], worst["hypothetical_pnl"], s=22, facecolors="none", edgecolors=COLOURS[1], label=label)
        drawn.axes.axhline(0, color="#333333", linewidth=0.6)
        drawn.axes.yaxis.set_major_formatter("{x:,.0f}")
        drawn.dates_along_x(days)
    return drawn.png()


def attribution_waterfall(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Where the gain of the sessions drawn came from, of the portfolio of the largest gross value."""
    a = pnl_attribution.c
    first, last = drawn_sessions(shop, sessions)
    books = largest_books(shop, last, 1)
    terms = [*FACTORS, "rates_surprise", *FACTOR_TERMS]
    query = select(a.session, a.pnl, *(a[f"factor_{name}"] for name in terms)).where(
        a.session.between(first, last), a.portfolio_id.in_(list(books))
    )
    rows = shop.database.frame(query.order_by(a.session))
    if rows.empty:
        return None
    sums = {name.replace("_", " "): float(rows[f"factor_{name}"].sum()) for name in terms}
    shown = {name: value for name, value in sums.items() if abs(value) > 0.5}
    steps = np.array([*shown.values()])
    start = np.concatenate([[0.0], np.cumsum(steps)[:-1]]) if len(steps) else np.zeros(0)
    title = titled(f"{next(iter(books.values()))}: gain by factor", list(rows["session"]))
    with canvas(title, "USD", height=1.2 + 0.26 * (len(shown) + 1)) as drawn:
        place = np.arange(len(shown))
        bars = drawn.axes.barh(place, steps, left=start, color=[COLOURS[2] if step > 0 else COLOURS[1] for step in steps])
        drawn.axes.bar_label(bars, labels=[f"{step:+,.0f}" for step in steps], fontsize=7, padding=2)
        total = drawn.axes.barh([len(shown)], [rows["pnl"].sum()], color=COLOURS[0])
        drawn.axes.bar_label(total, labels=[f"{rows['pnl'].sum():+,.0f}"], fontsize=7, padding=2)
        drawn.axes.set_yticks(range(len(shown) + 1), [*shown, "gain"], fontsize=8)
        drawn.axes.invert_yaxis()
        drawn.axes.use_sticky_edges = False
        drawn.axes.margins(x=0.2)
        drawn.axes.axvline(0, color="#333333", linewidth=0.6)
        drawn.axes.grid(axis="y", visible=False)
        drawn.axes.grid(axis="x", alpha=0.3, linewidth=0.6)
        drawn.axes.xaxis.set_major_formatter("{x:,.0f}")
        drawn.axes.set_xlabel("USD", fontsize=8)
        drawn.axes.set_ylabel("")
    return drawn.png()
