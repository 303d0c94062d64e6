"""The section of the factor model: exposures with their uncertainty and history, predicted risk, who contributes, what is uncovered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.engines.factor_names import FACTORS, MARKET, RATES
from sigmasight_assets.reports.model import Column, Metric, Section, Table
from sigmasight_assets.reports.sections import known, plain, table
from sigmasight_assets.store.tables import factor_exposures as exposures_table
from sigmasight_assets.store.tables import factor_returns, portfolio_factor_risk

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

NAME, TITLE = "factor_exposures", "Factor exposures"
TOP = 10
HISTORY_SESSIONS = 252
LEAST_HISTORY = 20
"""Sessions with a beta from which on a percentile says something."""
_METRICS = (
    Column("beta", "Market beta of the book", "ratio"),
    Column("beta_std_error", "Its standard error", "ratio"),
    Column("predicted_volatility", "Predicted volatility, of NAV a year", "decimal"),
    Column("predicted_volatility_dollars", "Predicted volatility, $ a year", "USD"),
    Column("factor_variance_share", "Share of the variance that the factors carry", "share"),
    Column("coverage", "Share of the gross exposure that has betas", "share"),
)
_EXPOSURES = (
    Column("factor", "Factor", "text"),
    Column("exposure_long", "Long", "USD"),
    Column("exposure_short", "Short", "USD"),
    Column("exposure_net", "Net", "USD"),
    Column("beta", "Beta", "ratio"),
    Column("std_error", "Std error", "ratio"),
    Column("percentile", "Percentile of own history", "share"),
    Column("volatility_contribution", "Volatility, $ a year", "USD"),
    Column("variance_share", "Of variance", "share"),
)
_CONTRIBUTORS = (
    Column("underlying", "Underlying", "text"),
    Column("delta_dollars", "Delta, $", "USD"),
    Column("market_dollars", "Market exposure, $", "USD"),
    Column("volatility_contribution", "Volatility, $ a year", "USD"),
    Column("share", "Of volatility", "share"),
)
_UNCOVERED = (
    Column("symbol", "Symbol", "text"),
    Column("dollars", "Counts for", "USD"),
    Column("reason", "Why it has no betas", "text"),
)


def factor_exposures(inputs: Inputs) -> Section:
    """Exposures by factor, the largest contributors to the predicted volatility, and what is left out."""
    r = portfolio_factor_risk.c
    risk = inputs.read(select(portfolio_factor_risk).where(r.portfolio_id == inputs.portfolio.id, r.session == inputs.session))
    if risk.empty:
        return Section(NAME, TITLE, "unavailable", "not_materialized", inputs.session)
    row = risk.iloc[0]
    metrics = tuple(Metric(column, plain(row[column.name])) for column in _METRICS)
    tables = tuple(part for part in (_exposures(inputs), _contributors(row), _uncovered(row)) if part is not None)
    notes = _notes(inputs, row)
    return Section(NAME, TITLE, row["status"], row["reason"], inputs.session, known(row["coverage"]), notes, metrics, tables)


def _notes(inputs: Inputs, row: pd.Series) -> tuple[str, ...]:
    notes = [
        "A style is what the market does not explain of its ETF; beta is dollars over NAV; rates: dollars per +100 bp of the 10-year, "
        "beyond what the seven factors carry of it.",
    ]
    f = factor_returns.c
    proxies = inputs.read(select(f.series, f.symbol, f.etf).where(f.session == inputs.session, f.is_stand_in))
    stand_ins = proxies.set_index("series").reindex([name for name in FACTORS if name in set(proxies["series"])])
    if len(stand_ins):
        told = (f"{symbol} for {etf} ({name.replace('_', ' ')})" for name, symbol, etf in stand_ins.itertuples())
        notes.append(f"Stand-ins: {', '.join(told)}.")
    if row["coverage"] < 1.0:
        notes.append(
            f"The figures are of the covered {row['coverage']:.1%} of the gross exposure: "
            f"{row['n_positions'] - row['n_covered']} of {row['n_positions']} lots have no betas."
        )
    return tuple(notes)


def _exposures(inputs: Inputs) -> Table | None:
    e = exposures_table.c
    mine = e.portfolio_id == inputs.portfolio.id
    rows = inputs.read(select(exposures_table).where(mine, e.session == inputs.session))
    if rows.empty:
        return None
    past = select(e.session).where(mine, e.session <= inputs.session, e.factor == FACTORS[MARKET])
    sessions = inputs.read(past.order_by(e.session.desc()).limit(HISTORY_SESSIONS))["session"]
    own = select(e.session, e.factor, e.beta).where(mine, e.session.between(sessions.min().date(), inputs.session), e.beta.is_not(None))
    history = inputs.read(own.where(e.status != "quarantined")).pivot(index="session", columns="factor", values="beta")
    percentile = [_percentile(history, str(name), beta) for name, beta in zip(rows["factor"], rows["beta"], strict=True)]
    order = {name: k for k, name in enumerate((*FACTORS, RATES))}
    rows = rows.assign(percentile=percentile, order=rows["factor"].map(order).fillna(len(order))).sort_values(["order", "factor"])
    return table("exposures", f"By factor, percentile over {len(history)} sessions", _EXPOSURES, rows)


def _percentile(history: pd.DataFrame, factor: str, beta: float) -> float:
    """Share of the portfolio's own betas that are at most today's; NaN while there are few."""
    own = history[factor].dropna() if factor in history else pd.Series(dtype=float)
    return float((own <= beta).mean()) if len(own) >= LEAST_HISTORY and not np.isnan(beta) else float("nan")


def _contributors(row: pd.Series) -> Table | None:
    """Underlyings by their contribution to the predicted volatility."""
    contribution = unpacked(row["volatility_contributions"])
    if not np.isfinite(contribution).any():
        return None
    dollars = unpacked(row["dollars"]).reshape(len(contribution), -1)
    frame = pd.DataFrame(
        {
            "underlying": row["underlyings"],
            "delta_dollars": unpacked(row["delta_dollars"]),
            "market_dollars": dollars[:, MARKET],
            "volatility_contribution": contribution,
        }
    )
    sums = frame[np.isfinite(contribution)].groupby("underlying", as_index=False).sum()
    sums = sums.assign(share=sums["volatility_contribution"] / row["predicted_volatility_dollars"])
    sums = sums.sort_values(["volatility_contribution", "underlying"], ascending=[False, True], key=_size)
    return table("contributors", "Contributors to the predicted volatility, largest first", _CONTRIBUTORS, sums, TOP)


def _size(values: pd.Series) -> pd.Series:
    return values.abs() if values.dtype.kind == "f" else values


def _uncovered(row: pd.Series) -> Table | None:
    """The largest lots without betas."""
    parts = {"symbol": row["symbols"], "dollars": unpacked(row["uncovered_dollars"]), "reason": row["uncovered_reasons"]}
    frame = pd.DataFrame(parts)
    frame = frame[frame["reason"].notna()].sort_values(["dollars", "symbol"], ascending=[False, True])
    if frame.empty:
        return None
    return table("uncovered", "Lots without betas, largest first", _UNCOVERED, frame, TOP)
