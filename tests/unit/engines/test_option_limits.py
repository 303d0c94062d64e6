"""Where a formula divides by zero the kernel has defined limits, and bad inputs stay visible as NaN."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.black_scholes import CHUNK, OptionValues, price_and_greeks

GROWN, DISCOUNTED = np.exp(-0.02 * 0.5), np.exp(-0.05 * 0.5)
"""Discount factors of the dividend yield 2 % and the rate 5 % over half a year."""


def fields(values: OptionValues) -> np.ndarray:
    """Price, delta, gamma, theta, vega, rho as (6, ...)."""
    return np.array(astuple(values))


@pytest.mark.parametrize(
    ("is_call", "spot", "price", "delta"),
    [
        (True, 110, 10, 1),
        (True, 100, 0, 0.5),
        (True, 90, 0, 0),
        (False, 110, 0, 0),
        (False, 100, 0, -0.5),
        (False, 90, 10, -1),
        (True, 0, 0, 0),
        (False, 0, 100, -1),
    ],
)
def test_on_expiry_day_an_option_is_its_intrinsic_value(is_call: bool, spot: float, price: float, delta: float) -> None:
    """KNOWN_DEFECTS 25: zero or NaN on expiry day."""
    values = price_and_greeks(is_call, spot, 100, 0.0, 0.05, 0.02, 0.3)
    np.testing.assert_array_equal(fields(values), [price, delta, 0, 0, 0, 0])


@pytest.mark.parametrize(("is_call", "strike", "price", "delta"), [(True, 0, 100, 1), (False, 0, 0, 0)])
def test_on_expiry_day_a_zero_strike_is_the_share_itself(is_call: bool, strike: float, price: float, delta: float) -> None:
    values = price_and_greeks(is_call, 100, strike, 0.0, 0.05, 0.02, 0.3)
    np.testing.assert_array_equal(fields(values), [price, delta, 0, 0, 0, 0])


def test_expiry_day_with_nothing_on_either_side_is_worth_nothing() -> None:
    values = price_and_greeks([True, False], 0, 0, 0.0, 0.05, 0.02, 0.3)
    np.testing.assert_array_equal(fields(values), [[0, 0], [0.5, -0.5], [0, 0], [0, 0], [0, 0], [0, 0]])


@pytest.mark.parametrize(("is_call", "sign"), [(True, 1), (False, -1)])
def test_without_volatility_an_option_in_the_money_is_a_forward(is_call: bool, sign: int) -> None:
    spot = 110 if is_call else 90
    values = price_and_greeks(is_call, spot, 100, 0.5, 0.05, 0.02, 0.0)
    asset, cash = spot * GROWN, 100 * DISCOUNTED
    theta = sign * (0.02 * asset - 0.05 * cash) / 365
    expected = [sign * (asset - cash), sign * GROWN, 0, theta, 0, sign * 0.5 * cash / 100]
    np.testing.assert_allclose(fields(values), expected, rtol=1e-13)


def test_without_volatility_an_option_out_of_the_money_is_worth_nothing() -> None:
    values = price_and_greeks([True, False], [90, 110], 100, 0.5, 0.05, 0.02, 0.0)
    np.testing.assert_array_equal(fields(values), 0)


def test_without_volatility_the_discounted_forward_decides_not_the_spot() -> None:
    """Spot 99 is below the strike 100, but its forward 99·e^(0.03·0.5) is above."""
    values = price_and_greeks([True, False], 99, 100, 0.5, 0.05, 0.02, 0.0)
    np.testing.assert_allclose(values.price, [99 * GROWN - 100 * DISCOUNTED, 0], rtol=1e-13)
    np.testing.assert_allclose(values.delta, [GROWN, 0])


def test_without_volatility_at_the_money_forward_half_the_share_is_held() -> None:
    values = price_and_greeks([True, False], 100, 100, 0.5, 0.05, 0.05, 0.0)
    half = 0.5 * DISCOUNTED
    rho = half * 100 * 0.5 / 100
    np.testing.assert_allclose(fields(values), [[0, 0], [half, -half], [0, 0], [0, 0], [0, 0], [rho, -rho]], atol=1e-16)


def test_a_zero_strike_call_is_the_share_without_its_dividends() -> None:
    values = price_and_greeks([True, False], 100, 0, 0.5, 0.05, 0.02, 0.3)
    np.testing.assert_allclose(fields(values)[:, 0], [100 * GROWN, GROWN, 0, 0.02 * 100 * GROWN / 365, 0, 0], rtol=1e-13)
    np.testing.assert_array_equal(fields(values)[:, 1], 0)


def test_a_put_on_a_worthless_share_is_the_discounted_strike() -> None:
    values = price_and_greeks([True, False], 0, 100, 0.5, 0.05, 0.02, 0.3)
    np.testing.assert_array_equal(fields(values)[:, 0], 0)
    cash = 100 * DISCOUNTED
    np.testing.assert_allclose(fields(values)[:, 1], [cash, -GROWN, 0, 0.05 * cash / 365, 0, -0.5 * cash / 100], rtol=1e-13)


@pytest.mark.parametrize("tiny", [{"volatility": 1e-9}, {"strike": 1e-9}, {"spot": 1e-9}, {"volatility": 1e-320}])
@pytest.mark.parametrize("is_call", [True, False])
def test_the_limits_are_what_small_inputs_approach(tiny: dict[str, float], is_call: bool) -> None:
    terms = {"spot": 110.0, "strike": 100.0, "years": 0.5, "rate": 0.05, "dividend_yield": 0.02, "volatility": 0.3}
    close = price_and_greeks(is_call, **(terms | tiny))
    limit = price_and_greeks(is_call, **(terms | dict.fromkeys(tiny, 0.0)))
    np.testing.assert_allclose(fields(close), fields(limit), atol=2e-9)


def test_a_huge_volatility_makes_the_call_the_share() -> None:
    values = price_and_greeks([True, False], 100, 100, 0.5, 0.05, 0.02, 1e6)
    np.testing.assert_allclose(values.price, [100 * GROWN, 100 * DISCOUNTED])
    np.testing.assert_allclose(values.delta, [GROWN, 0], atol=1e-15)


@pytest.mark.parametrize("position", range(6))
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("years", [0.0, 0.5])
def test_missing_or_infinite_inputs_give_nan_for_that_contract_only(position: int, bad: float, years: float) -> None:
    terms = np.array([[100, 100, years, 0.05, 0.02, 0.3]] * 2).T
    terms[position, 1] = bad
    values = fields(price_and_greeks(True, *terms))
    assert np.all(np.isfinite(values[:, 0]))
    assert np.all(np.isnan(values[:, 1]))
    assert np.isnan(black_scholes.price(True, *terms)[1])


@pytest.mark.parametrize("position", [0, 1, 2, 5])
def test_negative_spot_strike_time_or_volatility_gives_nan(position: int) -> None:
    terms = [100, 100, 0.5, 0.05, 0.02, 0.3]
    terms[position] = -terms[position]
    assert np.all(np.isnan(fields(price_and_greeks(True, *terms))))
    assert np.all(np.isnan(fields(price_and_greeks(True, -100, -100, 0.5, 0.05, 0.02, 0.3))))


def test_arguments_broadcast_and_results_do_not_depend_on_the_batch() -> None:
    random = np.random.default_rng(4)
    strike = random.uniform(60, 140, (3, CHUNK // 2 + 7))
    volatility = random.uniform(0.05, 0.8, (3, 1))
    years = np.where(random.random(strike.shape) < 0.01, 0.0, 0.4)
    together = fields(price_and_greeks(True, 100, strike, years, 0.03, 0.01, volatility))
    assert together.shape == (6, 3, CHUNK // 2 + 7)
    alone = fields(price_and_greeks(True, 100, strike[1, 5:9], years[1, 5:9], 0.03, 0.01, volatility[1]))
    np.testing.assert_allclose(together[:, 1, 5:9], alone, rtol=1e-12)
    only_price = black_scholes.price(True, 100, strike, years, 0.03, 0.01, volatility)
    np.testing.assert_allclose(only_price, together[0], rtol=1e-12)


def test_an_empty_batch_is_an_empty_result() -> None:
    assert price_and_greeks([], [], [], [], [], [], []).delta.shape == (0,)
