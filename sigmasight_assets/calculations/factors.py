"""`factor_loadings`, `factor_covariance` and `factor_betas`: the factor model on every session, from stored returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Table

from sigmasight_assets.calculations.factor_panels import FactorPanel, read_factor_panel, read_return_panel
from sigmasight_assets.calculations.packing import packed
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.valuation import runs_of
from sigmasight_assets.engines import factor_model
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY, WindowFit, rolling_fits
from sigmasight_assets.engines.factor_model import (
    INSUFFICIENT,
    SINGULAR,
    FactorWindow,
    RatesSurprise,
    factor_window,
    rates_surprise,
)
from sigmasight_assets.engines.factor_names import FACTORS, GROWTH, MODEL_FACTORS
from sigmasight_assets.engines.factor_windows import FULL_HISTORY, WINDOW
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import factor_betas, factor_covariance, factor_loadings

OUTLIER = 3.0
COLLINEAR = 10.0
ROWS_PER_FRAME = 200_000
_FLAGS = ("beta_outlier", "collinear", "proxy_contains_instrument", "exact_fit", "no_variation")
_FLAG_TEXTS = np.array(
    [",".join(flag for bit, flag in enumerate(_FLAGS) if mask >> bit & 1) or None for mask in range(1 << len(_FLAGS))], dtype=object
)


def _windows(reader: Reader, sessions: Sequence[date], length: int = WINDOW) -> Iterator[tuple[int, FactorWindow, RatesSurprise | str]]:
    """The factors of each session's window, and its rates surprise or why there is none."""
    for run in runs_of(np.sort(reader.positions(sessions))):
        panel = read_factor_panel(reader, int(run[0]) + 1 - length, int(run[-1]))
        for position in run.tolist():
            span = slice(max(position + 1 - length - panel.first, 0), position + 1 - panel.first)
            window = factor_window(panel.etf_returns[span])
            yield position, window, rates_surprise(window, panel.yield_change[span])


def _status(reason: str | None, rates: RatesSurprise | str) -> tuple[str, str | None]:
    if reason is not None:
        return "unavailable", reason
    return ("partial", rates) if isinstance(rates, str) else ("ok", None)


def loading_frame(reader: Reader, sessions: Sequence[date]) -> pd.DataFrame:
    """Rows of `factor_loadings`."""
    rows = []
    for position, window, rates in _windows(reader, sessions):
        styles, status = window.styles, _status(window.reason, rates)
        for k, name in enumerate(FACTORS):
            rows.append(
                (
                    reader.day(position), name,
                    np.nan if styles is None else styles.market_loading[k],
                    styles.value_loading if styles is not None and k == GROWTH else np.nan,
                    window.vif[k],
                    np.nan if isinstance(rates, str) else rates.gamma[k],
                    window.condition_number, len(window.etf_returns),
                    0 if isinstance(rates, str) else rates.n_obs,
                    np.nan if isinstance(rates, str) else rates.r_squared,
                    *status,
                )
            )  # fmt: skip
    return _frame(factor_loadings, rows)


def covariance_frame(reader: Reader, sessions: Sequence[date], length: int = WINDOW) -> pd.DataFrame:
    """Rows of `factor_covariance`, of windows of `length` returns."""
    rows = []
    for position, window, rates in _windows(reader, sessions, length):
        found: tuple[object, ...] = (None, None, None, np.nan)
        if window.styles is not None:
            moments = factor_model.factor_covariance(window.etf_returns, window.styles, None if isinstance(rates, str) else rates)
            matrices = (moments.covariance, moments.correlation, moments.etf_correlation)
            found = (*(packed(matrix) for matrix in matrices), moments.min_eigenvalue)
        n_rates = 0 if isinstance(rates, str) else rates.n_obs
        status = _status(window.reason, rates)
        rows.append((reader.day(position), list(MODEL_FACTORS), *found, len(window.etf_returns), n_rates, *status))
    return _frame(factor_covariance, rows)


def _frame(table: Table, rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    return columns_to_frame(rows, [(column.name, column.type) for column in table.columns])


def beta_frames(reader: Reader, sessions: Sequence[date]) -> Iterator[tuple[list[date], pd.DataFrame]]:
    """Rows of `factor_betas` in chunks of whole sessions: every symbol that `prices` holds a row of on the session.

    Yields
    ------
    (sessions, frame)
    """
    for run in runs_of(np.sort(reader.positions(sessions))):
        factors = read_factor_panel(reader, int(run[0]) + 1 - WINDOW, int(run[-1]))
        market = read_return_panel(reader, factors.first, int(run[-1]))
        aligned = slice(market.first - factors.first, None)  # the calendar's first session has no return
        fits = rolling_fits(
            factors.etf_returns[aligned],
            factors.yield_change[aligned],
            market.returns,
            (run - market.first).tolist(),
            {name: values[aligned] for name, values in factors.macro.items()},
        )
        chunk: list[date] = []
        parts: list[dict[str, np.ndarray]] = []
        for fitted in fits:
            position = fitted.position + market.first
            chunk.append(reader.day(position))
            parts.append(_session_cells(reader, position, fitted, factors, market.symbols, np.flatnonzero(market.has_row[fitted.position])))
            if sum(len(part["beta"]) for part in parts) >= ROWS_PER_FRAME or position == int(run[-1]):
                yield chunk, _joined(parts)
                chunk, parts = [], []


def _joined(parts: Sequence[dict[str, np.ndarray]]) -> pd.DataFrame:
    cells = {column.name: np.concatenate([part[column.name] for part in parts]) for column in factor_betas.columns}
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in cells.items()})


def _session_cells(
    reader: Reader, position: int, fitted: WindowFit, factors: FactorPanel, symbols: np.ndarray, column: IntArray
) -> dict[str, np.ndarray]:
    """One session's rows as columns, by symbol and factor."""
    names = [*MODEL_FACTORS, RATES_MARKET_ONLY, *factors.macro_at(position)]
    n, k = len(column), len(names)
    figures = {name: np.full((n, k), np.nan) for name in ("beta", "std_error", "r_squared", "residual_vol")}
    n_obs = np.zeros((n, k), dtype=np.int64)
    reason = np.full((n, k), None, dtype=object)
    for j, name in enumerate(names):
        found = fitted.fits[name]
        if isinstance(found, str):
            reason[:, j] = found
            continue
        for figure, values in figures.items():
            values[:, j] = getattr(found, figure)[column]
        n_obs[:, j] = found.n_obs[column]
        why = np.where(found.is_singular[column], SINGULAR, INSUFFICIENT)
        reason[:, j] = np.where(np.isnan(found.beta[column]), why, None)
    known = ~np.isnan(figures["beta"])
    proxies = [factors.proxies.get((position, name), frozenset()) for name in names]
    flags = _flags(figures, known, fitted.window.vif, names, proxies, symbols[column])
    std_error = figures["std_error"]
    t_stat = np.divide(figures["beta"], std_error, out=np.full((n, k), np.nan), where=known & (std_error > 0.0))
    return {
        "session": np.full(n * k, reader.sessions(np.array([position]))[0]),
        "symbol": np.repeat(symbols[column], k),
        "factor": np.tile(np.array(names, dtype=object), n),
        "beta": figures["beta"].ravel(),
        "std_error": std_error.ravel(),
        "t_stat": t_stat.ravel(),
        "r_squared": figures["r_squared"].ravel(),
        "n_obs": n_obs.ravel(),
        "residual_vol": figures["residual_vol"].ravel(),
        "quality": _quality(known, n_obs).ravel(),
        "flags": flags.ravel(),
        "status": np.where(known, "ok", "unavailable").astype(object).ravel(),
        "reason": reason.ravel(),
    }


def _quality(known: np.ndarray, n_obs: np.ndarray) -> np.ndarray:
    return np.select([~known, n_obs >= FULL_HISTORY], ["insufficient", "full_history"], "limited_history").astype(object)


def _flags(
    figures: dict[str, Array], known: np.ndarray, vif: Array, names: Sequence[str], proxies: Sequence[frozenset[str]], symbols: np.ndarray
) -> np.ndarray:
    """Flags of every row as text, shape (n_symbols, n_factors); None without any."""
    inflated = np.zeros(len(names), dtype=bool)
    inflated[: len(FACTORS)] = vif > COLLINEAR
    contained = np.array([[symbol in proxy for proxy in proxies] for symbol in symbols], dtype=bool).reshape(known.shape)
    still = np.isnan(figures["r_squared"])
    exact = (figures["residual_vol"] == 0.0) & ~still
    marks = (np.abs(figures["beta"]) > OUTLIER, np.broadcast_to(inflated, known.shape), contained, exact, still)
    bits = sum((mark & known).astype(np.int64) << bit for bit, mark in enumerate(marks))
    return _FLAG_TEXTS[bits]
