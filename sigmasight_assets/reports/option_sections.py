"""Section on the options: the book's Greeks, by underlying, by expiry and by series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sigmasight_assets.reports.model import Column, Metric, Section, Table
from sigmasight_assets.reports.sections import known, plain, table
from sigmasight_assets.reports.words import POSITION_TYPES

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

ROWS = 20
GREEKS = (
    Column("delta_dollars", "Delta, $", "USD"),
    Column("gamma_dollars_per_pct", "Gamma, $ per 1 %", "USD"),
    Column("theta_per_day", "Theta, $ a day", "USD per day"),
    Column("vega_per_volpt", "Vega, $ a point", "USD per point of volatility"),
    Column("rho_per_pct", "Rho, $ per 1 %", "USD per point of rate"),
)
_NAMES = [column.name for column in GREEKS]


def greeks(inputs: Inputs) -> Section:
    row = inputs.snapshot
    options = inputs.positions[(inputs.positions["asset_class"] == "option") & inputs.positions["event"].isna()]
    totals = {"delta_dollars": row["delta_net"], **{name: row[name] for name in _NAMES[1:]}}
    metrics = tuple(Metric(column, plain(totals[column.name])) for column in GREEKS)
    coverage = known(row["delta_coverage"])
    status, reason = row["status"], row["reason"]
    if coverage is not None and coverage < 1.0 and status in ("ok", "stale"):  # the worst status wins
        status, reason = "partial", "missing_greeks"
    tables = (_sums(options, "underlying", "Underlying"), _sums(options, "expiry", "Expiry"), _series(options)) if len(options) else ()
    return Section("option_greeks", "Greeks", status, reason, inputs.session, coverage, _notes(options), metrics, tables)


def _notes(options: pd.DataFrame) -> tuple[str, ...]:
    if options.empty:
        return ("The book holds no options.", "Delta counts shares at their value.")
    sources = options["iv_source"].fillna("none").value_counts().sort_index()
    return (
        "Delta counts the whole book; the other Greeks come from its options. Vega and rho are per 0.01.",
        f"Volatility of the option lots is from: {', '.join(f'{source} ({n})' for source, n in sources.items())}.",
        "American listings are priced as European ones.",
    )


def _sums(options: pd.DataFrame, by: str, label: str) -> Table:
    """Greeks summed by underlying or expiry; one with a missing part is missing."""
    groups = options.groupby(by, sort=True)
    sums = groups[_NAMES].sum().mask(options[_NAMES].isna().groupby(options[by], sort=True).any())
    sums = sums.assign(lots=groups.size()).reset_index()
    if by == "underlying":
        sums = sums.sort_values("delta_dollars", ascending=False, key=abs, kind="stable")
    columns = (Column(by, label, "date" if by == "expiry" else "text"), Column("lots", "Lots", "count"), *GREEKS)
    return table(f"by_{by}", f"Options by {label.lower()}", columns, sums, ROWS)


def _series(options: pd.DataFrame) -> Table:
    rows = options.sort_values("delta_dollars", ascending=False, key=abs, kind="stable")
    rows = rows.assign(kind=rows["position_type"].map(POSITION_TYPES))
    columns = (
        Column("underlying", "Underlying", "text"),
        Column("kind", "Position", "text"),
        Column("expiry", "Expiry", "date"),
        Column("strike", "Strike", "price"),
        Column("quantity", "Contracts", "count"),
        Column("price", "Price", "price"),
        Column("price_status", "Price is", "text"),
        Column("iv", "Volatility", "decimal per year"),
        Column("iv_source", "From", "text"),
        Column("market_value", "Market value", "USD"),
        Column("delta_dollars", "Delta, $", "USD"),
    )
    return table("series", "Option lots, largest delta first", columns, rows, ROWS)
