"""Sections on what is held: allocation and the largest holdings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sigmasight_assets.reports.model import Column, Section, Table
from sigmasight_assets.reports.sections import of_snapshot, plain, table

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

TOP = 10
GROUPS = 25
NAME_LENGTH = 32
_CLASSES = {"equity": "Shares", "fund": "Funds", "option": "Options", "private": "Private assets"}
_SUMS = ("long", "short", "net", "delta_dollars")


def allocation(inputs: Inputs) -> Section:
    """Market value and delta by asset class and by sector; long and short sides apart."""
    held = inputs.positions[inputs.positions["event"].isna()].copy()
    is_fund = held["fund_category"].notna()
    held["asset_group"] = held["asset_class"].mask((held["asset_class"] == "equity") & is_fund, "fund").map(_CLASSES)
    fund = "Funds: " + held["fund_category"].astype(object)
    held["sector_group"] = held["sector"].where(held["sector"].notna(), fund.where(is_fund, "No sector known"))
    held.loc[held["asset_class"] == "private", "sector_group"] = "Private assets"
    by_class = _sums(held, "asset_group", inputs)
    cash = {"asset_group": "Cash", "lots": None, "long": None, "short": None, "net": plain(inputs.snapshot["cash"]), "delta_dollars": None}
    with_cash = pd.concat([by_class, _shares(pd.DataFrame([cash]), inputs)], ignore_index=True)
    notes = (
        "Options are counted with the sector of their underlying; a fund has no sector and is shown by what it holds. "
        "Delta is market value but for options.",
    )
    tables = (
        _table("by_asset_class", "By asset class", "asset_group", with_cash),
        _table("by_sector", "By sector, largest gross value first", "sector_group", _sums(held, "sector_group", inputs)),
    )
    return of_snapshot(inputs, "allocation", "Allocation", tables=tables, notes=notes)


def _sums(held: pd.DataFrame, by: str, inputs: Inputs) -> pd.DataFrame:
    value = held["market_value"]
    parts = held.assign(long=value.clip(lower=0), short=value.clip(upper=0), net=value, lots=1)
    groups = parts.groupby(by, sort=True)
    sums = groups[list(_SUMS)].sum(min_count=1)  # nothing of a group is priced: no sum, and no zero
    sums = sums.assign(lots=groups["lots"].sum(), gross=sums["long"] - sums["short"]).reset_index()
    return _shares(sums.sort_values("gross", ascending=False, kind="stable", ignore_index=True), inputs)


def _shares(sums: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    nav = inputs.snapshot["nav"] if inputs.snapshot["nav"] > 0 else float("nan")
    return sums.assign(net_share=sums["net"].astype(float) / nav, delta_share=sums["delta_dollars"].astype(float) / nav)


def _table(name: str, title: str, by: str, sums: pd.DataFrame) -> Table:
    columns = (
        Column("group", "Group", "text"),
        Column("lots", "Lots", "count"),
        Column("long", "Long", "USD"),
        Column("short", "Short", "USD"),
        Column("net", "Net", "USD"),
        Column("net_share", "Net / NAV", "share of NAV"),
        Column("delta_dollars", "Delta, net", "USD"),
        Column("delta_share", "Delta / NAV", "share of NAV"),
    )
    return table(name, title, columns, sums.rename(columns={by: "group"}).astype({"lots": object}), GROUPS)


def holdings(inputs: Inputs) -> Section:
    """The largest holdings on each side; lots of one symbol are one holding, long and short apart."""
    held = inputs.positions[inputs.positions["event"].isna()]
    rows = _by_symbol(held, inputs)
    tables = []
    for side, which in (("long", rows["quantity"] > 0), ("short", rows["quantity"] < 0)):
        if which.any():
            tables.append(_holdings_table(f"top_{side}", side, rows[which]))
    ended = inputs.positions[inputs.positions["event"].notna()]
    if len(ended):
        tables.append(_ended(ended))
    notes = () if len(held) else ("The book holds nothing at the close.",)
    return of_snapshot(inputs, "position_values", "Holdings", tables=tuple(tables), notes=notes)


def _by_symbol(held: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """One row per symbol and side, largest value first; a sum with a missing part is missing."""
    parts = held.assign(is_long=held["quantity"] > 0, lots=1, gain=held["pnl"] + held["dividends"])
    keys = ["symbol", "is_long"]
    summed = ["quantity", "market_value", "cost_basis", "unrealized_pnl", "gain", "delta_dollars", "lots"]
    groups = parts.groupby(keys, sort=True)
    sums = groups[summed].sum()
    sums = sums.mask(parts[summed].isna().groupby([parts[key] for key in keys], sort=True).any())
    first = groups[["name", "price", "price_status", "price_date"]].first()
    rows = sums.join(first).reset_index()
    nav = inputs.snapshot["nav"]
    rows["weight"] = rows["market_value"] / nav if nav > 0 else float("nan")
    rows["name"] = [_shortened(name) for name in rows["name"]]
    return rows.sort_values("market_value", ascending=False, key=abs, kind="stable", ignore_index=True)


def _shortened(name: str | None) -> str | None:
    return name if name is None or len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1].rstrip() + "…"


def _holdings_table(name: str, side: str, rows: pd.DataFrame) -> Table:
    columns = (
        Column("symbol", "Symbol", "text"),
        Column("name", "Name", "text"),
        Column("lots", "Lots", "count"),
        Column("quantity", "Quantity", "count"),
        Column("price", "Price", "price"),
        Column("price_status", "Price is", "text"),
        Column("price_date", "Price date", "date"),
        Column("market_value", "Market value", "USD"),
        Column("weight", "Of NAV", "share of NAV"),
        Column("unrealized_pnl", "Unrealised P&L", "USD"),
        Column("gain", "P&L of the day", "USD"),
    )
    return table(name, f"Largest {side} holdings", columns, rows, TOP)


def _ended(rows: pd.DataFrame) -> Table:
    columns = (
        Column("symbol", "Symbol", "text"),
        Column("event", "How", "text"),
        Column("quantity", "Quantity", "count"),
        Column("price", "Price", "price"),
        Column("realized_pnl", "Realised P&L", "USD"),
        Column("pnl", "P&L of the day", "USD"),
    )
    return table("ended", "Ended on this session", columns, rows, GROUPS)
