"""`pnl_attribution`: where each day's gain came from, by the Greeks of the day before and by the factors (docs/conventions.md §6, §9)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.factor_inputs import Loadings, read_betas, read_loadings
from sigmasight_assets.calculations.factor_panels import read_factor_panel
from sigmasight_assets.calculations.held_through import GREEKS, DayRows, day_rows, unstored_before
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader, places_of
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.factor_names import FACTORS, MODEL_FACTORS
from sigmasight_assets.engines.pnl_explain import DayMoves, Explained, GreeksBefore, attribute, explain
from sigmasight_assets.store.frames import records_to_frame
from sigmasight_assets.store.tables import pnl_attribution, portfolio_snapshots

FACTOR_COLUMNS = (*(f"factor_{name}" for name in FACTORS), "factor_rates_surprise")


def pnl_attribution_frame(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None
) -> tuple[list[uuid.UUID], pd.DataFrame]:
    """Rows of `pnl_attribution` of some sessions, one for each stored snapshot, and the portfolios they are of (all when None)."""
    ids = portfolios_of(reader, portfolio_ids)
    position = np.sort(reader.positions(sessions))
    records: list[dict[str, Any]] = []
    if ids and len(position):
        factors = _factor_returns(reader, position, ids)
        for chunk, rows in day_rows(reader, position, ids):
            records += _records(reader, chunk, rows, ids, factors)
    return ids, records_to_frame(records, pnl_attribution)


def _factor_returns(reader: Reader, position: IntArray, ids: Sequence[uuid.UUID]) -> Array:
    """The eight factors of each session, made with the loadings of the session before, shape (n_sessions, 8); NaN where unknown."""
    first, last = int(position[0]), int(position[-1])
    panel = read_factor_panel(reader, first, last)
    before = read_loadings(reader, position - 1, compute=unstored_before(reader, position, ids))
    out = np.full((len(position), len(MODEL_FACTORS)), np.nan)
    for line, p in enumerate(position.tolist()):
        loadings: Loadings | None = before.get(p - 1)
        if loadings is not None:
            out[line] = loadings.factor_returns(panel.etf_returns[p - panel.first], float(panel.yield_change[p - panel.first]))
    return out


def _records(reader: Reader, position: IntArray, rows: DayRows, ids: Sequence[uuid.UUID], factors: Array) -> list[dict[str, Any]]:
    """One record per session and portfolio with a snapshot."""
    snapshots = _snapshots(reader, position, ids)
    if snapshots.empty:
        return []
    now = rows.now
    pnl = now["pnl"].to_numpy()
    known = ~np.isnan(pnl)
    settled = known & (now["event"].notna() & (now["event"] != "exited")).to_numpy()
    held = held_through(rows)
    traded = known & ~held & ~settled
    is_private = (now["asset_class"] == "private").to_numpy()
    explained, moves, greeks = explain_rows(reader, rows)
    betas = _betas_before(reader, rows, ids, position)
    is_option = (now["asset_class"] == "option").to_numpy()
    of_day = factors[np.searchsorted(position, rows.position)]
    attributed = attribute(np.where(held, pnl, 0.0), greeks.delta_dollars, moves.underlying, is_option, betas, of_day)
    size = np.where(held, _size(rows.before), 0.0)
    covered = ~np.isnan(betas).any(axis=1) & ~np.isnan(greeks.delta_dollars)
    columns = {f"explain_{name}": values for name, values in vars(explained).items()}
    columns["explain_appraisals"] = np.where(held & is_private, np.nan_to_num(pnl), 0.0)
    columns |= {name: attributed.factors[:, k] for k, name in enumerate(FACTOR_COLUMNS)}
    columns |= {f"factor_{name}": getattr(attributed, name) for name in ("specific", "non_linear", "uncovered")}
    for family in ("explain", "factor"):
        columns[f"{family}_trades"] = np.where(traded, pnl, 0.0)
        columns[f"{family}_settlements"] = np.where(settled, pnl, 0.0)
        columns[f"{family}_dividends"] = now["dividends"].to_numpy()
    gain = np.nan_to_num(pnl) + now["dividends"].to_numpy()
    value = np.nan_to_num(np.abs(now["market_value"])) + np.nan_to_num(np.abs(rows.before["market_value"]))
    columns |= {"pnl_gross": np.abs(gain), "gross_value": value, "size": size, "covered": np.where(covered, size, 0.0)}
    columns["no_greeks"] = held & ~is_private & np.isnan(rows.before["delta_dollars"].to_numpy(dtype=np.float64))
    sums = _sums(columns, rows, ids, position)
    return [_record(reader, head, sums, factors, position, ids) for head in snapshots.to_dict("records")]


def held_through(rows: DayRows) -> BoolArray:
    """Lots that were held at both closes and have a gain by price, shape (n_rows,)."""
    return np.asarray(rows.was_held & rows.now["event"].isna().to_numpy() & rows.now["pnl"].notna().to_numpy())


def explain_rows(reader: Reader, rows: DayRows) -> tuple[Explained, DayMoves, GreeksBefore]:
    """Each row's gain by Greeks, what happened to it, and its Greeks at the close before.

    Everything is 0 for private assets and for rows that were not held through; their delta is NaN.
    """
    now, before = rows.now, rows.before
    is_option = (now["asset_class"] == "option").to_numpy()
    listed = held_through(rows) & (now["asset_class"] != "private").to_numpy()
    split = now["quantity"] / before["quantity"]
    move = np.where(is_option, now["spot"] * split / before["spot"], now["price"] * split / before["price"]) - 1.0
    greeks = {name: np.where(listed, before[name], 0.0) for name in GREEKS}
    greeks["delta_dollars"] = np.where(listed, before["delta_dollars"], np.nan)
    days = reader.calendar.days[rows.position] - reader.calendar.days[rows.position - 1]
    source_now, source_before = now["iv_source"].to_numpy(dtype=object), before["iv_source"].to_numpy(dtype=object)
    moves = DayMoves(
        underlying=move,
        volatility=np.where(is_option, now["iv"] - before["iv"], np.nan),
        rate=np.where(is_option, now["rate"] - before["rate"], np.nan),
        source_changed=np.asarray(is_option & (source_now != source_before)),
        days=days.astype(np.int64),
    )
    known_greeks = GreeksBefore(**greeks)
    return explain(np.where(listed, now["pnl"], 0.0), known_greeks, moves), moves, known_greeks


def _betas_before(reader: Reader, rows: DayRows, ids: Sequence[uuid.UUID], position: IntArray) -> Array:
    """Betas of each row's underlying at the close before, shape (n_rows, 8); a name with seven of them counts for 0 of the eighth."""
    names = sorted(set(rows.now["underlying"]))
    panel = read_betas(reader, position - 1, names, compute=unstored_before(reader, position, ids))
    panel[..., -1] = np.where(np.isnan(panel[..., -1]), 0.0, panel[..., -1])
    name = pd.Index(names).get_indexer(rows.now["underlying"])
    return np.asarray(panel[np.searchsorted(position, rows.position), name])


def _size(rows: pd.DataFrame) -> Array:
    """What coverage counts a lot with: |delta$|, else |notional|, else |cost basis|."""
    size = np.abs(rows["delta_dollars"].to_numpy(dtype=np.float64))
    for other in ("notional_exposure", "cost_basis"):
        size = np.where(np.isnan(size), np.abs(rows[other].to_numpy(dtype=np.float64)), size)
    return np.nan_to_num(size)


def _sums(columns: dict[str, np.ndarray], rows: DayRows, ids: Sequence[uuid.UUID], position: IntArray) -> dict[str, Array]:
    """Sum of each column by session and portfolio, shape (n_sessions, n_portfolios)."""
    cell = np.searchsorted(position, rows.position) * len(ids) + places_of(rows.now["portfolio_id"], ids)
    shape = (len(position), len(ids))
    return {
        name: np.bincount(cell, weights=np.nan_to_num(values.astype(np.float64)), minlength=shape[0] * shape[1]).reshape(shape)
        for name, values in columns.items()
    }


def _snapshots(reader: Reader, position: IntArray, ids: Sequence[uuid.UUID]) -> pd.DataFrame:
    s = portfolio_snapshots.c
    days = [reader.day(p) for p in position.tolist()]
    query = select(s.session, s.portfolio_id, s.pnl, s.status, s.reason).where(
        s.session.between(days[0], days[-1]), s.session.in_(days), s.portfolio_id.in_(list(ids)), s.status != "quarantined"
    )
    return reader.frame(query.order_by(s.session, s.portfolio_id))


def _record(
    reader: Reader, head: dict[str, Any], sums: dict[str, Array], factors: Array, position: IntArray, ids: Sequence[uuid.UUID]
) -> dict[str, Any]:
    day = head["session"].date()
    p = reader.calendar.position(day)
    line, place = int(np.searchsorted(position, p)), list(ids).index(head["portfolio_id"])
    of = {name: float(values[line, place]) for name, values in sums.items()}
    unknown = np.isnan(factors[line])
    of |= {name: np.nan for name, missing in zip(FACTOR_COLUMNS, unknown, strict=True) if missing}
    coverage = of["covered"] / of["size"] if of["size"] > 0 else np.nan
    reasons = [
        ("missing_greeks", of["no_greeks"] > 0),
        ("no_factor_returns", bool(unknown[:-1].any())),
        ("no_rates_change", bool(unknown[-1])),
        ("uncovered_holdings", coverage < 1.0),
    ]
    reason = next((name for name, holds in reasons if holds), None)
    status = {"status": "partial", "reason": reason} if reason else {"status": head["status"], "reason": head["reason"]}
    days = int((reader.calendar.days[p] - reader.calendar.days[p - 1]).astype(np.int64))
    return {
        **of,
        "session": day,
        "portfolio_id": head["portfolio_id"],
        "pnl": head["pnl"],
        "days": days,
        "factor_coverage": coverage,
    } | status
