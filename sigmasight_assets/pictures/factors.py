"""Pictures of the factor model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import func, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.engines.factor_model import FACTORS
from sigmasight_assets.pictures.canvas import COLOURS, canvas
from sigmasight_assets.pictures.matrices import draw_matrix
from sigmasight_assets.store.tables import factor_betas, factor_covariance, factor_loadings, factor_returns


def series_available(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Series without a value, by session."""
    f = factor_returns.c
    query = select(f.session, func.count().label("n"), func.count(f.value).label("n_known")).where(
        f.session.between(sessions[0], sessions[-1])
    )
    rows = shop.database.frame(query.group_by(f.session).order_by(f.session))
    if rows.empty:
        return None
    with canvas("Factor series without a value", "series") as drawn:
        drawn.axes.bar(rows["session"], (rows["n"] - rows["n_known"]).astype(float), width=1.5, color=COLOURS[1])
        drawn.axes.set_xlim(rows["session"].iloc[0], rows["session"].iloc[-1])
        drawn.axes.set_ylim(0, rows["n"].max())
    return drawn.png()


def inflation(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Variance inflation of each factor, by session."""
    t = factor_loadings.c
    query = select(t.session, t.factor, t.vif).where(t.session.between(sessions[0], sessions[-1]), t.vif.is_not(None))
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    panel = rows.pivot(index="session", columns="factor", values="vif")
    with canvas("Variance inflation of the factors (collinear above 10)", "VIF") as drawn:
        for name, colour in zip(FACTORS, COLOURS, strict=True):
            drawn.axes.plot(panel.index, panel[name], color=colour, label=name.replace("_", " "))
    return drawn.png()


def fit_quality(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Spread of R² over the symbols, by session; exact fits (the factors' own ETFs) aside."""
    b = factor_betas.c
    query = select(b.session, b.r_squared).where(b.session.between(sessions[0], sessions[-1]), b.factor == "market", b.residual_vol > 0.0)
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    quantiles = rows.groupby("session")["r_squared"].quantile([0.1, 0.5, 0.9]).unstack()
    with canvas("What the seven factors explain of the symbols' variance", "R²") as drawn:
        drawn.axes.fill_between(quantiles.index, quantiles[0.1], quantiles[0.9], color=COLOURS[0], alpha=0.2, label="10-90 %")
        drawn.axes.plot(quantiles.index, quantiles[0.5], color=COLOURS[0], label="median")
        drawn.axes.set_ylim(0, 1.02)
    return drawn.png()


def factor_correlations(shop: Workshop, sessions: Sequence[date]) -> bytes | None:
    """Correlations of the last session: ETFs above the diagonal, factors below it."""
    c = factor_covariance.c
    query = select(c.correlation, c.etf_correlation).where(c.session == sessions[-1], c.correlation.is_not(None))
    rows = shop.database.frame(query)
    if rows.empty:
        return None
    factors, etfs = unpacked(rows["correlation"].iloc[0]), unpacked(rows["etf_correlation"].iloc[0])
    with canvas(f"Correlations {sessions[-1]}: ETFs above the diagonal, factors below", "") as drawn:
        draw_matrix(drawn.axes, np.triu(etfs, 1) + np.tril(factors), [name.replace("_", " ") for name in FACTORS])
    return drawn.png()
