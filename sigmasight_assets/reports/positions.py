"""The positions of a report: one row per lot, the columns of its CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

COLUMNS: dict[str, str] = {
    "session": "session",
    "portfolio_id": "portfolio_id",
    "lot_id": "lot_id",
    "symbol": "symbol",
    "name": "name",
    "underlying": "underlying",
    "asset_class": "asset_class",
    "position_type": "position_type",
    "sector": "sector",
    "fund_category": "fund_category",
    "tags": "tags",
    "entry_date": "entry_date",
    "event": "event",
    "quantity": "quantity",
    "multiplier": "multiplier",
    "entry_price_usd": "entry_price",
    "price_usd": "price",
    "price_status": "price_status",
    "price_date": "price_date",
    "market_value_usd": "market_value",
    "weight_of_nav": "weight",
    "cost_basis_usd": "cost_basis",
    "unrealized_pnl_usd": "unrealized_pnl",
    "realized_pnl_usd": "realized_pnl",
    "day_pnl_usd": "pnl",
    "dividends_usd": "dividends",
    "coverage_change_usd": "coverage_change",
    "notional_exposure_usd": "notional_exposure",
    "delta_usd": "delta_dollars",
    "gamma_usd_per_pct": "gamma_dollars_per_pct",
    "theta_usd_per_day": "theta_per_day",
    "vega_usd_per_volpt": "vega_per_volpt",
    "rho_usd_per_pct": "rho_per_pct",
    "status": "status",
    "reason": "reason",
}
"""CSV column -> column of the collected positions; units are part of the names."""


def position_rows(positions: pd.DataFrame, nav: float) -> list[Mapping[str, Any]]:
    """One mapping per lot, in the order of `COLUMNS`; missing is None, dates are ISO texts."""
    frame = positions.assign(weight=positions["market_value"] / nav if nav > 0 else float("nan"))
    for name in ("session", "entry_date", "price_date"):
        frame[name] = frame[name].dt.strftime("%Y-%m-%d").astype(object)
    chosen = frame[list(COLUMNS.values())].astype(object)
    chosen = chosen.where(chosen.notna(), None)
    chosen.columns = list(COLUMNS)
    rows: list[Mapping[str, Any]] = chosen.to_dict("records")
    return rows
