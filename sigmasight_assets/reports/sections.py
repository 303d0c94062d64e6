"""The sections of the spine: each turns what was read into figures and tables. Figures come from the tables as they stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sigmasight_assets.reports.model import Column, Metric, Section, Table, Value

if TYPE_CHECKING:
    from sigmasight_assets.reports.collector import Inputs

TOP = 10
_SUMMARY = (
    Column("nav", "Net asset value", "USD"),
    Column("cash", "Cash (negative is margin)", "USD"),
    Column("market_value_long", "Long market value", "USD"),
    Column("market_value_short", "Short market value", "USD"),
    Column("market_value_gross", "Gross market value", "USD"),
    Column("market_value_net", "Net market value", "USD"),
    Column("pnl", "P&L of the day", "USD"),
    Column("daily_return", "Return of the day", "decimal"),
    Column("year_pnl", "P&L of the calendar year", "USD"),
    Column("unrealized_pnl", "Unrealised P&L of open lots", "USD"),
    Column("realized_pnl", "Realised P&L of closed lots", "USD"),
    Column("flows", "Flows of the day", "USD"),
    Column("coverage", "Coverage: share of the book with a price", "share"),
    Column("n_positions", "Open lots", "count"),
)
_FAMILIES = {"market_value": "Market value", "notional": "Notional", "delta": "Delta"}
_SIDES = ("long", "short", "gross", "net")
_GREEKS = (
    Column("delta_dollars", "Delta, $", "USD"),
    Column("gamma_dollars_per_pct", "Gamma, $ per 1 %", "USD"),
    Column("theta_per_day", "Theta, $ a day", "USD per day"),
    Column("vega_per_volpt", "Vega, $ a point", "USD"),
    Column("rho_per_pct", "Rho, $ per 1 %", "USD"),
)


def plain(value: Any) -> Value:
    """A cell as Python has it: None for missing, dates without time."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value.item() if hasattr(value, "item") else value


def table(name: str, title: str, columns: tuple[Column, ...], frame: pd.DataFrame) -> Table:
    rows = tuple(tuple(plain(cell) for cell in row) for row in frame[[column.name for column in columns]].itertuples(index=False))
    return Table(name, title, columns, rows)


def _of_snapshot(inputs: Inputs, name: str, title: str, **parts: Any) -> Section:
    row = inputs.snapshot
    return Section(name, title, row["status"], row["reason"], inputs.session, _share(row["coverage"]), **parts)


def executive_summary(inputs: Inputs) -> Section:
    metrics = tuple(Metric(column, plain(inputs.snapshot[column.name])) for column in _SUMMARY)
    return _of_snapshot(inputs, "portfolio_snapshots", "Executive summary", metrics=metrics, notes=_attention(inputs))


def _attention(inputs: Inputs) -> tuple[str, ...]:
    """What deserves a look, each with the rule that raised it."""
    row, notes = inputs.snapshot, []
    if row["n_missing"] > 0:
        notes.append(f"{row['n_missing']} open lots have no price (rule: price_status is missing); their value is in no total.")
    if row["n_stale"] > 0:
        notes.append(f"{row['n_stale']} open lots are valued at an older close (rule: price_status is stale, at most 5 sessions old).")
    modelled = int((inputs.positions["price_status"] == "model").sum())
    if modelled:
        notes.append(f"{modelled} option lots are valued by the model, for want of a quote (rule: price_status is model).")
    if row["cash"] < 0:
        notes.append("Cash is negative: the book is on margin (rule: cash below 0).")
    if pd.isna(row["nav"]):
        notes.append(f"NAV is not known: {row['reason']}.")
    return tuple(notes)


def exposures(inputs: Inputs) -> Section:
    row = inputs.snapshot
    metrics = []
    rows: list[tuple[Value, ...]] = []
    for family, label in _FAMILIES.items():
        for side in _SIDES:
            metrics.append(Metric(Column(f"{family}_{side}", f"{label} {side}", "USD"), plain(row[f"{family}_{side}"])))
            metrics.append(
                Metric(Column(f"{family}_{side}_share", f"{label} {side}", "share of NAV"), plain(row[f"{family}_{side}_share"]))
            )
        amounts = [plain(row[f"{family}_{side}"]) for side in _SIDES]
        rows.append((label, *amounts, plain(row[f"{family}_gross_share"]), plain(row[f"{family}_net_share"])))
    columns = (
        Column("family", "Exposure", "text"),
        *(Column(side, side.capitalize(), "USD") for side in _SIDES),
        Column("gross_share", "Gross / NAV", "share"),
        Column("net_share", "Net / NAV", "share"),
    )
    notes = ("Market value: what the lots are worth. Notional: options at quantity x multiplier x spot. Delta: options at their delta.",)
    shown = Table("exposures", "Exposures", columns, tuple(rows))
    return _of_snapshot(inputs, "exposures", "Exposures", metrics=tuple(metrics), tables=(shown,), notes=notes)


def allocation(inputs: Inputs) -> Section:
    """Market value by asset class and by sector; long and short sides apart."""
    held = inputs.positions[inputs.positions["event"].isna()].copy()
    held["group"] = held["asset_class"].map({"equity": "Shares and funds", "option": "Options", "private": "Private assets"})
    held["sector"] = held["sector"].where(held["sector"].notna(), held["fund_category"])
    held["sector"] = held["sector"].where(held["sector"].notna(), held["group"] + ", no sector")
    return _of_snapshot(
        inputs,
        "allocation",
        "Allocation",
        tables=(_sums(held, "group", "By asset class", inputs), _sums(held, "sector", "By sector (options by underlying)", inputs)),
    )


def _sums(held: pd.DataFrame, by: str, title: str, inputs: Inputs) -> Table:
    value = held["market_value"]
    parts = held.assign(long=value.clip(lower=0), short=value.clip(upper=0), lots=1, lost=value.isna())
    sums = parts.groupby(by, as_index=False)[["long", "short", "lots", "lost"]].sum().assign(net=lambda rows: rows["long"] + rows["short"])
    unknown = sums["lost"] == sums["lots"]  # nothing of the group is priced: no sum, and no zero
    sums.loc[unknown, ["long", "short", "net"]] = float("nan")
    nav = inputs.snapshot["nav"]
    sums["share"] = sums["net"] / nav if nav > 0 else float("nan")
    columns = (
        Column(by, "Group", "text"),
        Column("lots", "Lots", "count"),
        Column("long", "Long", "USD"),
        Column("short", "Short", "USD"),
        Column("net", "Net", "USD"),
        Column("share", "Net / NAV", "share"),
    )
    return table(f"by_{by}", title, columns, sums.sort_values("net", ascending=False, key=lambda net: net.abs()))


def holdings(inputs: Inputs) -> Section:
    held = inputs.positions[inputs.positions["event"].isna()]
    nav = inputs.snapshot["nav"]
    shown = held.head(TOP).assign(weight=lambda rows: rows["market_value"] / nav if nav > 0 else float("nan"))
    columns = (
        Column("symbol", "Symbol", "text"),
        Column("position_type", "Type", "text"),
        Column("quantity", "Quantity", "count"),
        Column("price", "Price", "price"),
        Column("price_status", "Price is", "text"),
        Column("market_value", "Market value", "USD"),
        Column("weight", "Of NAV", "share"),
        Column("unrealized_pnl", "Unrealised P&L", "USD"),
        Column("pnl", "P&L of the day", "USD"),
    )
    top = table("top_holdings", f"The {min(TOP, len(held))} largest of {len(held)} open lots", columns, shown)
    ended = inputs.positions[inputs.positions["event"].notna()]
    tables = (top,) if ended.empty else (top, _ended(ended))
    return _of_snapshot(inputs, "position_values", "Holdings", tables=tables)


def _ended(rows: pd.DataFrame) -> Table:
    columns = (
        Column("symbol", "Symbol", "text"),
        Column("event", "How", "text"),
        Column("quantity", "Quantity", "count"),
        Column("price", "Price", "price"),
        Column("realized_pnl", "Realised P&L", "USD"),
    )
    return table("ended", "Ended on this session", columns, rows)


def greeks(inputs: Inputs) -> Section:
    row = inputs.snapshot
    options = inputs.positions[(inputs.positions["asset_class"] == "option") & inputs.positions["event"].isna()]
    names = [column.name for column in _GREEKS]
    totals = {"delta_dollars": row["delta_net"], **{name: row[name] for name in names[1:]}}
    metrics = tuple(Metric(column, plain(totals[column.name])) for column in _GREEKS)
    by = options.groupby("underlying", as_index=False)[names].sum(min_count=1).sort_values("underlying")
    columns = (Column("underlying", "Underlying", "text"), *_GREEKS)
    sources = inputs.options["iv_source"].fillna("none").value_counts().sort_index()
    told = ", ".join(f"{n} {source}" for source, n in sources.items())
    notes = (
        "Delta counts the whole book; the other Greeks come from its options.",
        f"Volatility is from: {told}. American listings are priced as European ones." if told else "The book holds no options.",
    )
    tables = (table("by_underlying", "Options by underlying", columns, by),) if len(by) else ()
    coverage = _share(row["delta_coverage"])
    status, reason = (row["status"], row["reason"]) if coverage == 1.0 or coverage is None else ("partial", "missing_greeks")
    return Section("option_greeks", "Greeks", status, reason, inputs.session, coverage, notes, metrics, tables)


def pnl_history(inputs: Inputs) -> Section:
    columns = (
        Column("session", "Session", "date"),
        Column("nav", "NAV", "USD"),
        Column("pnl", "P&L", "USD"),
        Column("daily_return", "Return", "decimal"),
        Column("flows", "Flows", "USD"),
        Column("coverage", "Coverage", "share"),
    )
    history = table("history", f"The last {len(inputs.history)} sessions", columns, inputs.history.iloc[::-1])
    total = Metric(Column("pnl_of_history", f"P&L of {len(inputs.history)} sessions", "USD"), plain(inputs.history["pnl"].sum()))
    return _of_snapshot(inputs, "pnl_history", "P&L history", metrics=(total,), tables=(history,))


def data_quality(inputs: Inputs) -> Section:
    held = inputs.positions[inputs.positions["event"].isna()]
    counts = held["price_status"].value_counts()
    metrics = [
        Metric(Column(f"n_{word}", f"Lots priced: {word}", "count"), int(counts.get(word, 0)))
        for word in ("ok", "stale", "model", "appraisal", "missing")
    ]
    metrics.append(
        Metric(Column("delta_coverage", "Share of the book whose delta is known", "share"), plain(inputs.snapshot["delta_coverage"]))
    )
    doubtful = held[held["price_status"].isin(["missing", "stale"]) | held["reason"].notna()]
    lots_columns = (
        Column("symbol", "Symbol", "text"),
        Column("price_status", "Price is", "text"),
        Column("price_date", "Of", "date"),
        Column("reason", "Why", "text"),
    )
    made_columns = (
        Column("table_name", "Table", "text"),
        Column("status", "Status", "text"),
        Column("reason", "Why", "text"),
        Column("rows", "Rows", "count"),
        Column("changed_on", "Last changed", "text"),
        Column("code_version", "Code version", "text"),
    )
    made = inputs.provenance.sort_values("table_name")
    made = made.assign(changed_on=made["changed_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    tables = [table("provenance", "Where the numbers come from", made_columns, made)]
    if len(doubtful):
        tables.insert(0, table("doubtful", "Lots without a fresh price or with a reason", lots_columns, doubtful))
    return _of_snapshot(inputs, "data_quality", "Data quality", metrics=tuple(metrics), tables=tuple(tables))


def _share(value: float) -> float | None:
    return None if value != value else float(value)
