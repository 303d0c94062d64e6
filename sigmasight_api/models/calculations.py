"""Requests and answers of calculations on demand."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from sigmasight_api.models.base import AsOfDate, Body, Document, Meta, OwnPortfolio, model_of
from sigmasight_api.models.correlations import Cluster, CorrelatedName, FactorMatrix, Filters
from sigmasight_api.models.factors import FactorExposures, FactorPosition
from sigmasight_api.queries.correlations import PACKED
from sigmasight_assets.store.tables import option_greeks, position_correlations, position_values

MOST_CONTRACTS = 200
FEWEST_RETURNS, MOST_RETURNS = 60, 1260
HEDGE_FUND = "c1af1b52-35bf-559e-9811-fdbe0382874b"


class Contract(Body):
    """An option series, and how much of it."""

    symbol: str = Field(min_length=1, max_length=40, description="OSI symbol, padded or not, or a broker's form")
    quantity: float = Field(1.0, ge=-1e9, le=1e9, description="Contracts, negative for a short position")


class GreeksRequest(Body):
    """Option series to be priced."""

    contracts: list[Contract] = Field(min_length=1, max_length=MOST_CONTRACTS)
    as_of: AsOfDate = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"contracts": [{"symbol": "AAPL230120C00125000", "quantity": -10}, {"symbol": "MSFT230317P00230000"}]}]
        }
    )


_POSITION = ("notional_exposure", "delta_dollars", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct")


class ContractTotals(Document):
    """Sums over the positions asked for; null where one of them is not known."""

    market_value: float | None = Field(description="[USD]")
    notional_exposure: float | None = Field(description="[USD]")
    delta_dollars: float | None = Field(description="[USD]")
    gamma_dollars_per_pct: float | None = Field(description="Change of delta_dollars per 1 % of spot [USD]")
    theta_per_day: float | None = Field(description="Change of value per calendar day [USD per day]")
    vega_per_volpt: float | None = Field(description="Change of value per 0.01 of volatility [USD]")
    rho_per_pct: float | None = Field(description="Change of value per 0.01 of rate [USD]")


ContractPosition = model_of(
    "ContractPosition",
    "A position in a series: quantity x multiplier of its Greeks.",
    position_values,
    only=_POSITION,
    optional=True,
    quantity=(float, Field(description="Contracts, signed")),
    multiplier=(int, Field(description="Shares per contract")),
    market_value=(float | None, Field(description="quantity x multiplier x price [USD]")),
)
PricedContract = model_of(
    "PricedContract",
    "A series priced as `option_greeks` would: Greeks are per share of the underlying.",
    option_greeks,
    leave_out=("session",),
    position=(ContractPosition, ...),
)


class CalculatedGreeks(Document):
    """Option series priced on a session, in the order in which they were asked for."""

    session: date
    contracts: list[PricedContract]  # type: ignore[valid-type]
    totals: ContractTotals
    meta: Meta


class FactorMatrixRequest(Body):
    """A window to estimate the factors' moments on."""

    as_of: AsOfDate = None
    window: int = Field(252, ge=FEWEST_RETURNS, le=MOST_RETURNS, description="Returns of the window [sessions]")

    model_config = ConfigDict(json_schema_extra={"examples": [{"window": 126}]})


class CalculatedFactorMatrix(FactorMatrix):  # type: ignore[valid-type,misc]
    """How the factors move together over a window."""

    window: int = Field(description="Returns of the window [sessions]")


class CorrelationRequest(Body):
    """Which names to correlate, and how. A size that is not stated does not count where the other is; neither stated: 1 % or 10,000 USD."""

    portfolio_id: OwnPortfolio = None
    as_of: AsOfDate = None
    view: Literal["portfolio", "longs", "shorts"] | None = Field(None, description="One view; null: all three")
    least_share: float | None = Field(None, gt=0, le=1, description="Names of at least this share of the view's gross delta exposure")
    least_dollars: float | None = Field(None, gt=0, description="Names of at least these |delta dollars| [USD]")
    window: int = Field(90, ge=10, le=MOST_RETURNS, description="Returns [sessions]")
    min_common: int = Field(30, ge=3, le=MOST_RETURNS, description="Returns that a pair must have in common [sessions]")
    cluster_at: float = Field(0.7, gt=0, le=1, description="Correlation that links names to a cluster")

    model_config = ConfigDict(json_schema_extra={"examples": [{"portfolio_id": HEDGE_FUND, "view": "longs", "window": 63}]})


CorrelationView = model_of(
    "CorrelationView",
    "One view of a book: figures, clusters, and the matrix by name.",
    position_correlations,
    leave_out=("session", "portfolio_id", *PACKED),
    clusters=(list[Cluster], Field(description="Heaviest first")),
    names=(list[CorrelatedName], Field(description="Largest |delta dollars| first")),
)


class CalculatedCorrelations(Document):
    """Correlations of a book's names by view."""

    portfolio_id: uuid.UUID
    session: date
    filters: Filters
    min_common: int
    cluster_at: float
    views: list[CorrelationView]  # type: ignore[valid-type]
    meta: Meta


class FactorRequest(Body):
    """Whose exposures to compute."""

    portfolio_id: OwnPortfolio = None
    as_of: AsOfDate = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"portfolio_id": HEDGE_FUND}]})


class CalculatedFactors(FactorExposures):
    """A book's exposures, and those of every open lot."""

    positions: list[FactorPosition]
