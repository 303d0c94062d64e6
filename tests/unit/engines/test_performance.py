"""Performance figures: windows, gaps and degenerate series."""

from __future__ import annotations

import numpy as np
import pytest

from sigmasight_assets.engines import performance


@pytest.mark.parametrize(("window", "least"), [(21, 19), (63, 57), (252, 227), (10, 9)])
def test_a_window_needs_ninety_percent_of_its_returns(window: int, least: int) -> None:
    assert performance.least_returns(window) == least


def test_sharpe_uses_the_excess_over_each_days_own_rate() -> None:
    returns, rate = np.array([0.01, 0.02, -0.01, 0.005]), np.array([0.001, 0.002, 0.001, 0.0005])
    excess = returns - rate
    assert float(performance.sharpe_ratio(returns, rate)) == pytest.approx(excess.mean() / excess.std(ddof=1) * np.sqrt(252))


def test_sortino_averages_over_all_days_and_not_the_losing_ones() -> None:
    returns = np.array([0.03, -0.01, 0.02, -0.02])
    downside = np.sqrt((0.01**2 + 0.02**2) / 4)
    assert float(performance.sortino_ratio(returns)) == pytest.approx(0.005 / downside * np.sqrt(252))


def test_a_constant_series_has_no_volatility_and_no_ratio() -> None:
    constant = np.full(7, 0.0013)
    assert float(performance.annual_volatility(constant)) == 0.0
    assert np.isnan(performance.sharpe_ratio(constant))
    assert np.isnan(performance.sortino_ratio(constant))


def test_drawdown_counts_from_the_start_of_the_window() -> None:
    """A window that only falls: the index starts at 1.0, so its first loss counts."""
    assert float(performance.max_drawdown(np.array([-0.10, 0.05, -0.10]))) == pytest.approx(0.9 * 1.05 * 0.9 - 1)
    assert float(performance.max_drawdown(np.array([0.01, 0.02]))) == 0.0
    assert np.isnan(performance.max_drawdown(np.array([np.nan])))


def test_a_period_with_a_missing_day_has_no_return() -> None:
    returns = np.array([[0.01, 0.02], [0.01, np.nan]])
    found = performance.period_return(returns)
    assert found[0] == pytest.approx(0.0302)
    assert np.isnan(found[1])


def test_leading_axes_are_series_of_their_own() -> None:
    returns = np.random.default_rng(2).normal(0, 0.01, (3, 2, 30))
    returns[0, 0, :4] = np.nan
    for figure in (performance.annual_volatility, performance.sharpe_ratio, performance.sortino_ratio, performance.max_drawdown):
        together = figure(returns)
        assert together.shape == (3, 2)
        np.testing.assert_allclose(together[0, 0], figure(returns[0, 0, 4:]), rtol=1e-12)
