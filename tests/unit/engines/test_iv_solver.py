"""The implied-volatility solver: reasons, wide domains, and the bracket that catches what the fast steps do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.implied_volatility import (
    Reason,
    bracketed_deviation,
    implied_volatility,
    solve_deviation,
)
from sigmasight_assets.engines.mills_ratio import mills_ratio

TERMS = {"spot": 100.0, "strike": 110.0, "years": 0.5, "rate": 0.03, "dividend_yield": 0.01}
SHARE, STRIKE = 100 * np.exp(-0.005), 110 * np.exp(-0.015)
"""The discounted share and strike of `TERMS`: the bounds of call and put."""


@pytest.mark.parametrize(
    ("is_call", "price", "change", "reason"),
    [
        (True, 3.0, {}, Reason.OK),
        (False, 12.0, {}, Reason.OK),
        (False, STRIKE - SHARE, {}, Reason.BELOW_INTRINSIC),
        (False, STRIKE - SHARE - 0.01, {}, Reason.BELOW_INTRINSIC),
        (True, SHARE, {}, Reason.ABOVE_MAX),
        (True, 200.0, {}, Reason.ABOVE_MAX),
        (False, STRIKE, {}, Reason.ABOVE_MAX),
        (True, np.nan, {}, Reason.NO_QUOTE),
        (True, 0.0, {}, Reason.NO_QUOTE),
        (True, -1.0, {}, Reason.NO_QUOTE),
        (True, np.inf, {}, Reason.NO_QUOTE),
        (True, 3.0, {"spot": np.nan}, Reason.NO_SPOT),
        (True, 3.0, {"spot": 0.0}, Reason.NO_SPOT),
        (True, 3.0, {"spot": -100.0}, Reason.NO_SPOT),
        (True, 3.0, {"years": 0.0}, Reason.EXPIRED),
        (True, 3.0, {"years": -0.1}, Reason.EXPIRED),
        (True, np.nan, {"years": 0.0, "spot": np.nan}, Reason.EXPIRED),
        (True, 3.0, {"years": np.nan}, Reason.NO_TERMS),
        (True, 3.0, {"rate": np.nan}, Reason.NO_TERMS),
        (True, 3.0, {"dividend_yield": np.nan}, Reason.NO_TERMS),
        (True, 3.0, {"strike": 0.0}, Reason.NO_TERMS),
        (True, 3.0, {"strike": -110.0}, Reason.NO_TERMS),
    ],
)
def test_every_refusal_has_its_reason(is_call: bool, price: float, change: dict[str, float], reason: Reason) -> None:
    solved = implied_volatility(is_call, price, **(TERMS | change))
    assert Reason(int(solved.reason)) is reason
    assert solved.reason.dtype == np.int8
    assert bool(np.isnan(solved.volatility)) == (reason is not Reason.OK)


def random_contracts(n: int) -> tuple[np.ndarray, ...]:
    """Both types, one day to ten years, σ 0.5–400 %, strikes from e⁻³ to e³ of the spot, rates ±10 %, yields to 10 %."""
    random = np.random.default_rng(20260724)
    spot = random.uniform(1, 5000, n)
    years = np.exp(random.uniform(np.log(1 / 365), np.log(10), n))
    volatility = np.exp(random.uniform(np.log(0.005), np.log(4), n))
    reach = np.where(random.random(n) < 0.5, 3.0, np.minimum(3.0, 4 * volatility * np.sqrt(years)))
    strike = spot * np.exp(reach * random.uniform(-1, 1, n))
    strike[: n // 20] = spot[: n // 20]
    rate, dividend_yield = random.uniform(-0.1, 0.1, n), random.uniform(0, 0.1, n)
    dividend_yield[: n // 40] = rate[: n // 40]  # exactly at the money forward
    return random.random(n) < 0.5, spot, strike, years, rate, dividend_yield, volatility


def test_wide_random_domain_is_inverted_wherever_the_price_determines_volatility() -> None:
    *terms, volatility = random_contracts(200_000)
    values = black_scholes.price_and_greeks(*terms, volatility)
    solved = implied_volatility(terms[0], values.price, *terms[1:])
    judged = values.vega_per_volpt * 100 > 1e-8 * terms[1]
    assert judged.sum() > 100_000
    assert np.all(solved.reason[judged] == Reason.OK)
    error = np.abs(solved.volatility - volatility)
    repriced = np.abs(black_scholes.price(*terms, solved.volatility) - values.price) / terms[1]
    assert np.all((error[judged] <= 1e-8) | (repriced[judged] <= 1e-14))
    assert np.nanmax(repriced) <= 1e-13
    # a price near its bound has too few digits left; the out-of-the-money side never does
    outside = judged & (values.price <= np.minimum(terms[1], terms[2]) * 0.5)
    assert np.max(error[outside]) <= 1e-8


def test_exactly_at_the_money_forward_is_inverted_to_rounding() -> None:
    volatility = np.geomspace(0.001, 5, 200)
    price = black_scholes.price(True, 100, 100, 0.25, 0.04, 0.04, volatility)
    np.testing.assert_allclose(implied_volatility(True, price, 100, 100, 0.25, 0.04, 0.04).volatility, volatility, rtol=1e-12, atol=1e-14)


def test_far_wings_of_one_cent_and_less_are_inverted() -> None:
    volatility = 0.2
    strike = np.array([150.0, 200.0, 300.0, 400.0])
    price = black_scholes.price(True, 100, strike, 0.25, 0.03, 0, volatility)
    assert price[-1] < 1e-40
    np.testing.assert_allclose(implied_volatility(True, price, 100, strike, 0.25, 0.03, 0).volatility, 0.2, rtol=1e-12)


def normalised_value(distance: np.ndarray, deviation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The normalised time value N(−z₁) − exp(distance)·N(−z₂) and its complement, in tails that do not underflow."""
    z_1, z_2 = distance / deviation - deviation / 2, distance / deviation + deviation / 2
    density = norm.pdf(z_1)
    tail, far_tail = density * mills_ratio(np.abs(z_1)), density * mills_ratio(z_2)
    return np.where(z_1 >= 0, tail - far_tail, 1 - tail - far_tail), np.where(z_1 >= 0, 1 - tail + far_tail, tail + far_tail)


def test_strikes_beyond_any_market_still_settle() -> None:
    """Log-moneyness of hundreds and more; in some the starting point underflows and the bracket takes over."""
    distance = np.array([50.0, 300.0, 600.0, 1500.0, 1500.0, 3000.0])
    deviation = np.array([7.0, 16.0, 20.0, 50.0, 57.0, 60.0])
    value, complement = normalised_value(distance, deviation)
    with np.errstate(all="ignore"):
        solved = solve_deviation(distance, value, complement)
    np.testing.assert_allclose(solved, deviation, rtol=1e-12)


def test_the_bracket_alone_finds_the_same_volatility() -> None:
    """From nothing but the bounds: below the inflection s = √(2·distance), above it, and at the money."""
    distance = np.array([0.5, 0.5, 0.0, 2.0, 0.001])
    deviation = np.array([0.1, 2.5, 0.3, 0.4, 0.0401])
    value, complement = normalised_value(distance, deviation)
    lower = deviation < np.sqrt(2 * distance)
    target = np.where(lower, np.log(value), np.log(complement / 2) - distance / 2)
    least, most = np.where(lower, 1e-3, np.sqrt(2 * distance)), np.where(lower, np.sqrt(2 * distance), 20.0)
    found = bracketed_deviation(distance, lower, target, np.maximum(least, 1e-3), most)
    np.testing.assert_allclose(found, deviation, rtol=1e-12)


def test_shapes_broadcast_and_do_not_change_the_result() -> None:
    strike = np.linspace(80, 120, 9)
    price = black_scholes.price(True, 100, strike, np.array([[0.1], [2.0]]), 0.02, 0.0, 0.3)
    solved = implied_volatility(True, price, 100, strike, np.array([[0.1], [2.0]]), 0.02, 0.0)
    assert solved.volatility.shape == solved.reason.shape == (2, 9)
    alone = implied_volatility(True, price[1, 3], 100, strike[3], 2.0, 0.02, 0.0)
    assert float(alone.volatility) == pytest.approx(float(solved.volatility[1, 3]), rel=1e-12)
    assert implied_volatility([], [], [], [], [], [], []).reason.shape == (0,)


@pytest.mark.parametrize(
    ("z", "expected"),
    [(0.0, np.sqrt(np.pi / 2)), (1.0, 0.655679542418798), (10.0, 0.0990285964717319), (1e3, 9.99999000002999985e-4)],
)
def test_mills_ratio_is_the_tabulated_one(z: float, expected: float) -> None:
    """√(π/2) at 0; the others by 30-digit arithmetic of exp(z²/2)·erfc(z/√2)·√(π/2)."""
    assert float(mills_ratio(np.array([z]))[0]) == pytest.approx(expected, rel=1e-15)
    assert float(mills_ratio(np.array([np.inf]))[0]) == 0.0
