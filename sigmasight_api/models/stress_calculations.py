"""Requests and answers of stress tests on demand, and of a user's own scenarios."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from sigmasight_api.models.base import AsOfDate, Body, Document, Meta, OwnPortfolio
from sigmasight_api.models.calculations import HEDGE_FUND
from sigmasight_api.models.portfolios import Updating
from sigmasight_api.models.stress import Scenario, StressResult

MOST_SCENARIOS = 200
Factor = Literal["market", "value", "growth", "momentum", "quality", "size", "low_volatility"]


class ScenarioBody(Body):
    """A scenario: what moves, in factor units, total returns, basis points and relative volatility. Something has to be stated."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,47}$", description="Short name: a letter, then lower case letters, digits, underscores")
    name: str = Field(min_length=1, max_length=100)
    category: Literal["market", "rates", "rotation", "volatility", "historical", "custom"] = "custom"
    severity: Literal["mild", "moderate", "severe", "extreme"] = Field(description="Its author's label, whatever a portfolio loses")
    shocks: dict[Factor, Annotated[float, Field(gt=-1, le=5)]] = Field(
        default={}, description="Factor -> move of the factor; a style's: beyond what the market implies [decimal]"
    )
    returns: dict[Factor, Annotated[float, Field(gt=-1, le=10)]] = Field(
        default={}, description="Factor -> total return of its proxy; not of a factor with a shock [decimal]"
    )
    rates_bp: float | None = Field(None, gt=-2000, le=2000, description="Change of the 10-year and of the curve [bp]")
    iv_change: float | None = Field(None, gt=-1, le=10, description="Relative change of 30-day implied volatility [decimal]")
    replay: tuple[date, date] | None = Field(None, description="First and last close of a window whose measured moves go first")

    def as_data(self) -> dict[str, Any]:
        """The scenario as a file states it."""
        stated = self.model_dump(mode="json", include=set(ScenarioBody.model_fields))
        return {name: value for name, value in stated.items() if value not in (None, {})}


class StressRequest(Body):
    """A book, and the scenarios that it is put under."""

    portfolio_id: OwnPortfolio = None
    as_of: AsOfDate = None
    scenarios: list[Annotated[str, Field(max_length=48)] | ScenarioBody] | None = Field(
        None, min_length=1, max_length=MOST_SCENARIOS, description="Ids of shipped or own ones, and definitions; null: all shipped and own"
    )
    positions: bool = Field(True, description="Whether each result says what every lot gains")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "portfolio_id": HEDGE_FUND,
                    "scenarios": [
                        "market_down_10",
                        {"id": "oil_shock", "name": "Oil shock", "severity": "severe", "shocks": {"market": -0.12}, "rates_bp": 40},
                    ],
                    "positions": False,
                }
            ]
        }
    )


class StressSummary(Document):
    """The results of one mode at a glance."""

    mode: str
    n_scenarios: int = Field(description="With a gain that is known")
    n_losing: int
    worst_scenario: str | None = Field(description="Null where none loses")
    worst_pnl: float | None = Field(description="[USD]")
    worst_share: float | None = Field(description="[share of NAV]")
    best_scenario: str | None = Field(description="Null where none gains")
    best_pnl: float | None = Field(description="[USD]")
    best_share: float | None = Field(description="[share of NAV]")


class StressCalculation(Document):
    """A book under scenarios: in the order in which they were asked for, direct before correlated."""

    portfolio_id: uuid.UUID
    session: date
    results: list[StressResult]
    summary: list[StressSummary] = Field(description="One a mode")
    meta: Meta


class NewScenario(ScenarioBody):
    """A scenario of one's own, which every later computation of stress results holds."""

    first_session: date | None = Field(None, description="First session whose results hold it; null: the last that prices are stored of")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "oil_shock", "name": "Oil shock", "severity": "severe", "shocks": {"market": -0.12}, "rates_bp": 40}]
        }
    )


class CreatedScenario(Scenario):
    """A scenario of one's own, as it was added."""

    updating: Updating


class DeletedScenario(Document):
    """A scenario of one's own that is no more: its stored results go with the next computation."""

    id: str
    updating: Updating
