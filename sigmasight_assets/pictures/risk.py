"""Pictures of exposures, predicted risk and correlations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.correlations import matrix_of
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines.factor_names import MODEL_FACTORS
from sigmasight_assets.pictures.canvas import COLOURS, canvas, drawn_sessions, titled
from sigmasight_assets.pictures.matrices import draw_matrix
from sigmasight_assets.pictures.portfolio import MOST_PORTFOLIOS, shortened
from sigmasight_assets.store.tables import factor_exposures, portfolio_factor_risk, portfolios, position_correlations

FEW_PORTFOLIOS = 4
MOST_NAMES = 60


def factor_bars(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Betas of the first portfolios on the last session, with two standard errors either way."""
    e = factor_exposures.c
    last = max(sessions)
    query = select(portfolios.c.slug, e.factor, e.beta, e.std_error).where(
        portfolios.c.id == e.portfolio_id, e.session == last, e.role == "factor"
    )
    rows = shop.database.frame(query.order_by(portfolios.c.slug))
    slugs = list(dict.fromkeys(rows["slug"]))[:FEW_PORTFOLIOS]
    if not slugs:
        return None
    width = 0.8 / len(slugs)
    with canvas(f"Factor betas with two standard errors either way (rates: per +100 bp), {last}", "dollars / NAV") as drawn:
        for i, (slug, colour) in enumerate(zip(slugs, COLOURS, strict=False)):
            mine = rows[rows["slug"] == slug].set_index("factor").reindex(MODEL_FACTORS)
            place = np.arange(len(MODEL_FACTORS)) - 0.4 + width * (i + 0.5)
            error = {"lw": 0.8, "capsize": 2, "ecolor": "#333333"}
            drawn.axes.bar(place, mine["beta"], width, yerr=2.0 * mine["std_error"], color=colour, label=shortened(slug), error_kw=error)
        drawn.axes.axhline(0.0, color="#333333", linewidth=0.6)
        drawn.axes.set_xticks(range(len(MODEL_FACTORS)), [name.replace("_", " ") for name in MODEL_FACTORS], fontsize=7)
    return drawn.png()


def volatility_lines(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Predicted volatility of the largest portfolios."""
    first, last = drawn_sessions(shop, sessions)
    r = portfolio_factor_risk.c
    query = select(portfolios.c.slug, r.session, r.nav, r.predicted_volatility).where(
        portfolios.c.id == r.portfolio_id, r.session.between(first, last), r.predicted_volatility.is_not(None)
    )
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    nav = rows.pivot(index="session", columns="slug", values="nav").ffill().iloc[-1]
    largest = nav.sort_values(ascending=False, kind="stable").index[:MOST_PORTFOLIOS]
    panel = 100.0 * rows.pivot(index="session", columns="slug", values="predicted_volatility")[largest]
    panel.columns = [shortened(slug) for slug in largest]
    with canvas(titled("Predicted volatility of the covered positions", list(panel.index)), "% of NAV a year") as drawn:
        drawn.lines(panel)
        drawn.axes.set_ylim(bottom=0.0)
    return drawn.png()


def heat_map(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Correlations of the portfolio with most names on the last session, names by cluster."""
    c, last = position_correlations.c, max(sessions)
    query = select(portfolios.c.slug, c.n_names, c.names, c.correlations, c.clusters).where(
        portfolios.c.id == c.portfolio_id, c.session == last, c.view == "portfolio", c.n_names > 1
    )
    rows = shop.database.frame(query.order_by(c.n_names.desc(), portfolios.c.slug).limit(1))
    if rows.empty:
        return None
    row = rows.iloc[0]
    order = _by_cluster(row["names"], row["clusters"])[:MOST_NAMES]
    matrix = matrix_of(int(row["n_names"]), row["correlations"])
    with canvas(f"Correlations of {row['slug']}, {last} (blue 1, white 0, red -1)", "", height=5.2) as drawn:
        draw_matrix(drawn.axes, matrix[np.ix_(order, order)], [row["names"][i] for i in order])
    return drawn.png()


def _by_cluster(names: Sequence[str], clusters: Sequence[dict[str, object]]) -> list[int]:
    """Places of the names, members of a cluster side by side, the others after them."""
    place = {name: i for i, name in enumerate(names)}
    grouped = [place[str(name)] for cluster in clusters for name in list(cluster["members"])]  # type: ignore[call-overload]
    return [*grouped, *(i for i in range(len(names)) if i not in set(grouped))]
