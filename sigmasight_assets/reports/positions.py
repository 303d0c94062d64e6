"""The positions of a report: one row per lot, and the columns of its CSV."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Select, select

from sigmasight_assets.calculations.contracts import terms_of
from sigmasight_assets.store.tables import lot_tags, lots, option_greeks, position_values, prices, security_master, tags

COLUMNS: tuple[str, ...] = (
    "session", "portfolio_id", "lot_id", "symbol", "name", "underlying", "asset_class", "position_type", "sector", "fund_category",
    "tags", "entry_date", "event", "expiry", "strike", "quantity", "multiplier", "entry_price", "price", "price_status", "price_date",
    "price_source", "market_value", "weight", "cost_basis", "unrealized_pnl", "realized_pnl", "pnl", "dividends", "coverage_change",
    "notional_exposure", "delta_dollars", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct", "iv", "status",
    "reason",
)  # fmt: skip
"""Columns of the CSV, named as in the tables; docs/reports.md gives unit and meaning."""
DATES = ("session", "entry_date", "expiry", "price_date")

Read = Callable[[Select[Any]], pd.DataFrame]


def read_positions(read: Read, portfolio_id: uuid.UUID, day: date) -> pd.DataFrame:
    """Rows of `position_values` of a session, largest value first, with what other tables say of them.

    Added are `name`, `sector`, `fund_category` (of the underlying), `entry_date`, `ordinal`, `tags` (comma-separated), `price_source`, and
    for options `expiry`, `strike`, `iv`, `iv_source`.
    """
    p, master = position_values, security_master
    query = (
        select(p, master.c.name, master.c.sector, master.c.fund_category, lots.c.entry_date, lots.c.ordinal)
        .join_from(p, lots, lots.c.id == p.c.lot_id)
        .join(master, (master.c.symbol == p.c.underlying) & (p.c.asset_class != "private"), isouter=True)
        .where(p.c.session == day, p.c.portfolio_id == portfolio_id)
    )
    rows = read(query)
    pairs = select(lot_tags.c.lot_id, tags.c.name.label("tag")).join(tags, tags.c.id == lot_tags.c.tag_id)
    named = read(pairs.join(lots, lots.c.id == lot_tags.c.lot_id).where(lots.c.portfolio_id == portfolio_id))
    joined = named.sort_values("tag").groupby("lot_id")["tag"].agg(", ".join) if len(named) else pd.Series(dtype=object)
    rows["tags"] = rows["lot_id"].map(joined).astype(object)
    rows = _with_terms(read, rows, day)
    rows["price_source"] = _price_sources(read, rows)
    rows["size"] = rows["market_value"].abs().fillna(-1.0)
    return rows.sort_values(["size", "ordinal"], ascending=[False, True], ignore_index=True).drop(columns="size")


def _with_terms(read: Read, rows: pd.DataFrame, day: date) -> pd.DataFrame:
    """Expiry and strike as the symbol of the session states them, and the volatility used."""
    rows["expiry"], rows["strike"] = np.array("NaT", dtype="datetime64[s]"), np.nan
    is_option = rows["asset_class"] == "option"
    if is_option.any():
        terms = terms_of(rows.loc[is_option, "symbol"])
        rows.loc[is_option, "expiry"], rows.loc[is_option, "strike"] = terms["expiry"], terms["strike"]
    g = option_greeks.c
    held = sorted(set(rows.loc[is_option, "symbol"]))
    found = read(select(g.symbol, g.iv, g.iv_source, g.price_source).where(g.session == day, g.symbol.in_(held)))
    return rows.merge(found.rename(columns={"price_source": "option_source"}), on="symbol", how="left")


def _price_sources(read: Read, rows: pd.DataFrame) -> pd.Series:
    """Where each price is from: the provider's source with its basis, the rung of the option ladder, the owner, the ledger."""
    share = (rows["asset_class"] == "equity") & rows["event"].isna()
    days = sorted({day.date() for day in rows.loc[share, "price_date"].dropna()})
    query = select(prices.c.symbol, prices.c.session.label("price_date"), prices.c.source, prices.c.price_basis)
    found = read(query.where(prices.c.session.in_(days), prices.c.symbol.in_(sorted(set(rows.loc[share, "symbol"])))))
    found["stated"] = found["source"].astype(object) + " (" + found["price_basis"].astype(object) + ")"
    stated = rows[["symbol", "price_date"]].merge(found[["symbol", "price_date", "stated"]], how="left")["stated"]
    ended = rows["event"].map({"exited": "ledger, exit price"}).fillna("intrinsic value at settlement")
    out = stated.where(share, rows["option_source"]).mask(rows["asset_class"] == "private", "owner's mark")
    out = out.mask(rows["event"].notna(), ended)
    return out.where(rows["price_status"] != "missing", None).astype(object)


def position_rows(positions: pd.DataFrame, nav: float) -> list[Mapping[str, Any]]:
    """One mapping per lot, in the order of `COLUMNS`; missing is None, dates are ISO texts."""
    frame = positions.assign(weight=positions["market_value"] / nav if nav > 0 else float("nan"))
    for name in DATES:
        frame[name] = frame[name].dt.strftime("%Y-%m-%d").astype(object)
    chosen = frame[list(COLUMNS)].astype(object)
    chosen = chosen.where(chosen.notna(), None)
    rows: list[Mapping[str, Any]] = chosen.to_dict("records")
    return rows
