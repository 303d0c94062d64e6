"""The kernels against 60-digit arithmetic: how many digits they keep, and where."""

from __future__ import annotations

from dataclasses import astuple
from decimal import Decimal

import numpy as np
import pytest

from sigmasight_assets.engines.black_scholes import discounted_legs, price_and_greeks
from sigmasight_assets.engines.mills_ratio import mills_ratio
from tests.unit.engines import exact_arithmetic

FIELDS = ("price", "delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct")


def test_the_reference_knows_the_tabulated_normal_distribution() -> None:
    """N(−1.96) and N(3) of Abramowitz and Stegun, table 26.1; both branches meet at 2."""
    assert float(exact_arithmetic.cumulative(Decimal("-1.96"))) == pytest.approx(0.02499_78951_48220, abs=1e-15)
    assert float(exact_arithmetic.cumulative(Decimal(3))) == pytest.approx(0.99865_01019_68370, abs=1e-15)
    below, above = exact_arithmetic.mills_ratio(2.0 - 2.0**-50), exact_arithmetic.mills_ratio(2.0)
    assert abs(below / above - 1) < Decimal(2) ** -50


def test_mills_ratio_is_right_to_the_last_digits_on_the_whole_half_line() -> None:
    z = np.concatenate([np.linspace(0, 12, 401), np.geomspace(12, 1e12, 60), [1e150, 1e300]])
    exact = [exact_arithmetic.mills_ratio(float(point)) for point in z]
    error = [abs(Decimal(float(ratio)) / true - 1) for ratio, true in zip(mills_ratio(z), exact, strict=True)]
    assert max(error) < Decimal("4e-16")
    assert np.isnan(mills_ratio(np.array([np.nan]))[0])


def contracts(n: int) -> tuple[np.ndarray, ...]:
    """One day to ten years, σ 1–300 %, strikes to e³ or eight deviations away, a third without dividend, some at the money."""
    random = np.random.default_rng(1973)
    spot = random.uniform(1, 5000, n)
    years = np.exp(random.uniform(np.log(1 / 365), np.log(10), n))
    volatility = np.exp(random.uniform(np.log(0.01), np.log(3), n))
    strike = spot * np.exp(np.minimum(3.0, 8 * volatility * np.sqrt(years)) * random.uniform(-1, 1, n))
    strike[: n // 20] = spot[: n // 20]
    rate = np.where(random.random(n) < 0.1, 0.0, random.uniform(-0.1, 0.1, n))
    dividend_yield = np.where(random.random(n) < 1 / 3, 0.0, random.uniform(0, 0.1, n))
    return random.random(n) < 0.5, spot, strike, years, rate, dividend_yield, volatility


def test_values_have_eleven_digits_however_far_out_of_the_money() -> None:
    """Or, deep in the money, where the price is a difference of the legs, an error below 1e-15 of them."""
    terms = contracts(400)
    exact = np.array([exact_arithmetic.price_and_greeks(bool(c), *map(float, t)) for c, *t in zip(*terms, strict=True)]).T
    assert min(abs(exact[0])) < Decimal("1e-12")
    legs = [Decimal(float(spot + strike)) for spot, strike in zip(terms[1], terms[2], strict=True)]
    for field, values, true in zip(FIELDS, astuple(price_and_greeks(*terms)), exact, strict=True):
        error = [abs(Decimal(float(value)) - number) for value, number in zip(values, true, strict=True)]
        floor = Decimal("1e-15") if field == "price" else Decimal(0)
        allowed = [Decimal("1e-11") * abs(number) + floor * leg for number, leg in zip(true, legs, strict=True)]
        assert all(e <= a for e, a in zip(error, allowed, strict=True)), field


def test_without_rate_dividend_or_distance_the_legs_are_exact() -> None:
    """A discount factor of exactly 1 and a log-moneyness of exactly 0, whatever the shifts inside."""
    spot = np.array([0.07, 1.0, 333.02, 1e6])
    zero = np.zeros(4)
    share, strike, log_moneyness = discounted_legs(spot, spot, np.full(4, 0.3), zero, zero)
    np.testing.assert_array_equal(share, spot)
    np.testing.assert_array_equal(strike, spot)
    np.testing.assert_array_equal(log_moneyness, 0.0)
