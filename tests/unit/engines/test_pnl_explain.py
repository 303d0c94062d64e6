"""P&L explain and factor attribution: terms that add up and mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_assets.engines.black_scholes import price_and_greeks
from sigmasight_assets.engines.pnl_explain import DayMoves, GreeksBefore, attribute, explain

UNITS = 1000.0


def one_day(move: float, volatility_move: float, rate_move: float, source_changed: bool = False) -> tuple[float, GreeksBefore, DayMoves]:
    """A thousand shares' worth of a 60-day call over one calendar day."""
    before = price_and_greeks(True, 100.0, 102.0, 60 / 365, 0.04, 0.0, 0.3)
    after = price_and_greeks(True, 100.0 * (1 + move), 102.0, 59 / 365, 0.04 + rate_move, 0.0, 0.3 + volatility_move)
    greeks = GreeksBefore(
        delta_dollars=UNITS * np.atleast_1d(before.delta) * 100.0,
        gamma_dollars_per_pct=UNITS * np.atleast_1d(before.gamma) * 100.0**2 * 0.01,
        theta_per_day=UNITS * np.atleast_1d(before.theta_per_day),
        vega_per_volpt=UNITS * np.atleast_1d(before.vega_per_volpt),
        rho_per_pct=UNITS * np.atleast_1d(before.rho_per_pct),
    )
    moves = DayMoves(np.array([move]), np.array([volatility_move]), np.array([rate_move]), np.array([source_changed]), 1.0)
    return UNITS * float(after.price - before.price), greeks, moves


@given(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(-0.01, 0.01))
@settings(deadline=None)
def test_terms_and_residual_are_the_gain(move: float, volatility_move: float, rate_move: float) -> None:
    pnl, greeks, moves = one_day(move, volatility_move, rate_move)
    terms = vars(explain(np.array([pnl]), greeks, moves))
    assert sum(float(term[0]) for term in terms.values()) == pytest.approx(pnl, rel=1e-12, abs=1e-9)


@given(st.floats(-0.01, 0.01), st.floats(-0.005, 0.005), st.floats(-0.001, 0.001))
@settings(deadline=None)
def test_a_small_day_leaves_little_unexplained(move: float, volatility_move: float, rate_move: float) -> None:
    """Third-order terms of 1 % and half a point on a book of $100,000 notional: a few dollars."""
    pnl, greeks, moves = one_day(move, volatility_move, rate_move)
    assert abs(float(explain(np.array([pnl]), greeks, moves).residual[0])) < 10.0


def test_a_change_of_source_has_its_own_line_instead_of_vega() -> None:
    pnl, greeks, moves = one_day(0.01, 0.02, 0.0)
    same = explain(np.array([pnl]), greeks, moves)
    changed = explain(np.array([pnl]), greeks, DayMoves(**{**vars(moves), "source_changed": np.array([True])}))
    assert same.iv_source[0] == 0.0
    assert changed.vega[0] == 0.0
    assert changed.iv_source[0] == same.vega[0] != 0.0
    assert changed.residual[0] == pytest.approx(same.residual[0])


def test_shares_are_all_delta() -> None:
    zero, nothing = np.zeros(1), np.full(1, np.nan)
    moves = DayMoves(np.array([0.03]), nothing, nothing, np.array([False]), 3.0)
    found = explain(np.array([300.0]), GreeksBefore(np.array([10_000.0]), zero, zero, zero, zero), moves)
    assert found.delta[0] == pytest.approx(300.0)
    assert [float(term[0]) for name, term in vars(found).items() if name not in ("delta", "residual")] == [0.0] * 5
    assert found.residual[0] == pytest.approx(0.0, abs=1e-10)


def test_missing_greeks_leave_the_gain_in_the_residual() -> None:
    nothing = np.full(1, np.nan)
    moves = DayMoves(np.array([0.03]), nothing, nothing, np.array([False]), 1.0)
    found = explain(np.array([42.0]), GreeksBefore(*([nothing] * 5)), moves)
    assert found.residual[0] == 42.0


def test_factors_and_the_rest_are_the_gain() -> None:
    random = np.random.default_rng(5)
    betas = random.normal(0, 1, (4, 8))
    betas[3] = np.nan  # a private asset
    delta, move, is_option = np.array([1e5, -2e5, 3e4, np.nan]), random.normal(0, 0.02, 4), np.array([False, False, True, False])
    pnl = delta * move
    pnl[2] += 120.0  # what the option gained beyond its delta
    pnl[3] = 777.0
    found = attribute(pnl, delta, move, is_option, betas, random.normal(0, 0.01, 8))
    total = found.factors.sum() + found.specific.sum() + found.non_linear.sum() + found.uncovered.sum()
    assert total == pytest.approx(pnl.sum(), rel=1e-12)
    assert found.non_linear.tolist() == pytest.approx([0.0, 0.0, 120.0, 0.0])
    assert found.uncovered.tolist() == [0.0, 0.0, 0.0, 777.0]


def test_a_perfect_factor_name_has_nothing_specific() -> None:
    betas, factors = np.eye(1, 8), np.array([0.012, 0, 0, 0, 0, 0, 0, 0.3])
    found = attribute(np.array([1200.0]), np.array([1e5]), np.array([0.012]), np.array([False]), betas, factors)
    assert found.factors[0].tolist() == [1200.0, 0, 0, 0, 0, 0, 0, 0]
    assert found.specific[0] == pytest.approx(0.0, abs=1e-9)


def test_an_unknown_factor_return_leaves_its_part_specific() -> None:
    betas, factors = np.ones((1, 8)), np.array([0.01, 0, 0, 0, 0, 0, 0, np.nan])
    found = attribute(np.array([1500.0]), np.array([1e5]), np.array([0.015]), np.array([False]), betas, factors)
    assert found.factors[0, -1] == 0.0
    assert found.specific[0] == pytest.approx(500.0)
