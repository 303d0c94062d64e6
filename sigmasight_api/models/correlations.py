"""Answers about correlations."""

from __future__ import annotations

import uuid
from datetime import date

from pydantic import Field

from sigmasight_api.models.base import Document, Meta, model_of
from sigmasight_api.queries.correlations import PACKED
from sigmasight_assets.store.tables import factor_covariance, position_correlations


class FactorCorrelations(Document):
    """One row of a matrix of the seven factors."""

    factor: str
    symbol: str | None = Field(description="Series used for it")
    etf: str | None = Field(description="ETF that defines it")
    is_stand_in: bool | None = Field(description="Whether symbol stands in for the ETF")
    correlations: dict[str, float | None] = Field(description="Factor -> correlation")


class FactorCovariances(Document):
    """One row of the covariance of the eight factors."""

    factor: str
    covariances: dict[str, float | None] = Field(description="Factor -> daily covariance; rates in percentage points")


FactorMatrix = model_of(
    "FactorMatrix",
    "How the factors move together over 252 sessions: total returns of their ETFs, and the factors themselves.",
    factor_covariance,
    only=("session", "min_eigenvalue", "n_obs", "rates_n_obs", "status", "reason"),
    etf_returns=(list[FactorCorrelations] | None, Field(description="Correlations of the seven ETFs' total returns; null: not estimated")),
    factor_returns=(list[FactorCorrelations] | None, Field(description="Correlations of the seven factors; null: not estimated")),
    covariance=(list[FactorCovariances] | None, Field(description="Of the eight factors; null where rates are missing")),
    meta=(Meta, ...),
)


class Cluster(Document):
    """Names linked by correlations of 0.7 or more."""

    name: str = Field(description="Sector or tag that at least 70 % of the members share, else the largest member")
    named_by: str = Field(description="sector, tag or largest")
    members: list[str]
    share: float = Field(description="Of the names' |delta dollars| [share]")
    average_correlation: float


class Filters(Document):
    """Which names are kept: those that reach one of the two sizes."""

    least_share: float | None = Field(description="Of the view's gross delta exposure; null: not asked for [share]")
    least_dollars: float | None = Field(description="Netted |delta dollars|; null: not asked for [USD]")


CorrelationMetrics = model_of(
    "CorrelationMetrics",
    "How diversified a view of a book is: figures and clusters of its names' correlations.",
    position_correlations,
    leave_out=PACKED,
    clusters=(list[Cluster], Field(description="Heaviest first")),
    filters=(Filters, ...),
    meta=(Meta, ...),
)


class CorrelatedName(Document):
    """One row of a matrix of names."""

    name: str = Field(description="Underlying")
    delta_dollars: float = Field(description="Netted over its lots [USD]")
    correlations: dict[str, float | None] = Field(description="Name -> correlation; null for an absent pair")


class CorrelationMatrix(Document):
    """Correlations of a view's names, largest |delta dollars| first."""

    portfolio_id: uuid.UUID
    session: date
    view: str
    window: int = Field(description="Returns asked for [sessions]")
    n_names: int
    names: list[CorrelatedName]
    filters: Filters
    meta: Meta
