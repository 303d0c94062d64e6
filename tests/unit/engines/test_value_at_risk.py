"""Value at risk: the count of the tail, components that add up, exceptions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_assets.engines import value_at_risk as risk


@pytest.mark.parametrize(
    ("n", "level", "k"), [(252, 0.95, 13), (252, 0.99, 3), (100, 0.95, 5), (20, 0.95, 1), (1000, 0.99, 10), (250, 0.99, 3)]
)
def test_the_tail_counts_scenarios_without_the_rounding_of_one_minus_alpha(n: int, level: float, k: int) -> None:
    """1 − 0.95 is 0.05000000000000004 in floats: unrounded, 100 scenarios would have a tail of 6."""
    assert risk.tail_count(n, level) == k


def test_value_at_risk_is_the_kth_largest_loss_and_shortfall_the_mean_of_the_k_largest() -> None:
    pnl = np.arange(1.0, 101.0)[::-1] - 60.0  # 40, 39, … −59
    found = risk.historical(pnl, 0.95)
    assert float(found.value_at_risk) == 55.0
    assert float(found.expected_shortfall) == 57.0
    assert risk.tail_scenarios(pnl, 0.95).tolist() == [99, 98, 97, 96, 95]


def test_portfolios_are_judged_column_by_column() -> None:
    pnl = np.random.default_rng(1).normal(0, 1, (252, 4))
    together = risk.historical(pnl, 0.99)
    alone = [risk.historical(pnl[:, j], 0.99) for j in range(4)]
    np.testing.assert_array_equal(together.value_at_risk, [float(one.value_at_risk) for one in alone])
    np.testing.assert_array_equal(together.expected_shortfall, [float(one.expected_shortfall) for one in alone])


@given(st.integers(0, 2**32 - 1))
def test_components_of_positions_add_up(seed: int) -> None:
    random = np.random.default_rng(seed)
    position_pnl = random.normal(0, 1, (252, 6))
    total = position_pnl.sum(axis=1)
    for level in risk.LEVELS:
        parts = risk.historical_components(position_pnl, risk.tail_scenarios(total, level))
        whole = risk.historical(total, level)
        assert parts.value_at_risk.sum() == pytest.approx(float(whole.value_at_risk), rel=1e-12)
        assert parts.expected_shortfall.sum() == pytest.approx(float(whole.expected_shortfall), rel=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_parametric_by_factor_equals_the_dense_formula_and_its_components_add_up(seed: int) -> None:
    random = np.random.default_rng(seed)
    betas, mixing = random.normal(0, 1, (3, 8)), random.normal(0, 0.01, (8, 8))
    covariance, specific = mixing @ mixing.T, random.uniform(0.005, 0.03, 3)
    underlying = np.array([0, 1, 2, 0, 1])  # two positions on each of two names: netted before they count
    delta = random.normal(0, 1e5, 5)
    total, parts = risk.parametric_by_factor(betas[underlying] * delta[:, None], covariance, delta, underlying, specific, 0.99)
    netted = np.bincount(underlying, weights=delta)
    dense, _ = risk.parametric(netted, betas @ covariance @ betas.T + np.diag(specific**2), 0.99)
    assert total == pytest.approx(dense, rel=1e-10)
    assert parts.sum() == pytest.approx(total, rel=1e-12)


def test_a_hedged_pair_has_no_specific_risk_and_no_components() -> None:
    delta = np.array([1e5, -1e5])
    total, parts = risk.parametric_by_factor(
        np.ones((2, 8)) * delta[:, None], np.eye(8) * 1e-4, delta, np.zeros(2, dtype=int), np.array([0.02]), 0.95
    )
    assert total == 0.0
    assert parts.tolist() == [0.0, 0.0]


def test_an_exception_is_a_loss_beyond_the_value_at_risk_of_the_day_before() -> None:
    value_at_risk = np.array([100.0, 100.0, np.nan, 100.0])
    assert risk.exceptions(value_at_risk, np.array([-100.0, -100.01, -500.0, np.nan])).tolist() == [False, True, False, False]


@pytest.mark.parametrize(("n_days", "level"), [(248, 0.95), (248, 0.99), (252, 0.95), (10, 0.99)])
def test_the_binomial_band_is_the_narrowest_central_one_with_95_percent(n_days: int, level: float) -> None:
    from math import comb

    p = 1 - level
    mass = [comb(n_days, k) * p**k * (1 - p) ** (n_days - k) for k in range(n_days + 1)]
    low, high = risk.binomial_band(n_days, level)
    assert sum(mass[:low]) < 0.025 <= sum(mass[: low + 1])
    assert sum(mass[high + 1 :]) <= 0.025 < sum(mass[high:])
