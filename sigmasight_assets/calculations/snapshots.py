"""`portfolio_snapshots`: NAV, P&L and exposures of each portfolio on each session.

NAV comes from cash events and market values, P&L from the cases of each lot: two ways, so that their identity is a check.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.earlier_sessions import EarlierSessions
from sigmasight_assets.calculations.kept_rows import position_rows
from sigmasight_assets.calculations.nav import net_asset_value, read_portfolio_cash
from sigmasight_assets.calculations.reader import Reader, places_of
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.ledger.book import Book
from sigmasight_assets.ledger.kept_book import kept_book
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import portfolio_factor_risk, portfolio_snapshots, position_correlations
from sigmasight_assets.store.tables.portfolio import EXPOSURE_FAMILIES

COLUMNS = [column.name for column in portfolio_snapshots.columns]
_FAMILY_COLUMN = dict(zip(EXPOSURE_FAMILIES, ("market_value", "notional_exposure", "delta_dollars"), strict=True))
ROWS_PER_READ = 400_000
GREEKS = ("gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct")
_READ = (
    "session", "portfolio_id", "event", "quantity", "price_status", "market_value", "cost_basis",
    "unrealized_pnl", "pnl", "dividends", "coverage_change", "notional_exposure", "delta_dollars", *GREEKS,
)  # fmt: skip


@dataclass(frozen=True)
class _Grid:
    """Sums on (session, portfolio) pairs, shape (n_sessions, n_portfolios)."""

    position: IntArray
    n_portfolios: int

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.position), self.n_portfolios


def snapshot_frame(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None
) -> tuple[list[uuid.UUID], pd.DataFrame]:
    """Rows of `portfolio_snapshots` of some sessions, and the portfolios they are of (all when None)."""
    book = kept_book(reader.database, reader.connection, reader.calendar, portfolio_ids)
    position = np.sort(reader.positions(sessions))
    if not book.portfolio_ids or not len(position):
        return book.portfolio_ids, columns_to_frame([], [(column.name, column.type) for column in portfolio_snapshots.columns])
    grid = _Grid(position, len(book.portfolio_ids))
    held = _held_sums(reader, book, grid)
    before, of_the_year = np.setdiff1d(position - 1, position), _earlier_in_the_year(reader, position)
    earlier = EarlierSessions(reader, book, np.union1d(before, of_the_year))
    cash = _cash_columns(reader, book, grid, held, dict(zip(before.tolist(), earlier.market_values(before), strict=True)))
    gains = earlier.gains(of_the_year, CODE_VERSIONS["portfolio_snapshots"])
    daily = dict(zip(of_the_year.tolist(), gains, strict=True)) | dict(zip(position.tolist(), held["pnl"], strict=True))
    columns = {**held, **cash, "year_pnl": _year_pnl(reader, grid, daily)}
    columns |= _shares_of_nav(columns)
    columns |= _risk_columns(reader, book, grid)
    columns |= _status(columns)
    rows, places = np.meshgrid(position, np.arange(grid.n_portfolios), indexing="ij")
    ids = np.empty(grid.n_portfolios, dtype=object)
    ids[:] = book.portfolio_ids
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    frame["session"] = reader.sessions(rows.ravel())
    frame["portfolio_id"] = pd.Series(ids[places.ravel()], dtype=object)
    return book.portfolio_ids, frame[COLUMNS]


def _held_sums(reader: Reader, book: Book, grid: _Grid) -> dict[str, np.ndarray]:
    """Sums over the stored rows of `position_values`, each of shape (n_sessions, n_portfolios)."""
    size = max(1, ROWS_PER_READ // max(1, len(book.lots)))
    chunks = [grid.position[start : start + size] for start in range(0, len(grid.position), size)]
    parts = [_sums_of(_read_rows(reader, book, chunk), _Grid(chunk, grid.n_portfolios)) for chunk in chunks]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _read_rows(reader: Reader, book: Book, position: IntArray) -> pd.DataFrame:
    """Stored rows of the sessions with `line` and `place`: indices of the session and of the portfolio."""
    rows = position_rows(reader, reader.days(position), book.portfolio_ids, _READ, quarantined=True)
    line = np.searchsorted(position, reader.positions_of(rows["session"]))
    return rows.assign(line=line, place=places_of(rows["portfolio_id"], book.portfolio_ids))


def _sums_of(rows: pd.DataFrame, grid: _Grid) -> dict[str, np.ndarray]:
    cell = (rows["line"] * grid.n_portfolios + rows["place"]).to_numpy(dtype=np.int64)

    def total(values: np.ndarray) -> np.ndarray:
        weights = np.where(np.isnan(values), 0.0, values)
        sums = np.bincount(cell, weights=weights, minlength=len(grid.position) * grid.n_portfolios)
        return sums.astype(np.float64).reshape(grid.shape)  # of no rows at all bincount makes integers

    def number(name: str) -> Array:
        return rows[name].to_numpy(dtype=np.float64)

    is_open = rows["event"].isna().to_numpy()
    missing = is_open & (rows["price_status"] == "missing").to_numpy()
    stale = is_open & (rows["price_status"] == "stale").to_numpy()
    is_long = number("quantity") > 0
    gain = np.nan_to_num(number("pnl")) + number("dividends")
    n_positions = total(is_open.astype(float))
    out: dict[str, np.ndarray] = {
        "pnl": total(gain),
        "pnl_long": total(np.where(is_long, gain, 0.0)),
        "pnl_short": total(np.where(is_long, 0.0, gain)),
        "dividends": total(number("dividends")),
        "coverage_change": total(number("coverage_change")),
        "unrealized_pnl": total(number("unrealized_pnl")),
        "market_value": total(number("market_value")),
        "n_positions": n_positions.astype(np.int64),
        "n_missing": total(missing.astype(float)).astype(np.int64),
        "n_stale": total(stale.astype(float)).astype(np.int64),
    }

    def known_part(name: str, values: np.ndarray) -> np.ndarray:
        """A sum; NaN where lots are held and none of them has the number: nothing known is not zero."""
        known = total((~np.isnan(number(name))).astype(float))
        return np.where((known == 0) & (n_positions > 0), np.nan, total(values))

    for family, name in _FAMILY_COLUMN.items():
        long, short = (known_part(name, side(number(name), 0.0)) for side in (np.maximum, np.minimum))
        out |= {f"{family}_long": long, f"{family}_short": short, f"{family}_gross": long - short, f"{family}_net": long + short}
    out |= {name: known_part(name, number(name)) for name in GREEKS}
    cost = np.abs(number("cost_basis"))
    priced, lost = total(np.abs(number("market_value"))), total(np.where(missing, cost, 0.0))
    size = np.abs(number("notional_exposure"))
    size = np.where(is_open, np.where(np.isnan(size), cost, size), 0.0)
    covered = np.where(np.isnan(number("delta_dollars")), 0.0, size)
    return out | {"coverage": _ratio(priced, priced + lost), "delta_coverage": _ratio(total(covered), total(size))}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole; NaN where there is nothing to cover."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _cash_columns(
    reader: Reader, book: Book, grid: _Grid, held: dict[str, np.ndarray], earlier_values: dict[int, Array]
) -> dict[str, np.ndarray]:
    """Cash, NAV, NAV of the session before, flows and realised P&L; NaN while C0 or a settlement is unknown."""
    position = grid.position
    cash = read_portfolio_cash(reader, book, int(position[-1]))
    now = net_asset_value(cash, position, held["market_value"])
    value = earlier_values | dict(zip(position.tolist(), now.market_value, strict=True))
    before = np.array([value[p - 1] for p in position.tolist()])
    flow_now, _ = cash.sum_at(cash.runs.flows, position)
    flow_before, _ = cash.sum_at(cash.runs.flows, position - 1)
    realized, known = cash.sum_at(cash.runs.realized, position)
    flows = flow_now - flow_before
    nav_previous = cash.at(position - 1) + before
    base = nav_previous + flows + held["coverage_change"]
    return {
        "cash": now.cash,
        "opening_is_known": np.broadcast_to(~np.isnan(cash.opening), grid.shape),
        "nav": now.nav,
        "nav_previous": nav_previous,
        "flows": flows,
        "realized_pnl": np.where(known, realized, np.nan),
        "daily_return": np.divide(held["pnl"], base, out=np.full(base.shape, np.nan), where=base > 0),
    }


def _earlier_in_the_year(reader: Reader, position: IntArray) -> IntArray:
    """Sessions from the first of the year of the first one on that are not among them."""
    first_of_year = reader.calendar.position_on_or_after(date(reader.day(int(position[0])).year, 1, 1))
    return np.setdiff1d(np.arange(first_of_year, int(position[-1])), position)


def _year_pnl(reader: Reader, grid: _Grid, daily: dict[int, Array]) -> np.ndarray:
    """Sum of P&L from the first session of each session's calendar year."""
    out = np.empty(grid.shape)
    for year in sorted({reader.day(p).year for p in grid.position.tolist()}):
        first, last = (reader.calendar.position_on_or_after(date(year, 1, 1)), reader.calendar.position_on_or_before(date(year, 12, 31)))
        mine = (grid.position >= first) & (grid.position <= last)
        until = int(grid.position[mine].max())
        running = np.cumsum([daily[p] for p in range(first, until + 1)], axis=0)
        out[mine] = running[grid.position[mine] - first]
    return out


def _shares_of_nav(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    nav = columns["nav"]
    return {
        f"{family}_{side}_share": np.divide(columns[f"{family}_{side}"], nav, out=np.full(nav.shape, np.nan), where=nav > 0)
        for family in EXPOSURE_FAMILIES
        for side in ("long", "short", "gross", "net")
    }


def _risk_columns(reader: Reader, book: Book, grid: _Grid) -> dict[str, np.ndarray]:
    """What the factor model and the correlations say of each portfolio; NaN and a reason where they say nothing."""
    risk, correlation = portfolio_factor_risk.c, position_correlations.c
    of_risk = {name: risk[name] for name in ("beta", "predicted_volatility", "coverage")}
    found = _aligned(reader, book, grid, of_risk, risk, risk.status != "quarantined")
    whole_book = (correlation.view == "portfolio") & (correlation.status != "quarantined")
    other = _aligned(reader, book, grid, {"average_correlation": correlation.average_correlation}, correlation, whole_book)
    return {
        "beta": found["beta"],
        "predicted_volatility": found["predicted_volatility"],
        "factor_coverage": found["coverage"],
        "factor_reason": found["reason"],
        "average_correlation": other["average_correlation"],
        "correlation_reason": other["reason"],
    }


def _aligned(reader: Reader, book: Book, grid: _Grid, wanted: dict[str, Any], table: Any, condition: Any) -> dict[str, np.ndarray]:
    """Columns of a table with a row per session and portfolio on the grid, with its reason; `not_materialized` where it has none."""
    columns = [column.label(name) for name, column in wanted.items()]
    span = table.session.between(reader.day(int(grid.position[0])), reader.day(int(grid.position[-1])))
    query = select(table.session, table.portfolio_id, *columns, table.reason).where(span, condition)
    rows = reader.frame(query.where(table.portfolio_id.in_(book.portfolio_ids)))
    at = reader.positions_of(rows["session"])
    rows, at = rows[np.isin(at, grid.position)], at[np.isin(at, grid.position)]
    cell = (np.searchsorted(grid.position, at), places_of(rows["portfolio_id"], book.portfolio_ids))
    out: dict[str, np.ndarray] = {name: np.full(grid.shape, np.nan) for name in wanted}
    for name, values in out.items():
        values[cell] = rows[name].to_numpy(dtype=np.float64)
    out["reason"] = np.full(grid.shape, "not_materialized", dtype=object)
    out["reason"][cell] = rows["reason"].to_numpy(dtype=object)
    return out


def _status(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    no_nav = np.isnan(columns["nav"])
    uncovered = columns["n_missing"] > 0
    no_delta = columns["delta_coverage"] < 1.0
    older = columns["n_stale"] > 0
    conditions = [no_nav & ~columns["opening_is_known"], no_nav, uncovered, no_delta, older]
    status = np.select(conditions, ["unavailable", "unavailable", "partial", "partial", "stale"], "ok")
    reason = np.select(conditions, ["c0_unresolved", "settlement_unpriced", "missing_prices", "missing_greeks", "stale_prices"], None)
    return {"status": status.astype(object), "reason": reason.astype(object)}
