"""What a scenario is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sigmasight_assets.engines.factor_names import FACTORS

CATEGORIES = ("market", "rates", "rotation", "volatility", "historical", "custom")
SEVERITIES = ("mild", "moderate", "severe", "extreme")
RATES = "rates"
VARIABLES = (*FACTORS, RATES)
"""What a scenario may state and a replay may measure."""


@dataclass(frozen=True)
class Scenario:
    """One scenario, validated.

    Attributes
    ----------
    id : str
        Lower case letters, digits and underscores; unique among the shipped ones and within an owner's own.
    severity : str
        The author's label, whatever a portfolio loses.
    shocks : mapping
        Factor -> move of the factor (a style's: beyond what the market implies).
    returns : mapping
        Factor -> total return of its proxy.
    rates_bp : float or None
        Change of the 10-year and of the curve, in basis points.
    iv_change : float or None
        Relative change of 30-day implied volatility.
    replay : (first close, last close) or None
        A window whose measured moves take precedence over what is stated.
    """

    id: str
    name: str
    category: str
    severity: str
    shocks: Mapping[str, float] = field(default_factory=dict)
    returns: Mapping[str, float] = field(default_factory=dict)
    rates_bp: float | None = None
    iv_change: float | None = None
    replay: tuple[date, date] | None = None

    def as_data(self) -> dict[str, Any]:
        """JSON values in the file's own form; what `parse.scenario_of` reads back."""
        out: dict[str, Any] = {"id": self.id, "name": self.name, "category": self.category, "severity": self.severity}
        if self.shocks:
            out["shocks"] = dict(self.shocks)
        if self.returns:
            out["returns"] = dict(self.returns)
        if self.rates_bp is not None:
            out["rates_bp"] = self.rates_bp
        if self.iv_change is not None:
            out["iv_change"] = self.iv_change
        if self.replay is not None:
            out["replay"] = [day.isoformat() for day in self.replay]
        return out


@dataclass(frozen=True)
class SeverityBands:
    """Bands of the loss as a share of NAV.

    Attributes
    ----------
    lower : tuple of float
        Lower bound of each of `SEVERITIES`, inclusive, increasing from 0.
    """

    lower: tuple[float, ...]


@dataclass(frozen=True)
class ScenarioFile:
    """What a file says."""

    scenarios: tuple[Scenario, ...]
    severity_bands: SeverityBands | None
