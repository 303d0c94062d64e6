"""Betas of many instruments on one core beside a `statsmodels` loop: `python -m benchmarks.factor_betas`.

5,000 instruments x 252 returns x 7 factors with standard errors and R², without gaps and where every instrument has its own 5 % of gaps;
then 249 sessions x 500 instruments rolling over one panel (the factors' orthogonalisation and diagnostics included, no rates regression).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from statsmodels.regression.linear_model import OLS
from statsmodels.tools.tools import add_constant

from benchmarks.timing import Seconds, timed
from sigmasight_assets.engines.factor_betas import Sensitivity, rolling_fits
from sigmasight_assets.engines.factor_model import orthogonal_styles
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.engines.factor_windows import WINDOW
from sigmasight_assets.engines.ols import OlsFit, design_of, fit

INSTRUMENTS, ROLLING_INSTRUMENTS, SESSIONS = 5_000, 500, 249
GAPS = 0.05


def random_panel(n_sessions: int, n_instruments: int, gaps: float) -> tuple[np.ndarray, np.ndarray]:
    """ETF returns that move together, and instruments that follow them; a share of each instrument's returns is missing."""
    random = np.random.default_rng(20221228)
    etf = random.normal(0, 0.01, (n_sessions, 1)) + random.normal(0, 0.004, (n_sessions, len(FACTORS)))
    returns = etf @ random.normal(0.15, 0.5, (len(FACTORS), n_instruments)) + random.normal(0, 0.015, (n_sessions, n_instruments))
    returns[random.random(returns.shape) < gaps] = np.nan
    return etf, returns


def statsmodels_loop(factors: np.ndarray, returns: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Betas, standard errors and R² by a loop, shape (15, n_instruments); its wall and processor seconds."""
    design = add_constant(factors)
    out = np.empty((2 * len(FACTORS) + 1, returns.shape[1]))
    OLS(returns[:, 0][~np.isnan(returns[:, 0])], design[~np.isnan(returns[:, 0])]).fit()  # its first call is not part of the time
    started, worked = time.perf_counter(), time.process_time()
    for j, y in enumerate(returns.T):
        present = ~np.isnan(y)
        found = OLS(y, design).fit() if present.all() else OLS(y[present], design[present]).fit()
        out[:, j] = np.concatenate([found.params[1:], found.bse[1:], [found.rsquared]])
    return out, time.perf_counter() - started, time.process_time() - worked


def compare(name: str, gaps: float) -> None:
    """One batch against the loop."""
    etf, returns = random_panel(WINDOW, INSTRUMENTS, gaps)
    factors = orthogonal_styles(etf).factors
    found, taken = timed(lambda: fit(design_of(factors), returns))
    reference, wall, processor = statsmodels_loop(factors, returns)
    ours = np.vstack([found.beta, found.std_error, found.r_squared])
    print(f"{name:<20} {taken.best * 1000:8.1f} ms, best of {len(taken.wall)}: {INSTRUMENTS:,} x {WINDOW} x {len(FACTORS)} on one core")
    print(
        f"{'statsmodels, a loop':<20} {wall:8.2f} s: a ratio of {wall / taken.best:,.0f}, by processor time {_ratio(processor, taken):,.0f}"
    )
    print(f"{'largest difference':<20} {np.abs(ours - reference).max():8.1e} in beta, standard error or R² (allowed 1e-10)")


def _ratio(processor: float, taken: Seconds) -> float:
    return processor / min(taken.processor)


def rolling(name: str, gaps: float) -> None:
    """Every session of a year over one panel; the last session against a fit by itself."""
    etf, returns = random_panel(WINDOW + SESSIONS - 1, ROLLING_INSTRUMENTS, gaps)
    positions = range(WINDOW - 1, WINDOW + SESSIONS - 1)
    best, worked, last = _best_of(3, lambda: list(rolling_fits(etf, None, returns, positions))[-1].fits["market"])
    alone: OlsFit = fit(design_of(orthogonal_styles(etf[-WINDOW:]).factors), returns[-WINDOW:])
    assert isinstance(last, Sensitivity)
    difference = np.abs(last.beta - alone.beta[0]).max()
    print(f"{name:<20} {best:8.2f} s, best of 3, {worked:.2f} s by processor time: {SESSIONS} sessions x {ROLLING_INSTRUMENTS} instruments")
    print(f"{'largest difference':<20} {difference:8.1e} in the last session's market betas against one window by itself")


def _best_of(n: int, call: Callable[[], object]) -> tuple[float, float, object]:
    wall, processor, result = [], [], None
    for _ in range(n):
        started, worked = time.perf_counter(), time.process_time()
        result = call()
        processor.append(time.process_time() - worked)
        wall.append(time.perf_counter() - started)
    return min(wall), min(processor), result


def main() -> None:
    compare("betas, no gaps", 0.0)
    compare("betas, 5 % gaps", GAPS)
    rolling("rolling, no gaps", 0.0)
    rolling("rolling, 5 % gaps", GAPS)


if __name__ == "__main__":
    main()
