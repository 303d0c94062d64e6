"""Answers about the factor model."""

from __future__ import annotations

import uuid
from datetime import date

from pydantic import Field

from sigmasight_api.models.base import AnalyticCollection, Document, Meta, model_of
from sigmasight_api.queries.factors import PACKED
from sigmasight_assets.store.tables import factor_exposures, factor_loadings, factor_returns, portfolio_factor_risk

FactorRisk = model_of(
    "FactorRisk",
    "A book's market beta and its predicted volatility with what that is made of.",
    portfolio_factor_risk,
    leave_out=("session", "portfolio_id", *PACKED),
)
FactorExposure = model_of(
    "FactorExposure",
    "Exposure of a book to one factor: long leg, short leg and net, in dollars and over NAV, with standard errors.",
    factor_exposures,
    leave_out=("session", "portfolio_id"),
)


class FactorExposures(Document):
    """What a book is exposed to: the seven factors, the rates surprise, then macro series (which are no part of the predicted risk)."""

    portfolio_id: uuid.UUID
    session: date
    book: FactorRisk | None  # type: ignore[valid-type]
    factors: list[FactorExposure]  # type: ignore[valid-type]
    meta: Meta


class FactorOfPosition(Document):
    """One lot seen through one factor. Rates: per +100 bp of the 10-year beyond what the seven carry."""

    factor: str
    dollars: float | None = Field(description="beta x delta dollars; null for an uncovered lot [USD]")
    std_error_dollars: float | None = Field(description="std_error x |delta dollars| [USD]")
    beta: float | None = Field(description="Of the lot's underlying [ratio]")
    std_error: float | None = Field(description="Of beta; 0 for an exact fit [ratio]")
    t_stat: float | None = Field(description="beta / std_error; null for an exact fit [ratio]")
    r_squared: float | None = Field(description="Of the regression that beta comes from [decimal]")
    n_obs: int | None = Field(description="Sessions of that regression")
    quality: str | None = Field(description="full_history, limited_history or insufficient")
    flags: str | None = Field(description="Of beta_outlier, collinear, proxy_contains_instrument, exact_fit, no_variation")


class FactorPosition(Document):
    """An open lot seen through the factor model: options count through their underlying, by their delta."""

    lot_id: uuid.UUID
    symbol: str
    underlying: str
    delta_dollars: float | None = Field(description="Null without a delta, and for private assets [USD]")
    is_covered: bool = Field(description="Whether its underlying has betas")
    uncovered_reason: str | None = Field(description="Why it has none")
    uncovered_dollars: float | None = Field(description="What it counts for among what has no betas; 0 for a covered lot [USD]")
    volatility_contribution: float | None = Field(description="Its part of the predicted volatility; all parts add up [USD per year]")
    factors: list[FactorOfPosition]


FactorPositions = AnalyticCollection[FactorPosition]

FactorLoadings = model_of(
    "FactorLoadings",
    "What the model found of a factor's ETF in its window.",
    factor_loadings,
    only=("market_loading", "value_loading", "vif", "gamma", "n_obs", "rates_n_obs"),
)
_SERIES = ("symbol", "etf", "is_stand_in", "members", "source", "status", "reason")
FactorDefinition = model_of(
    "FactorDefinition",
    "A factor or series that betas are estimated on.",
    factor_returns,
    only=_SERIES,
    factor=(str, Field(description="Its name, as in every answer")),
    kind=(str, Field(description="market, style, rates_surprise or macro")),
    definition=(str, Field(description="How a day's value of it is made")),
    residual_to=(list[str], Field(description="Factors whose part of the series is taken off in the window")),
    unit=(str, Field(description="What a beta is per")),
    is_in_risk=(bool, Field(description="Whether the predicted risk, scenarios and attribution use it")),
    loadings=(FactorLoadings | None, Field(description="Of the session in model_session; null for what is no ETF")),
)


class FactorDefinitions(Document):
    """The factor model: its factors, the series behind them, and how it is estimated."""

    session: date = Field(description="Session of the series")
    model_session: date | None = Field(description="Last session that the model was estimated on; null: on none yet")
    window: int = Field(description="Returns of the regressions [sessions]")
    min_observations: int = Field(description="Fewest returns that betas are estimated from [sessions]")
    full_history: int = Field(description="Returns from which quality is full_history [sessions]")
    condition_number: float | None = Field(description="Of the seven z-scored factors [ratio]")
    rates_r_squared: float | None = Field(description="What the seven explain of the change of the 10-year [decimal]")
    factors: list[FactorDefinition]  # type: ignore[valid-type]
    meta: Meta
