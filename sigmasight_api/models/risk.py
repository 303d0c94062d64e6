"""Answers of the section Risk."""

from __future__ import annotations

from sigmasight_api.models.base import Meta, model_of
from sigmasight_assets.store.tables import risk_metrics

COMPONENTS = tuple(column.name for column in risk_metrics.columns if column.name.endswith("_components"))

RiskMetrics = model_of(
    "RiskMetrics",
    "Volatility, Sharpe, Sortino, drawdown, returns by period, value at risk and expected shortfall of one session.",
    risk_metrics,
    leave_out=("lot_ids", *COMPONENTS, "positions_key", "missing"),
    meta=(Meta, ...),
)
