"""`risk_metrics`: volatility, ratios, returns of periods and value at risk of each portfolio on each session."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.historical_risk import LOWEST_COVERAGE, BookTail, empty_book, session_tails
from sigmasight_assets.calculations.packing import positions_key
from sigmasight_assets.calculations.parametric_risk import ParametricRisk, read_parametric
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.return_metrics import read_risk_free, realised_metrics, window_metrics
from sigmasight_assets.engines import performance, value_at_risk
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.value_at_risk import LEVELS, WINDOW
from sigmasight_assets.store.frames import records_to_frame
from sigmasight_assets.store.tables import portfolio_snapshots, risk_metrics

_NAMES = [f"{round(100 * level)}" for level in LEVELS]
_TAIL = [f"{kind}_{name}" for kind in ("var", "es") for name in _NAMES]
_RATIOS = ("volatility", "sharpe", "sortino", "max_drawdown")
_PERIODS = (*performance.PERIODS, "mtd", "ytd")
_NO_HEAD: Mapping[str, Any] = {"nav": np.nan}
Row = dict[str, Any]


def risk_metrics_frame(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None
) -> tuple[list[uuid.UUID], pd.DataFrame]:
    """Rows of `risk_metrics` of some sessions, one for each stored snapshot, and the portfolios they are of (all when None)."""
    ids = portfolios_of(reader, portfolio_ids)
    position = np.sort(reader.positions(sessions))
    if not ids or not len(position):
        return ids, records_to_frame([], risk_metrics)
    heads = _heads(reader, position, ids)
    realised = realised_metrics(reader, position, ids)
    free = read_risk_free(reader, int(position[0]) - WINDOW + 1, int(position[-1]))
    parametric = read_parametric(reader, position, ids)
    tails = {tail.position: tail for tail in session_tails(reader, position, ids)}
    rows: list[Row] = []
    for line, p in enumerate(position.tolist()):
        window_free = free[p - int(position[0]) : p - int(position[0]) + WINDOW]
        tail = tails.get(p)
        books = [empty_book()] * len(ids) if tail is None else tail.books
        of_positions = _of_positions(books, [heads.get((p, portfolio), _NO_HEAD)["nav"] for portfolio in ids], window_free)
        for i, portfolio in enumerate(ids):
            head, book = heads.get((p, portfolio)), books[i]
            if head is None:
                continue
            row: Row = {name: values[line, i] for name, values in realised.items()}
            row |= {name: values[i] for name, values in of_positions.items()}
            row |= _of_tail(reader, book) | {"hypothetical_pnl": np.nan if tail is None else float(tail.hypothetical_pnl[i])}
            row |= _of_factors(parametric.get((p, portfolio)), book.lot_id)
            row["missing"] = _reasons(row, head, parametric.get((p, portfolio)))
            row |= {"session": reader.day(p), "portfolio_id": portfolio} | _status(row, head)
            rows.append(row)
    return ids, records_to_frame(rows, risk_metrics)


def _heads(reader: Reader, position: IntArray, ids: Sequence[uuid.UUID]) -> dict[tuple[int, uuid.UUID], Mapping[str, Any]]:
    """NAV and status of each stored snapshot."""
    s = portfolio_snapshots.c
    query = select(s.session, s.portfolio_id, s.nav, s.status, s.reason).where(
        s.session.between(reader.day(int(position[0])), reader.day(int(position[-1]))),
        s.portfolio_id.in_(list(ids)),
        s.status != "quarantined",
    )
    rows = reader.frame(query)
    keys = zip(reader.positions_of(rows["session"]).tolist(), rows["portfolio_id"], strict=True)
    return dict(zip(keys, rows.to_dict("records"), strict=True))


def _of_tail(reader: Reader, book: BookTail) -> Row:
    """Historical figures with their components and the sessions behind them."""
    row: Row = {name: book.figures.get(name, np.nan) for name in _TAIL}
    row |= {f"{name}_components": book.components.get(name) for name in _TAIL}
    row |= {f"var_{name}_session": reader.day(book.tail_session[f"var_{name}"]) if book.tail_session else None for name in _NAMES}
    lots = [lot.hex for lot in book.lot_id]
    return row | {
        "n_scenarios": len(book.pnl),
        "var_coverage": book.coverage,
        "lot_ids": lots,
        "positions_key": positions_key(book.lot_id),
    }


def _of_positions(books: Sequence[BookTail], nav: Sequence[float], free: Array) -> dict[str, Array]:
    """Metrics of today's holdings over past returns, each of shape (n_books,): gains of the simulation over today's NAV."""
    base = np.array([value if value > 0 and book.figures else np.nan for value, book in zip(nav, books, strict=True)])
    returns = np.array([book.pnl for book in books]) / base[:, None]  # (n_books, n_scenarios)
    metrics = window_metrics(returns, free, prefix="position_")
    return {name: values for name, values in metrics.items() if "_n_obs_" not in name}


def _of_factors(found: ParametricRisk | None, lot_id: np.ndarray) -> Row:
    """Normal value at risk from the factor model's predicted volatility."""
    row: Row = {f"parametric_var_{name}": np.nan for name in _NAMES}
    row |= {"parametric_var_95_components": None, "beta_coverage": np.nan if found is None else found.coverage}
    if found is not None and not np.isnan(found.daily_deviation):
        for level, name in zip(LEVELS, _NAMES, strict=True):
            row[f"parametric_var_{name}"] = value_at_risk.normal_quantile(level) * found.daily_deviation
        row["parametric_var_95_components"] = value_at_risk.normal_quantile(LEVELS[0]) * found.of_lots(lot_id)
    return row


def _reasons(row: Row, head: Mapping[str, Any], parametric: ParametricRisk | None) -> dict[str, str]:
    """Why each metric that is NULL is so."""
    why: dict[str, str] = {}
    no_base = "nav_not_positive" if not head["nav"] > 0 else "low_coverage"
    for window in performance.WINDOWS:
        short = row[f"n_obs_{window}"] < performance.least_returns(window)
        for name in _RATIOS:
            own, of_positions = f"{name}_{window}", f"position_{name}_{window}"
            if np.isnan(row[own]):
                why[own] = "insufficient_history" if short else _no_ratio(row[f"volatility_{window}"], name)
            if np.isnan(row[of_positions]):
                volatility = row[f"position_volatility_{window}"]
                why[of_positions] = no_base if np.isnan(volatility) else _no_ratio(volatility, name)
    why |= {f"return_{period}": "insufficient_history" for period in _PERIODS if np.isnan(row[f"return_{period}"])}
    why |= {name: "low_coverage" for name in _TAIL if np.isnan(row[name])}
    if np.isnan(row["hypothetical_pnl"]):
        why["hypothetical_pnl"] = "no_holdings_or_return"
    if np.isnan(row["parametric_var_95"]):
        why |= {f"parametric_var_{name}": "not_materialized" if parametric is None else parametric.reason for name in _NAMES}
    return why


def _no_ratio(volatility: float, name: str) -> str:
    """Why a ratio of a full window has no value."""
    if volatility == 0.0:
        return "zero_volatility"
    return "no_losing_day_or_rate" if name == "sortino" else "no_risk_free_rate"


def _status(row: Row, head: Mapping[str, Any]) -> Row:
    """The worst of: the snapshot's status, and holdings that the figures leave out."""
    if head["status"] == "unavailable":
        return {"status": "partial", "reason": head["reason"]}
    if row["var_coverage"] < LOWEST_COVERAGE:
        return {"status": "partial", "reason": "low_coverage"}
    if row["var_coverage"] < 1.0:
        return {"status": "partial", "reason": "uncovered_holdings"}
    return {"status": head["status"], "reason": head["reason"]}
