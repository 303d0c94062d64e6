"""Realised volatility of daily returns, the last rung of the implied-volatility ladder (docs/conventions.md §5)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sigmasight_assets.engines.arrays import Array

WINDOW = 63
SESSIONS_PER_YEAR = 252.0


def realized_volatility(adj_close: npt.ArrayLike, window: int = WINDOW) -> Array:
    """Rolling standard deviation (ddof 1) of simple returns × √252.

    Two passes over the window, never a running sum of squares: a price that stands still has a volatility of exactly 0
    whatever came before it, and a session's figure does not depend on where the panel begins.

    Parameters
    ----------
    adj_close : array_like of shape (n_sessions, n_symbols)
        Adjusted closes of consecutive sessions; NaN or not positive where there is none.
    window : int
        Returns in the window, at least 2; it reads ``window + 1`` closes.

    Returns
    -------
    ndarray of shape (n_sessions, n_symbols)
        Decimal per year, as known at each session's close; NaN unless all ``window`` returns are present.

    Raises
    ------
    ValueError
        When the window is shorter than 2 or the panel is not two-dimensional.
    """
    closes = np.asarray(adj_close, dtype=np.float64)
    if window < 2 or closes.ndim != 2:
        raise ValueError(f"expected a window of at least 2 and a panel (n_sessions, n_symbols), was {window} and {closes.shape}")
    volatility = np.full(closes.shape, np.nan)
    n_windows = len(closes) - window
    if n_windows <= 0:
        return volatility
    closes = np.where((closes > 0.0) & np.isfinite(closes), closes, np.nan)
    returns = closes[1:] / closes[:-1] - 1.0  # (n_sessions − 1, n_symbols)
    mean = np.zeros((n_windows, closes.shape[1]))
    for lag in range(window):
        mean += returns[lag : lag + n_windows]
    mean /= window
    squares = np.zeros_like(mean)
    for lag in range(window):
        squares += np.square(returns[lag : lag + n_windows] - mean)
    volatility[window:] = np.sqrt(squares / (window - 1) * SESSIONS_PER_YEAR)
    return volatility
