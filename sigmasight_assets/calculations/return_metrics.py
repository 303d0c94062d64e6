"""Volatility, ratios, drawdown and period returns of portfolios over many sessions (docs/conventions.md §9)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sqlalchemy import select

from sigmasight_assets.calculations.market_panels import read_yields
from sigmasight_assets.calculations.reader import Reader, places_of
from sigmasight_assets.engines import performance
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.price_panel import STALE_LIMIT, carry
from sigmasight_assets.store.tables import portfolio_snapshots

LONGEST = 253
"""Returns that a session reads at most: no calendar year has more sessions."""
CELLS = 4_000_000
BILL_YEARS = 0.25
SESSIONS_PER_YEAR = 252.0


def read_daily_returns(reader: Reader, portfolio_ids: Sequence[uuid.UUID], first: int, last: int) -> Array:
    """Stored returns of the sessions from calendar position `first` to `last`, shape (n_sessions, n_portfolios); NaN where none is."""
    s = portfolio_snapshots.c
    query = select(s.session, s.portfolio_id, s.daily_return).where(
        s.session.between(reader.day(first), reader.day(last)), s.portfolio_id.in_(list(portfolio_ids)), s.status != "quarantined"
    )
    rows = reader.frame(query)
    out = np.full((last - first + 1, len(portfolio_ids)), np.nan)
    out[reader.positions_of(rows["session"]) - first, places_of(rows["portfolio_id"], portfolio_ids)] = rows["daily_return"]
    return out


def read_risk_free(reader: Reader, first: int, last: int) -> Array:
    """What cash earned on each session: the 3-month bill of the session before, over 252; NaN without one of the last 5 sessions."""
    start = max(first - 1 - STALE_LIMIT, 0)
    tenors, yields = read_yields(reader, start, last)
    bill = np.flatnonzero(np.isclose(tenors, BILL_YEARS))
    level = yields[:, bill[:1]] if len(bill) else np.full((len(yields), 1), np.nan)
    filled, _ = carry(level)
    return np.asarray(filled[first - 1 - start : last - start, 0] / SESSIONS_PER_YEAR)


def window_metrics(returns: Array, risk_free: Array, prefix: str = "") -> dict[str, Array]:
    """Volatility, Sharpe, Sortino and drawdown of each window.

    Parameters
    ----------
    returns : Array of shape (…, n_days)
        Ending with the session; the longest window reads all.
    risk_free : Array broadcasting to it

    Returns
    -------
    dict
        Column -> Array of the leading shape; NaN where less than 90 % of a window has returns. Under `n_obs_…` the counts.
    """
    out: dict[str, Array] = {}
    for window in performance.WINDOWS:
        recent, free = returns[..., -window:], np.broadcast_to(risk_free, returns.shape)[..., -window:]
        n = performance.count(recent)
        enough = n >= performance.least_returns(window)
        figures = {
            "volatility": performance.annual_volatility(recent),
            "sharpe": performance.sharpe_ratio(recent, free),
            "sortino": performance.sortino_ratio(recent, free),
            "max_drawdown": performance.max_drawdown(recent),
        }
        out |= {f"{prefix}{name}_{window}": np.where(enough, values, np.nan) for name, values in figures.items()}
        out[f"{prefix}n_obs_{window}"] = n
    return out


def realised_metrics(reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID]) -> dict[str, Array]:
    """Window metrics and period returns of the portfolios' own returns, each of shape (n_sessions, n_portfolios)."""
    n_at_once = max(1, CELLS // (LONGEST * max(1, len(portfolio_ids))))
    parts = [_realised(reader, position[start : start + n_at_once], portfolio_ids) for start in range(0, len(position), n_at_once)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _realised(reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID]) -> dict[str, Array]:
    first, last = int(position[0]) - LONGEST + 1, int(position[-1])
    returns = read_daily_returns(reader, portfolio_ids, first, last)
    risk_free = read_risk_free(reader, first, last)
    rows = position - position[0]
    windows = sliding_window_view(returns, LONGEST, axis=0)[rows]  # (n_sessions, n_portfolios, LONGEST)
    free = sliding_window_view(risk_free, LONGEST)[rows][:, None, :]
    out = window_metrics(windows[..., -performance.WINDOWS[-1] :], free[..., -performance.WINDOWS[-1] :])
    for period, n in performance.PERIODS.items():
        out[f"return_{period}"] = performance.period_return(windows[..., -n:])
    for period, starts in (("mtd", _starts(reader, position, months=True)), ("ytd", _starts(reader, position, months=False))):
        length = position - starts + 1
        inside = np.arange(LONGEST)[None, :] >= LONGEST - length[:, None]  # (n_sessions, LONGEST)
        out[f"return_{period}"] = performance.period_return(np.where(inside[:, None, :], windows, 0.0))
    return out


def _starts(reader: Reader, position: IntArray, *, months: bool) -> IntArray:
    """Calendar position of the first session of each session's month, or year."""
    days = reader.calendar.days[position]
    begin = days.astype("datetime64[M]" if months else "datetime64[Y]").astype("datetime64[D]")
    return np.searchsorted(reader.calendar.days, begin).astype(np.int64)
