"""Stress results as items: packed gains by lot, parts of the gain by name, the scenario's moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sigmasight_api.models.stress import PARTS
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.scenarios.definition import SEVERITIES, Scenario
from sigmasight_assets.scenarios.shipped import severity_bands
from sigmasight_assets.store.tables.risk import ASSET_CLASSES, PNL_TERMS, SHIPPED

MOVES = (*FACTORS, "rates_surprise")


def result_item(row: Mapping[str, Any], lots: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """A row of `stress_results` joined with its row of `scenario_shocks`; `lots` are those of the packed gains, None to leave them out."""
    item = {name: value for name, value in row.items() if name not in _TAKEN_APART}
    item["scope"] = None if row["scope"] is None else "shipped" if row["scope"] == SHIPPED else "own"
    item["moves"] = moves_of(row)
    item["by_factor"] = [{"name": name, "pnl": row[f"pnl_{name}"]} for name in PNL_TERMS]
    item["by_asset_class"] = [{"name": name, "pnl": row[f"pnl_{name}"]} for name in ASSET_CLASSES]
    packed = row["position_pnl"]
    known = lots is not None and packed is not None and len(packed) == len(lots)
    item["by_position"] = [{**lot, "pnl": pnl} for lot, pnl in zip(lots, packed, strict=True)] if known and lots is not None else None
    return item


def moves_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario's moves of factors, curve and volatility."""
    deviation = row["factor_deviation"]
    factors = [
        {"factor": name, "move": row[name], "deviation": None if deviation is None else deviation[k]} for k, name in enumerate(MOVES)
    ]
    return {**{name: row[name] for name in ("stated", "sources", "rates_bp", "iv_change")}, "factors": factors}


_TAKEN_APART = (*PARTS, "position_pnl", "positions_key", *MOVES, "factor_deviation", "stated", "sources", "rates_bp", "iv_change")


def scenario_item(scenario: Scenario, first_session: Any = None, created_at: Any = None) -> dict[str, Any]:
    """A scenario as it is defined; one with a first session is the caller's own."""
    return {
        "id": scenario.id,
        "scope": "shipped" if first_session is None else "own",
        "name": scenario.name,
        "category": scenario.category,
        "severity": scenario.severity,
        "shocks": dict(scenario.shocks),
        "returns": dict(scenario.returns),
        "rates_bp": scenario.rates_bp,
        "iv_change": scenario.iv_change,
        "replay": None if scenario.replay is None else list(scenario.replay),
        "first_session": first_session,
        "created_at": created_at,
    }


def bands() -> list[dict[str, Any]]:
    """The severity bands of this deployment."""
    lower = severity_bands().lower
    return [{"band": name, "lower": low, "upper": high} for name, low, high in zip(SEVERITIES, lower, (*lower[1:], None), strict=True)]
