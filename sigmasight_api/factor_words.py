"""What each factor is: names and roles from the engine's constants, series and loadings from the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sigmasight_assets.engines.factor_names import FACTORS, GROWTH, MARKET, MODEL_FACTORS, RATES, VALUE

RATES_SERIES = "rates_10y"
LOADINGS = ("factor", "market_loading", "value_loading", "vif", "gamma", "n_obs", "rates_n_obs", "condition_number", "rates_r_squared")
OF_ALL = ("condition_number", "rates_r_squared")
"""Columns of `factor_loadings` that are the same for all rows of a session."""


def in_order(rows: Sequence[dict[str, Any]], name: str = "factor") -> list[dict[str, Any]]:
    """Rows by factor: the eight of the model, then macro series by name."""
    place = {factor: k for k, factor in enumerate(MODEL_FACTORS)}
    return sorted(rows, key=lambda row: (place.get(row[name], len(place)), row[name]))


def defined(series: Sequence[dict[str, Any]], loadings: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """One item a factor, from a session's series and the loadings by factor."""
    by_name = {RATES if row["series"] == RATES_SERIES else row["series"]: row for row in series}
    return in_order([{"factor": name, **_described(name, by_name[name]), "loadings": _of(name, loadings)} for name in by_name])


def _described(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    kind = "macro" if row["kind"] == "macro" else "rates_surprise" if name == RATES else "market" if name == FACTORS[MARKET] else "style"
    residual_to = residual_factors(name) if kind != "macro" else []
    taken_off = f", less its loadings on {', '.join(residual_to)}" if residual_to else ""
    what = (
        "change of the 10-year par yield" if kind == "rates_surprise" else f"simple total return of {row['symbol'] or row['etf'] or name}"
    )
    given = {key: row[key] for key in ("symbol", "etf", "is_stand_in", "members", "source", "status", "reason")}
    return {
        "kind": kind,
        "definition": what + taken_off,
        "residual_to": residual_to,
        "unit": "return per +100 bp of the 10-year" if kind == "rates_surprise" else "return per 1.00 of the factor",
        "is_in_risk": kind != "macro",
        **given,
    }


def residual_factors(name: str) -> list[str]:
    """The factors that a factor is orthogonal to in the window."""
    if name == RATES:
        return list(FACTORS)
    if name == FACTORS[MARKET]:
        return []
    return [FACTORS[MARKET], FACTORS[VALUE]] if name == FACTORS[GROWTH] else [FACTORS[MARKET]]


def _of(name: str, loadings: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    row = loadings.get(name)
    return None if row is None else {key: row[key] for key in LOADINGS if key not in (*OF_ALL, "factor")}
