"""Neighbour volatilities by hand: total variance is linear in log-strike and in time, volatility flat outside."""

from __future__ import annotations

import numpy as np
import pytest

from sigmasight_assets.engines.volatility_ladder import neighbour_volatility


def one(strike: float, years: float, quotes: list[tuple[float, float, float]]) -> float:
    """The volatility of one target from (strike, years, volatility) quotes."""
    return float(neighbour_volatility([strike], [years], *np.array(quotes).reshape(-1, 3).T)[0])


def test_between_two_strikes_total_variance_is_linear_in_log_moneyness() -> None:
    """√(90·110) is half way between in logs: (0.30² + 0.20²)/2 = 0.065."""
    assert one(np.sqrt(90 * 110), 0.5, [(90, 0.5, 0.30), (110, 0.5, 0.20)]) == pytest.approx(np.sqrt(0.065))


@pytest.mark.parametrize(("strike", "volatility"), [(50, 0.30), (90, 0.30), (110, 0.20), (300, 0.20)])
def test_outside_the_strikes_volatility_is_flat(strike: float, volatility: float) -> None:
    assert one(strike, 0.5, [(110, 0.5, 0.20), (90, 0.5, 0.30)]) == pytest.approx(volatility)


def test_between_two_expiries_total_variance_is_linear_in_time() -> None:
    """Half way from T 0.25 (0.4²·0.25 = 0.04) to T 0.75 (0.2²·0.75 = 0.03): 0.035 over half a year, σ² = 0.07."""
    assert one(100, 0.5, [(100, 0.25, 0.40), (100, 0.75, 0.20)]) == pytest.approx(np.sqrt(0.07))


@pytest.mark.parametrize(("years", "volatility"), [(0.01, 0.40), (0.25, 0.40), (0.75, 0.20), (2.0, 0.20)])
def test_outside_the_expiries_volatility_is_flat(years: float, volatility: float) -> None:
    assert one(100, years, [(100, 0.75, 0.20), (100, 0.25, 0.40)]) == pytest.approx(volatility)


def test_both_directions_bracket_together() -> None:
    """Strike half way in logs at both expiries: w = 0.25·(0.09 + 0.25)/2 = 0.0425 and 1·(0.04 + 0.16)/2 = 0.10; T 0.5 is a third."""
    quotes = [(80, 0.25, 0.3), (125, 0.25, 0.5), (80, 1.0, 0.2), (125, 1.0, 0.4)]
    assert one(100, 0.5, quotes) == pytest.approx(np.sqrt((0.0425 * 2 / 3 + 0.10 / 3) / 0.5))


def test_call_and_put_of_one_strike_are_averaged() -> None:
    assert one(100, 0.5, [(100, 0.5, 0.20), (100, 0.5, 0.24)]) == pytest.approx(0.22)
    assert one(100, 0.5, [(100, 0.5, 0.20), (100, 0.5, 0.24), (120, 0.5, 0.9)]) == pytest.approx(0.22)


def test_illegal_quotes_are_left_out_and_without_quotes_there_is_nothing() -> None:
    nan = float("nan")
    bad = [(100, 0.5, nan), (nan, 0.5, 0.2), (100, 0.5, 0.0), (100, 0.0, 0.2), (-5, 0.5, 0.2), (100, 0.5, np.inf)]
    assert np.isnan(one(100, 0.5, bad))
    assert np.isnan(one(100, 0.5, []))
    assert one(100, 0.5, [*bad, (90, 0.25, 0.33)]) == pytest.approx(0.33)


def test_illegal_targets_have_no_volatility_and_disturb_no_other() -> None:
    quotes = np.array([(90, 0.5, 0.3), (110, 0.5, 0.2)]).T
    found = neighbour_volatility([100, np.nan, -1, 100, 100], [0.5, 0.5, 0.5, 0.0, np.nan], *quotes)
    assert found[0] == pytest.approx(neighbour_volatility([100], [0.5], *quotes)[0])
    assert np.all(np.isnan(found[1:]))


def test_the_order_of_quotes_and_targets_is_irrelevant() -> None:
    random = np.random.default_rng(3)
    quotes = np.array([random.choice([80, 90, 100, 120], 30), random.choice([0.1, 0.5, 1.5], 30), random.uniform(0.1, 0.6, 30)])
    targets = np.array([random.uniform(70, 130, 12), random.uniform(0.05, 2, 12)])
    turned = neighbour_volatility(*targets[:, ::-1], *quotes[:, ::-1])[::-1]
    np.testing.assert_allclose(neighbour_volatility(*targets, *quotes), turned, rtol=1e-13)
