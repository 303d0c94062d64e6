"""Scenarios as linear facts: what must hold whatever the covariance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_assets.engines import stress

N = 8
NOTHING = np.full(N - 1, np.nan)
NO_LOADINGS = np.zeros((N - 1, N - 1))
SEEDS = st.integers(0, 2**32 - 1)


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A daily covariance of eight factors, loadings of seven proxies, γ."""
    random = np.random.default_rng(seed)
    mixing = random.normal(0, 1, (N, N)) * 0.5 + np.eye(N)
    deviation = np.append(random.uniform(0.003, 0.02, N - 1), 0.07)
    covariance = mixing @ mixing.T
    covariance *= np.outer(deviation, deviation) / np.sqrt(np.outer(np.diagonal(covariance), np.diagonal(covariance)))
    loadings = np.tril(random.normal(0, 0.5, (N - 1, N - 1)), -1)
    return covariance, loadings, random.normal(0, 2, N - 1)


def stated(**values: float) -> np.ndarray:
    """Shocks by place: stated(f0=-0.1)."""
    out = NOTHING.copy()
    for name, value in values.items():
        out[int(name[1:])] = value
    return out


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_stating_all_eight_variables_makes_correlated_equal_direct(seed: int) -> None:
    covariance, loadings, gamma = world(seed)
    random = np.random.default_rng(seed + 1)
    values = random.normal(0, 0.1, N)
    shocked = random.random(N - 1) < 0.5
    shocks, returns = np.where(shocked, values[:-1], np.nan), np.where(shocked, np.nan, values[:-1])
    facts = stress.linear_facts(shocks, returns, values[-1], loadings, gamma)
    propagated = stress.correlated(facts, covariance)
    np.testing.assert_allclose(propagated.mean, stress.direct(facts), rtol=1e-9, atol=1e-12)
    assert np.all(propagated.deviation == 0)


@given(SEEDS, st.floats(-3, 3))
@settings(max_examples=50, deadline=None)
def test_moves_and_distance_are_linear_in_the_shock(seed: int, scale: float) -> None:
    covariance, loadings, gamma = world(seed)
    one = stress.linear_facts(stated(f0=-0.1, f3=0.02), NOTHING, 0.5, loadings, gamma)
    more = stress.linear_facts(stated(f0=-0.1 * scale, f3=0.02 * scale), NOTHING, 0.5 * scale, loadings, gamma)
    np.testing.assert_allclose(stress.direct(more), scale * stress.direct(one), atol=1e-12)
    np.testing.assert_allclose(stress.correlated(more, covariance).mean, scale * stress.correlated(one, covariance).mean, atol=1e-12)
    np.testing.assert_array_equal(stress.correlated(more, covariance).covariance, stress.correlated(one, covariance).covariance)
    far = abs(scale) * stress.correlated(one, covariance).mahalanobis
    assert stress.correlated(more, covariance).mahalanobis == pytest.approx(far, rel=1e-9)


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_zero_correlation_propagates_nothing(seed: int) -> None:
    covariance, loadings, _ = world(seed)
    facts = stress.linear_facts(stated(f0=-0.2, f2=0.05), NOTHING, np.nan, loadings, np.zeros(N - 1))
    uncorrelated = np.diag(np.diagonal(covariance))
    given_facts = stress.correlated(facts, uncorrelated)
    np.testing.assert_allclose(given_facts.mean, stress.direct(facts), atol=1e-16)
    open_factors = [k for k in range(N) if k not in (0, 2)]
    assert np.all(given_facts.mean[open_factors] == 0)
    np.testing.assert_allclose(given_facts.deviation[open_factors], np.sqrt(np.diagonal(uncorrelated))[open_factors])


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_the_conditional_mean_satisfies_the_facts_and_is_the_likeliest_that_does(seed: int) -> None:
    covariance, loadings, gamma = world(seed)
    facts = stress.linear_facts(stated(f1=0.04), stated(f0=-0.3, f2=-0.2), -1.0, loadings, gamma)
    found = stress.correlated(facts, covariance)
    mean = found.mean
    np.testing.assert_allclose(facts.rows @ mean, facts.values, atol=1e-10)

    def distance(moves: np.ndarray) -> float:
        return float(moves @ np.linalg.solve(covariance, moves))

    null = np.linalg.svd(facts.rows)[2][len(facts.values) :]
    random = np.random.default_rng(seed)
    for _ in range(5):
        assert distance(mean + random.normal(0, 0.05, len(null)) @ null) >= distance(mean) * (1 - 1e-9)
    assert found.mahalanobis == pytest.approx(np.sqrt(distance(mean) / 252), rel=1e-6)


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_total_returns_of_all_proxies_become_the_shocks_that_their_loadings_imply(seed: int) -> None:
    covariance, loadings, gamma = world(seed)
    shocks = np.random.default_rng(seed).normal(0, 0.1, N - 1)
    returns = shocks + loadings @ shocks
    by_return = stress.linear_facts(NOTHING, returns, np.nan, loadings, gamma)
    by_shock = stress.linear_facts(shocks, NOTHING, np.nan, loadings, gamma)
    np.testing.assert_allclose(stress.direct(by_return), np.append(shocks, 0.0), atol=1e-13)
    np.testing.assert_allclose(stress.correlated(by_return, covariance).mean, stress.correlated(by_shock, covariance).mean, atol=1e-9)


def test_direct_rates_are_the_surprise_beyond_what_the_factors_imply() -> None:
    """−20 % with γ = 2: the fall takes the 10-year down 40 bp by itself, so a stated −50 bp leaves a surprise of −10 bp."""
    gamma = np.zeros(N - 1)
    gamma[0] = 2.0
    facts = stress.linear_facts(stated(f0=-0.2), NOTHING, -0.5, NO_LOADINGS, gamma)
    moves = stress.direct(facts)
    assert moves[-1] == pytest.approx(-0.1)
    assert stress.change_of_rates(moves, gamma) == pytest.approx(-0.5)
    unstated = stress.direct(stress.linear_facts(stated(f0=-0.2), NOTHING, np.nan, NO_LOADINGS, gamma))
    assert unstated[-1] == 0.0


def test_the_units_of_the_factors_do_not_matter() -> None:
    covariance, loadings, gamma = world(7)
    facts = stress.linear_facts(stated(f0=-0.1, f4=0.03), NOTHING, 1.0, loadings, gamma)
    unit = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1e4])  # the eighth in units of 0.01 bp
    other = stress.Facts(facts.rows / unit, facts.values, facts.pivot)
    there = stress.correlated(other, covariance * np.outer(unit, unit))
    np.testing.assert_allclose(there.mean / unit, stress.correlated(facts, covariance).mean, rtol=1e-9, atol=1e-15)


def test_a_market_shock_with_orthogonal_styles_moves_the_market_alone() -> None:
    covariance, loadings, gamma = world(3)
    covariance[0, 1:] = covariance[1:, 0] = 0.0
    facts = stress.linear_facts(stated(f0=-0.35), NOTHING, np.nan, loadings, gamma)
    np.testing.assert_array_equal(stress.correlated(facts, covariance).mean, stress.direct(facts))


def test_the_conditional_mean_is_not_correlation_times_the_shock() -> None:
    """KNOWN_DEFECTS 36. σ = (1 %, 2 %), ρ = .6: ρ × shock would be −6 %, the conditional mean is −12 %."""
    covariance = np.array([[1e-4, 1.2e-4], [1.2e-4, 4e-4]])
    facts = stress.Facts(np.array([[1.0, 0.0]]), np.array([-0.10]), np.array([0]))
    assert stress.correlated(facts, covariance).mean[1] == pytest.approx(-0.12)


def test_the_stated_shock_stays_in_the_correlated_total() -> None:
    """KNOWN_DEFECTS 37. A fund that is the market loses the whole market shock, with or without correlation."""
    covariance, loadings, gamma = world(11)
    facts = stress.linear_facts(stated(f0=-0.10), NOTHING, np.nan, loadings, gamma)
    market_fund = np.eye(1, N)
    for moves in (stress.direct(facts), stress.correlated(facts, covariance).mean):
        assert stress.underlying_moves(market_fund, moves[None, :])[0][0, 0] == pytest.approx(-0.10, rel=1e-12)


def test_a_share_cannot_lose_more_than_all_and_a_short_is_not_capped() -> None:
    """KNOWN_DEFECTS 35. β 2 in a crash of 60 % takes −100 % and not −99 %; the short of it gains 100 %; β −3 gains 180 %."""
    betas = np.zeros((2, N))
    betas[:, 0] = [2.0, -3.0]
    moves = np.zeros((1, N))
    moves[0, 0] = -0.6
    floored, unfloored = stress.underlying_moves(betas, moves)
    np.testing.assert_allclose(floored, [[-1.0, 1.8]])
    np.testing.assert_allclose(unfloored, [[-1.2, 1.8]])


def test_a_missing_beta_matters_only_where_its_factor_moves() -> None:
    betas = np.ones((1, N))
    betas[0, -1] = np.nan
    moves = np.zeros((2, N))
    moves[:, 0] = -0.1
    moves[1, -1] = 1.0
    floored, _ = stress.underlying_moves(betas, moves)
    assert floored[0, 0] == pytest.approx(-0.1)
    assert np.isnan(floored[1, 0])


@pytest.mark.parametrize(
    ("covariance", "facts"),
    [
        (np.ones((2, 2)), stress.Facts(np.eye(2), np.array([0.1, 0.1]), np.array([0, 1]))),
        (np.zeros((2, 2)), stress.Facts(np.eye(1, 2), np.array([0.1]), np.array([0]))),
        (np.full((2, 2), np.nan), stress.Facts(np.eye(1, 2), np.array([0.1]), np.array([0]))),
    ],
)
def test_dependent_facts_are_refused(covariance: np.ndarray, facts: stress.Facts) -> None:
    with pytest.raises(stress.SingularCovariance):
        stress.correlated(facts, covariance)


@pytest.mark.parametrize(
    "arguments",
    [
        {"shocks": stated(f0=0.1), "returns": stated(f0=0.1), "rates_100bp": np.nan, "loadings": NO_LOADINGS},
        {"shocks": stated(f0=0.1), "returns": NOTHING, "rates_100bp": np.nan, "loadings": np.eye(N - 1)},
    ],
)
def test_facts_that_say_too_much_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        stress.linear_facts(**arguments, gamma=np.zeros(N - 1))


def test_a_scenario_without_facts_leaves_everything_open() -> None:
    covariance, loadings, gamma = world(5)
    facts = stress.linear_facts(NOTHING, NOTHING, np.nan, loadings, gamma)
    assert stress.direct(facts).tolist() == [0.0] * N
    open_world = stress.correlated(facts, covariance)
    assert open_world.mean.tolist() == [0.0] * N
    np.testing.assert_array_equal(open_world.covariance, covariance)
    assert open_world.mahalanobis == 0.0
