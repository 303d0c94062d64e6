"""Sections on risk metrics and on where the day's gain came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.reports.model import Column, Metric, Section, Table
from sigmasight_assets.reports.sections import known, plain, table
from sigmasight_assets.reports.words import explained
from sigmasight_assets.store.tables import pnl_attribution as attribution_table
from sigmasight_assets.store.tables import risk_metrics as metrics_table
from sigmasight_assets.store.tables import var_exceptions
from sigmasight_assets.store.tables.risk import EXPLAIN_TERMS, FACTOR_TERMS, PERIODS, WINDOWS

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

METRICS, ATTRIBUTION = "risk_metrics", "pnl_attribution"
TOP = 10
MONTH = 21
_VALUE_AT_RISK = (
    Column("var_95", "Value at risk, 1 day, 95 %", "USD"),
    Column("es_95", "Expected shortfall, 95 %", "USD"),
    Column("var_99", "Value at risk, 1 day, 99 %", "USD"),
    Column("es_99", "Expected shortfall, 99 %", "USD"),
    Column("parametric_var_95", "Parametric value at risk, 95 %", "USD"),
    Column("parametric_var_99", "Parametric value at risk, 99 %", "USD"),
    Column("hypothetical_pnl", "Gain of the day before's holdings", "USD"),
    Column("var_coverage", "Share of the book that these are of", "share"),
    Column("n_scenarios", "Returns simulated", "count"),
)
_PERIOD_WORDS = {
    "1d": "1 day",
    "1w": "1 week",
    "1m": "1 month",
    "3m": "3 months",
    "1y": "1 year",
    "mtd": "Month to date",
    "ytd": "Year to date",
}
_RATIOS = (
    Column("window", "Sessions", "count"),
    Column("n_obs", "Returns", "count"),
    Column("volatility", "Volatility a year", "decimal"),
    Column("sharpe", "Sharpe", "ratio"),
    Column("sortino", "Sortino", "ratio"),
    Column("max_drawdown", "Drawdown", "decimal"),
    Column("position_volatility", "Of today's holdings", "decimal"),
    Column("position_sharpe", "Their Sharpe", "ratio"),
    Column("position_sortino", "Their Sortino", "ratio"),
    Column("position_max_drawdown", "Their drawdown", "decimal"),
    Column("missing", "Why not", "text"),
)
_EXCEPTIONS = (
    Column("level", "Level, %", "text"),
    Column("n_exceptions", "Exceptions", "count"),
    Column("n_obs", "Sessions", "count"),
    Column("band_low", "Chance gives, from", "count"),
    Column("band_high", "To", "count"),
    Column("kupiec_p_value", "Kupiec's p", "probability"),
    Column("outcome", "Today", "text"),
)
_COMPONENTS = (
    Column("underlying", "Underlying", "text"),
    Column("es_95", "Of the shortfall, 95 %", "USD"),
    Column("var_95", "Of value at risk, 95 %", "USD"),
    Column("parametric_var_95", "Of the parametric, 95 %", "USD"),
)


def risk_metrics(inputs: Inputs) -> Section:
    """Value at risk with its exceptions and components, volatility, ratios, returns of periods."""
    m, title = metrics_table.c, "Risk metrics"
    rows = inputs.read(select(metrics_table).where(m.portfolio_id == inputs.portfolio.id, m.session == inputs.session))
    if rows.empty:
        return Section(METRICS, title, "unavailable", "not_materialized", inputs.session)
    row = rows.iloc[0]
    periods = tuple(Column(f"return_{period}", f"Return, {_PERIOD_WORDS[period]}", "decimal") for period in PERIODS)
    metrics = tuple(Metric(column, plain(row[column.name])) for column in (*_VALUE_AT_RISK, *periods))
    e = var_exceptions.c
    exceptions = inputs.read(
        select(var_exceptions).where(e.portfolio_id == inputs.portfolio.id, e.session == inputs.session).order_by(e.level)
    )
    tables = [_ratios(row)]
    if len(exceptions):
        tables.append(table("exceptions", "Losses beyond the value at risk of the day before", _EXCEPTIONS, exceptions))
    components = _components(inputs, row)
    tables += [] if components is None else [components]
    coverage = known(row["var_coverage"])
    return Section(METRICS, title, row["status"], row["reason"], inputs.session, coverage, _metric_notes(row), metrics, tuple(tables))


def _metric_notes(row: pd.Series) -> tuple[str, ...]:
    notes = [
        "Value at risk puts today's holdings through the returns of 252 sessions, options repriced, volatility, rates and time unchanged; "
        "losses are positive numbers. The parametric figure is the factor model's volatility times the normal quantile.",
    ]
    dates = [f"{level} % that of {row[f'var_{level}_session']:%Y-%m-%d}" for level in (95, 99) if not pd.isna(row[f"var_{level}_session"])]
    if dates:
        notes.append(f"The day behind value at risk: {', '.join(dates)}.")
    if row["var_coverage"] < 1.0:
        notes.append(
            f"The historical figures are of {row['var_coverage']:.1%} of the book: private assets and names with gaps are left out."
        )
    periods = [_PERIOD_WORDS[period] for period in PERIODS if f"return_{period}" in row["missing"]]
    if periods:
        notes.append(f"No return for {', '.join(periods)}: {explained('insufficient_history')}.")
    return tuple(notes)


def _ratios(row: pd.Series) -> Table:
    """A line per window: realised returns, and today's holdings over past returns."""
    names = [column.name for column in _RATIOS[2:-1]]
    lines = []
    for window in WINDOWS:
        why = sorted({row["missing"][f"{name}_{window}"] for name in names if f"{name}_{window}" in row["missing"]})
        lines.append(
            {
                "window": window,
                "n_obs": int(row[f"n_obs_{window}"]),
                **{name: row[f"{name}_{window}"] for name in names},
                "missing": ", ".join(explained(reason) for reason in why) or None,
            }
        )
    return table("windows", "Volatility, ratios and drawdown", _RATIOS, pd.DataFrame(lines))


def _components(inputs: Inputs, row: pd.Series) -> Table | None:
    """What each underlying adds, largest part of the shortfall first."""
    names = [column.name for column in _COMPONENTS[1:]]
    if any(row[f"{name}_components"] is None for name in names[:2]):
        return None
    underlying = {lot.hex: name for lot, name in zip(inputs.positions["lot_id"], inputs.positions["underlying"], strict=True)}
    nothing = np.full(len(row["lot_ids"]), np.nan)
    parts = {name: nothing if row[f"{name}_components"] is None else row[f"{name}_components"] for name in names}
    frame = pd.DataFrame({"underlying": [underlying.get(lot) for lot in row["lot_ids"]], **parts})
    sums = frame.groupby("underlying", as_index=False).sum(min_count=1)
    sums = sums[sums["es_95"].notna()].sort_values(["es_95", "underlying"], ascending=[False, True])
    return table("components", "What adds to it most; the parts of all add up", _COMPONENTS, sums, TOP)


_EXPLAIN = (
    Column("term", "Term", "text"),
    Column("day", "The day", "USD"),
    Column("month", f"{MONTH} sessions", "USD"),
)


def pnl_attribution(inputs: Inputs) -> Section:
    """The day's gain by Greeks and by factors, beside the sums of a month."""
    a, title = attribution_table.c, "P&L attribution"
    query = select(attribution_table).where(a.portfolio_id == inputs.portfolio.id, a.session <= inputs.session)
    rows = inputs.read(query.order_by(a.session.desc()).limit(MONTH))
    if rows.empty or rows["session"].iloc[0].date() != inputs.session:
        return Section(ATTRIBUTION, title, "unavailable", "not_materialized", inputs.session)
    row = rows.iloc[0]
    tables = (
        _terms(rows, "explain", "By the Greeks of the day before", tuple(EXPLAIN_TERMS)),
        _terms(rows, "factor", "By factor", (*FACTORS, "rates_surprise", *FACTOR_TERMS)),
    )
    metrics = (
        Metric(Column("pnl", "Gain of the day", "USD"), plain(row["pnl"])),
        Metric(Column("explain_residual", "Unexplained by the Greeks", "USD"), plain(row["explain_residual"])),
        Metric(Column("factor_specific", "Specific to the names", "USD"), plain(row["factor_specific"])),
        Metric(Column("factor_coverage", "Share of the book that has betas", "share"), plain(row["factor_coverage"])),
        Metric(Column("n_sessions", "Sessions in the sums", "count"), len(rows)),
    )
    notes = (
        "Each list adds up to the gain. Greeks, exposures and loadings are of the day before; trades, settlements and dividends stand "
        "by themselves. Specific is what the factors do not explain of covered names, non-linear what options gain beyond their delta.",
    )
    return Section(ATTRIBUTION, title, row["status"], row["reason"], inputs.session, known(row["factor_coverage"]), notes, metrics, tables)


def _terms(rows: pd.DataFrame, family: str, title: str, names: tuple[str, ...]) -> Table:
    """Terms of the day and their sums; those that are 0 throughout are left out, the residual and the specific part never are."""
    frame = pd.DataFrame(
        {
            "term": names,
            "day": [rows[f"{family}_{name}"].iloc[0] for name in names],
            "month": [rows[f"{family}_{name}"].sum(min_count=1) for name in names],
        }
    )
    shown = (frame["month"].abs() > 0.005) | frame["day"].isna() | frame["term"].isin(["residual", "specific"])
    return table(family, title, _EXPLAIN, frame[shown])
