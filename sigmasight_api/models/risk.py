"""Answers of the section Risk: metrics, Greeks, the grid of scenarios."""

from __future__ import annotations

import uuid
from datetime import date

from pydantic import Field

from sigmasight_api.models.base import Document, Meta, field_of, model_of
from sigmasight_assets.store.tables import market_scenarios, portfolio_snapshots, position_values, risk_metrics, var_exceptions

COMPONENTS = tuple(column.name for column in risk_metrics.columns if column.name.endswith("_components"))
GREEK_COLUMNS = ("gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct")


class RiskComponent(Document):
    """What one lot adds to the book's value at risk and shortfall; those of all lots add up. Null where it is not covered."""

    lot_id: uuid.UUID
    symbol: str | None = Field(description="Symbol of the lot on the session")
    underlying: str | None
    var_95: float | None = Field(description="What it loses in the scenario of var_95 [USD]")
    es_95: float | None = Field(description="What it loses on average in the tail of es_95 [USD]")
    var_99: float | None = Field(description="As var_95, at 99 % [USD]")
    es_99: float | None = Field(description="As es_95, at 99 % [USD]")
    parametric_var_95: float | None = Field(description="Its part of parametric_var_95 [USD]")


VarException = model_of(
    "VarException",
    "Losses beyond the value at risk of the day before, counted over 252 sessions, beside the band that chance gives.",
    var_exceptions,
    leave_out=("session", "portfolio_id"),
)
RiskMetrics = model_of(
    "RiskMetrics",
    "Volatility, Sharpe, Sortino, drawdown, returns by period, value at risk and expected shortfall of one session.",
    risk_metrics,
    leave_out=("lot_ids", *COMPONENTS, "positions_key", "missing"),
    missing=(dict[str, str], Field(description="Metric that is null -> why")),
    components=(list[RiskComponent], Field(description="What each open lot adds")),
    exceptions=(list[VarException], Field(description="By level: 95 and 99 %")),
    meta=(Meta, ...),
)

_GREEKS = {name: field_of(position_values.c[name], optional=True) for name in GREEK_COLUMNS}

BookGreeks = model_of(
    "BookGreeks",
    "The book's Greeks: delta of all lots, the others of its options.",
    portfolio_snapshots,
    only=("delta_coverage",),
    delta_dollars=(float | None, Field(description="Net delta of all lots, shares at their value [USD]")),
    **_GREEKS,
)
GreeksByUnderlying = model_of(
    "GreeksByUnderlying",
    "Greeks of the options on one underlying, summed; null where one of them is not known.",
    position_values,
    only=("underlying",),
    n_lots=(int, Field(description="Open option lots")),
    n_missing=(int, Field(description="Those of them without Greeks")),
    delta_dollars=(float | None, Field(description="Delta of the options [USD]")),
    **_GREEKS,
    delta_dollars_net=(float | None, Field(description="Delta of all lots of the underlying, shares included [USD]")),
)
GreeksByExpiry = model_of(
    "GreeksByExpiry",
    "Greeks of the options of one expiry, summed; null where one of them is not known.",
    position_values,
    only=(),
    expiry=(date, Field(description="Last day of the series")),
    n_lots=(int, Field(description="Open option lots")),
    n_missing=(int, Field(description="Those of them without Greeks")),
    delta_dollars=(float | None, Field(description="Delta of the options [USD]")),
    **_GREEKS,
)


class MissingGreeks(Document):
    """An open lot whose delta is not known, and why."""

    lot_id: uuid.UUID
    symbol: str
    reason: str | None


class Greeks(Document):
    """Greeks of a book, by underlying, and by expiry. Vega and rho are per 0.01, theta per calendar day."""

    portfolio_id: uuid.UUID
    session: date
    portfolio: BookGreeks  # type: ignore[valid-type]
    by_underlying: list[GreeksByUnderlying] = Field(description="Largest delta first")  # type: ignore[valid-type]
    by_expiry: list[GreeksByExpiry] = Field(description="Nearest first")  # type: ignore[valid-type]
    missing: list[MissingGreeks] = Field(description="Lots that the figures are not of")
    meta: Meta


MarketScenario = model_of(
    "MarketScenario",
    "One point of the grid: the market alone, or rates alone.",
    market_scenarios,
    leave_out=("portfolio_id", "session"),
)
