"""Section on data quality: which prices are fresh, and which tables, runs and code the figures come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sigmasight_assets.reports.model import Column, Metric, Section
from sigmasight_assets.reports.sections import of_snapshot, plain, table
from sigmasight_assets.reports.words import explained
from sigmasight_assets.store.tables.portfolio import PRICE_STATUSES

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

ROWS = 20


def data_quality(inputs: Inputs) -> Section:
    held = inputs.positions[inputs.positions["event"].isna()]
    counts = held["price_status"].value_counts()
    metrics = [Metric(Column(f"n_{word}", f"Lots whose price is {word}", "count"), int(counts.get(word, 0))) for word in PRICE_STATUSES]
    share = Column("delta_coverage", "Share of the book whose delta is known", "share")
    metrics.append(Metric(share, plain(inputs.snapshot["delta_coverage"])))
    doubtful = held[held["price_status"].isin(["missing", "stale"]) | held["reason"].notna()]
    doubtful = doubtful.assign(why=[explained(reason) for reason in doubtful["reason"]])
    sources = held.assign(source=held["price_source"].fillna("none"), size=held["market_value"].abs(), lots=1)
    by_source = sources.groupby("source", sort=True)[["lots", "size"]].sum(min_count=1).reset_index()
    made = inputs.provenance
    made = made.assign(
        changed_on=made["changed_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"), why=[None if r is None else explained(r) for r in made["reason"]]
    )
    tables = [table("price_sources", "Where prices come from", _SOURCES, by_source, ROWS)] if len(held) else []
    if len(doubtful):
        tables.append(table("doubtful", "Lots without a fresh price, or with a reason", _DOUBTFUL, doubtful, ROWS))
    tables.append(table("provenance", "Where the numbers come from", _PROVENANCE, made))
    return of_snapshot(inputs, "data_quality", "Data quality", metrics=tuple(metrics), tables=tuple(tables))


_SOURCES = (
    Column("source", "Source and basis of the price", "text"),
    Column("lots", "Lots", "count"),
    Column("size", "Gross market value", "USD"),
)
_DOUBTFUL = (
    Column("symbol", "Symbol", "text"),
    Column("price_status", "Price is", "text"),
    Column("price_date", "Price date", "date"),
    Column("cost_basis", "Cost", "USD"),
    Column("reason", "Reason", "text"),
    Column("why", "Which means", "text"),
)
_PROVENANCE = (
    Column("table_name", "Table", "text"),
    Column("status", "Status", "text"),
    Column("reason", "Reason", "text"),
    Column("why", "Which means", "text"),
    Column("rows", "Rows", "count"),
    Column("changed_on", "Last changed (UTC)", "text"),
    Column("code_version", "Code version", "text"),
)
