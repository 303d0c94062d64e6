"""Book risk by hand, and what must hold for any book."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_assets.engines.factor_risk import book_risk, net_by_underlying, standard_error


def a_book(seed: int, n: int = 12) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    delta = random.normal(0, 1e5, n)
    underlying = random.integers(0, 5, n)
    underlying = np.unique(underlying, return_inverse=True)[1]
    names = underlying.max() + 1
    exposure = random.normal(0, 1, (names, 8))[underlying] * delta[:, None]
    root = random.normal(0, 0.01, (8, 8))
    return exposure, delta, underlying, random.uniform(0.1, 0.6, names)[underlying], root @ root.T


def test_one_name_by_hand() -> None:
    """$100 with beta 2 on a market of 1 % a day: variance 252 x 200² x 0.0001 = 1008; residual 30 %: 900; √1908."""
    exposure = np.zeros((1, 8))
    exposure[0, 0] = 200.0
    covariance = np.zeros((8, 8))
    covariance[0, 0] = 0.0001
    found = book_risk(exposure, np.array([100.0]), np.array([0]), np.array([0.3]), covariance)
    assert found.factor_variance[0] == pytest.approx(1008.0)
    assert found.specific_variance == pytest.approx(900.0)
    assert found.volatility == pytest.approx(np.sqrt(1908.0))


def test_a_long_call_and_a_short_share_of_one_name_net_before_they_are_squared() -> None:
    covariance = np.zeros((8, 8))
    found = book_risk(np.zeros((2, 8)), np.array([100.0, -100.0]), np.array([0, 0]), np.array([0.3, 0.3]), covariance)
    apart = book_risk(np.zeros((2, 8)), np.array([100.0, -100.0]), np.array([0, 1]), np.array([0.3, 0.3]), covariance)
    assert found.specific_variance == 0.0
    assert apart.specific_variance == pytest.approx(2 * 900.0)


@given(seed=st.integers(0, 100_000))
@settings(max_examples=60, deadline=None)
def test_contributions_add_up_to_the_volatility_by_factor_and_by_position(seed: int) -> None:
    exposure, delta, underlying, residual_vol, covariance = a_book(seed)
    found = book_risk(exposure, delta, underlying, residual_vol, covariance)
    assert found.factor_volatility.sum() + found.specific_volatility == pytest.approx(found.volatility, rel=1e-12)
    assert found.position_volatility.sum() == pytest.approx(found.volatility, rel=1e-10)
    direct = 252 * exposure.sum(axis=0) @ covariance @ exposure.sum(axis=0)
    names = [np.flatnonzero(underlying == u) for u in range(underlying.max() + 1)]
    direct += sum((delta[rows].sum() * residual_vol[rows[0]]) ** 2 for rows in names)
    assert found.volatility**2 == pytest.approx(direct, rel=1e-12)


@given(seed=st.integers(0, 100_000), scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_risk_is_homogeneous_and_blind_to_the_sign_of_the_whole_book(seed: int, scale: float) -> None:
    exposure, delta, *rest = a_book(seed)
    one = book_risk(exposure, delta, *rest)
    other = book_risk(-scale * exposure, -scale * delta, *rest)
    assert other.volatility == pytest.approx(scale * one.volatility, rel=1e-12)


def test_a_book_without_positions_has_no_risk() -> None:
    found = book_risk(np.zeros((0, 8)), np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0), np.eye(8))
    assert (found.volatility, found.specific_volatility) == (0.0, 0.0)


def test_standard_error_counts_each_underlying_once() -> None:
    """$100 and $50 of one name, $30 of another, errors 0.1 and 0.2: √(15² + 6²)."""
    delta, underlying = np.array([100.0, 30.0, 50.0]), np.array([0, 1, 0])
    errors = np.array([[0.1], [0.2], [0.1]])
    assert standard_error(delta, underlying, errors)[0] == pytest.approx(np.hypot(15.0, 6.0))
    assert net_by_underlying(delta, underlying).tolist() == [150.0, 30.0, 150.0]
