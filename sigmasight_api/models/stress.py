"""Answers about stress tests."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from pydantic import Field

from sigmasight_api.models.base import AnalyticCollection, Document, Page, model_of
from sigmasight_assets.store.tables import stress_results
from sigmasight_assets.store.tables.risk import ASSET_CLASSES, PNL_TERMS

PARTS = tuple(f"pnl_{name}" for name in (*PNL_TERMS, *ASSET_CLASSES))


class Scenario(Document):
    """A scenario as it is defined: shipped with the product, or the caller's own."""

    id: str = Field(description="Short name: lower case letters, digits, underscores")
    scope: str = Field(description="shipped or own")
    name: str
    category: str = Field(description="market, rates, rotation, volatility, historical or custom")
    severity: str = Field(description="The author's label: mild, moderate, severe or extreme")
    shocks: dict[str, float] = Field(description="Factor -> move of the factor; a style's: beyond what the market implies [decimal]")
    returns: dict[str, float] = Field(description="Factor -> total return of its proxy [decimal]")
    rates_bp: float | None = Field(description="Change of the 10-year and of the curve [bp]")
    iv_change: float | None = Field(description="Relative change of 30-day implied volatility [decimal]")
    replay: list[date] | None = Field(description="First and last close of a window whose measured moves go before what is stated")
    first_session: date | None = Field(description="Of the caller's own: first session whose stored results hold it")
    created_at: datetime | None = Field(description="Of the caller's own: when it was added")


class SeverityBand(Document):
    """A band of the loss as a share of NAV."""

    band: str
    lower: float = Field(description="Lowest max(0, -pnl) / NAV, inclusive [share of NAV]")
    upper: float | None = Field(description="Where the next band begins; null: none does [share of NAV]")


class Scenarios(Document):
    """A page of scenarios."""

    items: list[Scenario]
    page: Page
    severity_bands: list[SeverityBand] = Field(description="What `impact_band` of results means")
    meta: dict[str, str]


class FactorMove(Document):
    """What a scenario does to one factor."""

    factor: str
    move: float | None = Field(description="Move of the factor; rates_surprise: in units of 100 bp [decimal]")
    deviation: float | None = Field(description="Standard deviation that the facts leave open, one session; null in the direct mode")


class Moves(Document):
    """A scenario as moves of what prices positions."""

    stated: dict[str, object] | None = Field(description="Variable -> value as stated or measured")
    sources: dict[str, str] | None = Field(description="Variable -> measured (with its series), stated or unspecified")
    rates_bp: float | None = Field(description="Change of the curve, parallel [bp]")
    iv_change: float | None = Field(description="Relative change of 30-day implied volatility [decimal]")
    factors: list[FactorMove]


class PartOfGain(Document):
    """A part of the gain; the parts of a list add up to it."""

    name: str
    pnl: float | None = Field(description="[USD]")


class GainOfPosition(Document):
    """What one open lot gains."""

    lot_id: uuid.UUID
    symbol: str
    underlying: str
    pnl: float | None = Field(description="Null where no scenario moves it [USD]")


_Figures = model_of(
    "StressFigures",
    "Gains of a book under one scenario in one mode.",
    stress_results,
    leave_out=("session", "portfolio_id", *PARTS, "position_pnl", "positions_key"),
)


class StressResult(_Figures):  # type: ignore[valid-type,misc]
    """A book under one scenario in one mode, with what the gain is made of."""

    name: str | None = Field(description="Name of the scenario")
    scope: str | None = Field(description="shipped, own, or inline: as the request defines it")
    moves: Moves
    by_factor: list[PartOfGain] = Field(description="Eight factors, volatility (vega), the curve (rho), the -100 % floor, non-linear rest")
    by_asset_class: list[PartOfGain]
    by_position: list[GainOfPosition] | None = Field(description="By open lot; null where not asked for, or no longer known")


StressResults = AnalyticCollection[StressResult]
