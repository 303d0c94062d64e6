"""empyrical's published test values."""

from __future__ import annotations

import numpy as np
import pytest

from sigmasight_assets.engines import performance

MIXED = np.array([np.nan, 1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]) / 100
NEGATIVE = np.array([0.0, -6.0, -7.0, -1.0, -9.0, -2.0, -6.0, -8.0, -5.0]) / 100


def test_mixed_returns() -> None:
    """empyrical/tests/test_stats.py, `mixed_returns`, risk-free rate 0."""
    assert float(performance.cumulative_return(MIXED)) == pytest.approx(0.03893, abs=5e-6)
    assert float(performance.max_drawdown(MIXED)) == pytest.approx(-0.1, rel=1e-14)
    assert float(performance.annual_volatility(MIXED)) == pytest.approx(0.9136465399704637, rel=1e-14)
    assert float(performance.sharpe_ratio(MIXED)) == pytest.approx(1.7238613961706866, rel=1e-14)
    assert float(performance.sortino_ratio(MIXED)) == pytest.approx(2.605531251673693, rel=1e-14)


def test_negative_returns() -> None:
    """empyrical/tests/test_stats.py, `negative_returns`."""
    assert float(performance.max_drawdown(NEGATIVE)) == pytest.approx(-0.36590730349873601, rel=1e-14)
    assert float(performance.sharpe_ratio(NEGATIVE)) == pytest.approx(-24.406808633910085, rel=1e-14)
