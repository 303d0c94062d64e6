"""Pictures of the factor model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.pictures.canvas import COLOURS, canvas, drawn_sessions, titled
from sigmasight_assets.pictures.matrices import draw_matrix
from sigmasight_assets.store.tables import factor_betas, factor_covariance, factor_loadings, factor_returns


def series_available(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Series with and without a value, by session."""
    first, last = drawn_sessions(shop, sessions)
    f = factor_returns.c
    query = select(f.session, func.count().label("n"), func.count(f.value).label("with a value")).where(f.session.between(first, last))
    rows = shop.database.frame(query.group_by(f.session).order_by(f.session))
    if rows.empty:
        return None
    counts = rows.set_index("session").astype(float)
    counts["without"] = counts["n"] - counts["with a value"]
    with canvas(titled("Factor series", list(counts.index)), "series") as drawn:
        drawn.stacked_counts(counts, {"with a value": COLOURS[0], "without": COLOURS[1]})
    return drawn.png()


def inflation(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Variance inflation of each factor, by session."""
    first, last = drawn_sessions(shop, sessions)
    t = factor_loadings.c
    rows = shop.database.frame(select(t.session, t.factor, t.vif).where(t.session.between(first, last), t.vif.is_not(None)))
    if rows.empty:
        return None
    panel = rows.pivot(index="session", columns="factor", values="vif")[list(FACTORS)]
    panel.columns = [name.replace("_", " ") for name in FACTORS]
    with canvas(titled("Variance inflation of the factors (collinear above 10)", list(panel.index)), "VIF") as drawn:
        drawn.lines(panel)
    return drawn.png()


def fit_quality(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Spread of R² over the symbols, by session; exact fits (the factors' own ETFs) aside."""
    first, last = drawn_sessions(shop, sessions)
    b = factor_betas.c
    query = select(b.session, b.r_squared).where(b.session.between(first, last), b.factor == "market", b.residual_vol > 0.0)
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    quantiles = rows.groupby("session")["r_squared"].quantile([0.1, 0.5, 0.9]).unstack()
    quantiles.columns = ["a tenth is below", "median", "a tenth is above"]
    with canvas(titled("What the seven factors explain of the symbols' variance", list(quantiles.index)), "R²") as drawn:
        drawn.lines(quantiles, (COLOURS[1], COLOURS[0], COLOURS[2]))
        drawn.axes.set_ylim(0, 1.02)
    return drawn.png()


def factor_correlations(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Correlations of the last session: ETFs above the diagonal, factors below it."""
    c = factor_covariance.c
    query = select(c.correlation, c.etf_correlation).where(c.session == max(sessions), c.correlation.is_not(None))
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    factors, etfs = unpacked(rows["correlation"].iloc[0]), unpacked(rows["etf_correlation"].iloc[0])
    with canvas(f"Correlations {max(sessions)}: ETFs above the diagonal, factors below", "") as drawn:
        draw_matrix(drawn.axes, np.triu(etfs, 1) + np.tril(factors), [name.replace("_", " ") for name in FACTORS])
    return drawn.png()
