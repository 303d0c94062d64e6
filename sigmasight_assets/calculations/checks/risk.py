"""Checks of exposures, predicted risk and correlations: everything adds up, every matrix is one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from sigmasight_assets.calculations.checks.outcome import Outcome
from sigmasight_assets.calculations.correlations import matrix_of
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.engines.correlation_summary import REPAIR_BELOW, complete_names
from sigmasight_assets.store.tables import factor_exposures, portfolio_factor_risk, portfolio_snapshots, position_correlations

TOLERANCE = 1e-9
"""Of sums, as a share of their largest part."""
SAMPLE = 300
"""Packed rows looked at in a run."""


def positions_add_up(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Contributions of positions add up to the predicted volatility."""
    r = portfolio_factor_risk
    rows = _sampled(_of(shop, r, sessions, ("predicted_volatility_dollars", "volatility_contributions")))
    rows = rows[rows["predicted_volatility_dollars"].notna()]
    errors = [
        abs(np.nansum(unpacked(parts)) - total) / max(total, 1.0)
        for parts, total in zip(rows["volatility_contributions"], rows["predicted_volatility_dollars"], strict=True)
    ]
    return _worst(errors, f"{len(rows)} portfolio-sessions")


def factors_add_up(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Contributions of the eight factors and the specific part add up to the predicted volatility."""
    r = portfolio_factor_risk
    risk = _of(shop, r, sessions, ("predicted_volatility_dollars", "specific_variance"))
    parts = _of(shop, factor_exposures, sessions, ("volatility_contribution",))
    total = parts.groupby(["session", "portfolio_id"], as_index=False)["volatility_contribution"].sum(min_count=8)
    both = risk[risk["predicted_volatility_dollars"] > 0.0].merge(total, on=["session", "portfolio_id"])
    volatility = both["predicted_volatility_dollars"]
    error = (both["volatility_contribution"] + both["specific_variance"] / volatility - volatility).abs() / np.maximum(volatility, 1.0)
    return _worst(error.tolist(), f"{len(both)} portfolio-sessions")


def exposures_add_up(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """The packed positions add up to each factor's net exposure."""
    risk = _sampled(_of(shop, portfolio_factor_risk, sessions, ("factors", "dollars")))
    net = _of(shop, factor_exposures, sessions, ("factor", "exposure_net")).set_index(["session", "portfolio_id", "factor"])["exposure_net"]
    errors = []
    for row in risk.itertuples():
        dollars = unpacked(row.dollars).reshape(-1, len(row.factors))
        for k, factor in enumerate(row.factors):
            stored = net.get((row.session, row.portfolio_id, factor), np.nan)
            if not np.isnan(stored):
                errors.append(abs(np.nansum(dollars[:, k]) - stored) / max(float(np.nansum(np.abs(dollars[:, k]))), 1.0))
    return _worst(errors, f"{len(risk)} portfolio-sessions")


def matrices_semidefinite(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """No correlation matrix has an eigenvalue below -1e-8, absent pairs aside."""
    rows = _sampled(_of(shop, position_correlations, sessions, ("n_names", "correlations", "delta_dollars")))
    lowest = 0.0
    for row in rows.itertuples():
        matrix = matrix_of(row.n_names, row.correlations)
        chosen = complete_names(matrix, np.abs(unpacked(row.delta_dollars)))
        if len(chosen):
            lowest = min(lowest, float(np.linalg.eigvalsh(matrix[np.ix_(chosen, chosen)])[0]))
    return Outcome(lowest >= REPAIR_BELOW, -lowest, -REPAIR_BELOW, f"{len(rows)} matrices")


def snapshots_agree(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """NAV, beta and predicted volatility of snapshots are those of the factor risk."""
    names = ("nav", "beta", "predicted_volatility")
    both = _of(shop, portfolio_snapshots, sessions, names).merge(
        _of(shop, portfolio_factor_risk, sessions, names), on=["session", "portfolio_id"], suffixes=("", "_risk")
    )
    errors = [(both[name] - both[f"{name}_risk"]).abs() / np.maximum(both[name].abs(), 1.0) for name in names]
    return _worst(pd.concat(errors).dropna().tolist(), f"{len(both)} portfolio-sessions")


def _of(shop: Workshop, table: Table, sessions: Sequence[date], names: Sequence[str]) -> pd.DataFrame:
    wanted = [table.c[name] for name in ("session", "portfolio_id", *names)]
    query = select(*wanted).where(table.c.session.between(min(sessions), max(sessions)), table.c.status != "quarantined")
    return shop.database.frame(query.order_by(table.c.session, table.c.portfolio_id))


def _sampled(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(int))] if len(rows) else rows


def _worst(errors: Sequence[float], detail: str) -> Outcome:
    worst = float(max(errors, default=0.0))
    return Outcome(worst <= TOLERANCE, worst, TOLERANCE, detail)
