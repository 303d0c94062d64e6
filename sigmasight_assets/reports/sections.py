"""What sections share, and the sections on value and P&L. Figures come from the tables as they stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sigmasight_assets.reports.attention import needs_attention
from sigmasight_assets.reports.model import Column, Metric, Section, Table, Value

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

_SUMMARY = (
    Column("nav", "Net asset value", "USD"),
    Column("pnl", "P&L of the day", "USD"),
    Column("daily_return", "Return of the day", "decimal"),
    Column("year_pnl", "P&L of the calendar year", "USD"),
    Column("market_value_long", "Long market value", "USD"),
    Column("market_value_short", "Short market value", "USD"),
    Column("market_value_gross", "Gross market value", "USD"),
    Column("market_value_net", "Net market value", "USD"),
    Column("cash", "Cash (negative is margin)", "USD"),
    Column("unrealized_pnl", "Unrealised P&L of open lots", "USD"),
    Column("realized_pnl", "Realised P&L of closed lots", "USD"),
    Column("dividends", "Dividends of the day, in its P&L", "USD"),
    Column("flows", "Flows of the day: money put in or taken out", "USD"),
    Column("beta", "Market beta of the covered part", "ratio"),
    Column("predicted_volatility", "Predicted volatility of the covered part, a year", "decimal"),
    Column("factor_coverage", "Share of the gross exposure that has betas", "share"),
    Column("average_correlation", "Average correlation of the names", "ratio"),
    Column("coverage", "Coverage: share of the book that has a price", "share"),
    Column("n_positions", "Open lots", "count"),
)
_FAMILIES = {"market_value": "Market value", "notional": "Notional", "delta": "Delta"}
SIDES = ("long", "short", "gross", "net")


def plain(value: Any) -> Value:
    """A cell as Python has it: None for missing, dates without time."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value.item() if hasattr(value, "item") else value


def table(name: str, title: str, columns: tuple[Column, ...], frame: pd.DataFrame, limit: int | None = None) -> Table:
    """A frame's rows as a table; of more than `limit` only the first, and the table says of how many."""
    shown = frame[[column.name for column in columns]].head(limit) if limit else frame[[column.name for column in columns]]
    rows = tuple(tuple(plain(cell) for cell in row) for row in shown.itertuples(index=False))
    return Table(name, title, columns, rows, len(frame) if len(shown) < len(frame) else None)


def of_snapshot(inputs: Inputs, name: str, title: str, **parts: Any) -> Section:
    """A section whose status and coverage are those of the session's snapshot."""
    row = inputs.snapshot
    return Section(name, title, row["status"], row["reason"], inputs.session, known(row["coverage"]), **parts)


def known(value: float) -> float | None:
    return None if value != value else float(value)


def total(values: pd.Series) -> float:
    """A sum; NaN where one of the values is missing: what is not known is not zero."""
    return float(values.sum(skipna=False))


def executive_summary(inputs: Inputs) -> Section:
    metrics = tuple(Metric(column, plain(inputs.snapshot[column.name])) for column in _SUMMARY)
    notes = (*_headline(inputs), *(f"Attention: {note}" for note in needs_attention(inputs)))
    return of_snapshot(inputs, "portfolio_snapshots", "Executive summary", metrics=metrics, notes=notes)


def _headline(inputs: Inputs) -> tuple[str, ...]:
    """The day, the size of the bets and what they are exposed to, in a sentence each; none where NAV is not known."""
    row = inputs.snapshot
    if pd.isna(row["nav"]):
        return ()
    earned = "" if pd.isna(row["daily_return"]) else f" ({row['daily_return']:+.2%})"
    sentences = [
        f"NAV {row['nav']:,.0f}; {row['pnl']:+,.0f}{earned} on the day, {row['year_pnl']:+,.0f} since the start of {inputs.session.year}."
    ]
    if row["nav"] > 0 and not pd.isna(row["market_value_gross"]):
        by_delta = ""
        if not pd.isna(row["delta_gross"]):
            by_delta = f"; with options at their delta {row['delta_gross_share']:.0%} and {row['delta_net_share']:.0%}"
        sentences.append(
            f"Market value is {row['market_value_gross_share']:.0%} of NAV gross and {row['market_value_net_share']:.0%} net{by_delta}."
        )
    if not (pd.isna(row["beta"]) or pd.isna(row["predicted_volatility"]) or pd.isna(row["factor_coverage"])):
        sentences.append(
            f"Market beta {row['beta']:.2f}, predicted volatility {row['predicted_volatility']:.0%} of NAV a year, "
            f"of the {row['factor_coverage']:.0%} of the gross exposure that has betas."
        )
    return tuple(sentences)


def exposures(inputs: Inputs) -> Section:
    row = inputs.snapshot
    metrics = []
    rows: list[tuple[Value, ...]] = []
    for family, label in _FAMILIES.items():
        for side in SIDES:
            metrics.append(Metric(Column(f"{family}_{side}", f"{label} {side}", "USD"), plain(row[f"{family}_{side}"])))
            metrics.append(
                Metric(Column(f"{family}_{side}_share", f"{label} {side}", "share of NAV"), plain(row[f"{family}_{side}_share"]))
            )
        amounts = [plain(row[f"{family}_{side}"]) for side in SIDES]
        rows.append((label, *amounts, *(plain(row[f"{family}_{side}_share"]) for side in SIDES)))
    columns = (
        Column("family", "Measured by", "text"),
        *(Column(side, side.capitalize(), "USD") for side in SIDES),
        *(Column(f"{side}_share", f"{side.capitalize()} / NAV", "share of NAV") for side in SIDES),
    )
    notes = (
        "Market value: what the lots are worth. Notional: options at quantity x multiplier x spot, puts negative. "
        "Delta: options at their delta, so that a long put is short.",
    )
    return of_snapshot(
        inputs,
        "exposures",
        "Exposures",
        metrics=tuple(metrics),
        tables=(Table("families", "Long, short, gross and net", columns, tuple(rows)),),
        notes=notes,
        metrics_are_in_tables=True,
    )


def pnl_history(inputs: Inputs) -> Section:
    rows = inputs.history
    columns = (
        Column("session", "Session", "date"),
        Column("nav", "NAV", "USD"),
        Column("pnl", "P&L", "USD"),
        Column("daily_return", "Return", "decimal"),
        Column("pnl_long", "Long lots", "USD"),
        Column("pnl_short", "Short lots", "USD"),
        Column("flows", "Flows", "USD"),
        Column("coverage", "Coverage", "share"),
        Column("status", "Status", "text"),
    )
    growth = float((1.0 + rows["daily_return"]).prod(skipna=False)) - 1.0
    metrics = (
        Metric(Column("n_sessions", "Sessions", "count"), len(rows)),
        Metric(Column("pnl_of_history", "P&L of these sessions", "USD"), plain(total(rows["pnl"]))),
        Metric(Column("return_of_history", "Time-weighted return of these sessions", "decimal"), plain(growth)),
        Metric(Column("n_gains", "Sessions with a gain", "count"), int((rows["pnl"] > 0).sum())),
        Metric(Column("best_pnl", "Best session", "USD"), plain(rows["pnl"].max())),
        Metric(Column("worst_pnl", "Worst session", "USD"), plain(rows["pnl"].min())),
    )
    sessions = f"The last {len(rows)} computed sessions, newest first"
    return of_snapshot(
        inputs, "pnl_history", "P&L history", metrics=metrics, tables=(table("history", sessions, columns, rows.iloc[::-1]),)
    )
