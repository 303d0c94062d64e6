"""Published option prices and Greeks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.black_scholes import OptionValues

Contract = tuple[str, float, float, float, float, float, float]


def agrees(value: float, printed: str) -> bool:
    """Whether a value rounds to the printed digits."""
    decimals = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.501 * 10.0**-decimals


def price(kind: str, *terms: float) -> float:
    return float(black_scholes.price(kind == "C", *terms))


def greeks(kind: str, *terms: float) -> OptionValues:
    return black_scholes.price_and_greeks(kind == "C", *terms)


@pytest.mark.parametrize(
    ("contract", "printed"),
    [
        (("C", 60, 65, 0.25, 0.08, 0, 0.30), "2.13336844492"),
        (("P", 100, 95, 0.5, 0.10, 0.05, 0.20), "2.46478764676"),
        (("P", 19, 19, 0.75, 0.10, 0.10, 0.28), "1.70105072524"),
        (("C", 19, 19, 0.75, 0.10, 0.10, 0.28), "1.70105072524"),
        (("C", 1.56, 1.60, 0.5, 0.06, 0.08, 0.12), "0.0290992531494"),
        (("P", 75, 70, 0.5, 0.10, 0.05, 0.35), "4.08695382864"),
        (("C", 42, 40, 0.75, 0.04, 0.08, 0.35), "5.09754771773"),
        (("C", 110, 100, 0.10, 0.10, 0.10, 0.35), "11.1381251606"),
        (("C", 42, 40, 0.5, 0.10, 0, 0.20), "4.75942239287"),
        (("P", 42, 40, 0.5, 0.10, 0, 0.20), "0.8085993729"),
        (("C", 100, 100, 1, 0.05, 0, 0.20), "10.4505835722"),
        (("P", 100, 100, 1, 0.05, 0, 0.20), "5.57352602226"),
    ],
)
def test_prices_are_the_published_ones(contract: Contract, printed: str) -> None:
    """Haug, The Complete Guide to Option Pricing Formulas (the set in QuantLib's europeanoption.cpp); Hull, example 15.6."""
    assert agrees(price(*contract), printed)


@pytest.mark.parametrize(
    ("contract", "quantity", "printed"),
    [
        (("C", 105, 100, 0.5, 0.10, 0.10, 0.36), lambda g: g.delta, "0.59462865973"),
        (("P", 105, 100, 0.5, 0.10, 0.10, 0.36), lambda g: g.delta, "-0.356600764771"),
        (("C", 55, 60, 0.75, 0.10, 0, 0.30), lambda g: g.gamma, "0.0278211604769"),
        (("P", 55, 60, 0.75, 0.10, 0, 0.30), lambda g: g.gamma, "0.0278211604769"),
        (("C", 55, 60, 0.75, 0.10, 0, 0.30), lambda g: g.vega_per_volpt * 100, "18.9357773496"),
        (("P", 55, 60, 0.75, 0.10, 0, 0.30), lambda g: g.vega_per_volpt * 100, "18.9357773496"),
        (("P", 430, 405, 1 / 12, 0.07, 0.05, 0.20), lambda g: g.theta_per_day * 365, "-31.1923503043"),
        (("P", 430, 405, 1 / 12, 0.07, 0.05, 0.20), lambda g: g.theta_per_day, "-0.0855"),
    ],
)
def test_greeks_are_haugs(contract: Contract, quantity: Callable[[OptionValues], float], printed: str) -> None:
    """Haug, The Complete Guide to Option Pricing Formulas, pp. 11–16."""
    assert agrees(float(quantity(greeks(*contract))), printed)


@pytest.mark.parametrize(
    ("kind", "delta", "theta", "rho"),
    [
        ("C", "0.521601633972", "-4.30538996455", "8.9065740988"),
        ("P", "-0.478398366028", "-1.8530056722", "-9.95716587795"),
    ],
)
def test_greeks_are_hulls(kind: str, delta: str, theta: str, rho: str) -> None:
    """Hull, Options, Futures and Other Derivatives, the running example of "The Greek letters": 49, 50, 20 weeks, 5 %, 20 %."""
    values = greeks(kind, 49, 50, 0.3846, 0.05, 0, 0.20)
    assert agrees(float(values.delta), delta)
    assert agrees(float(values.theta_per_day) * 365, theta)
    assert agrees(float(values.rho_per_pct) * 100, rho)
    assert agrees(float(values.gamma), "0.0655453772525")
    assert agrees(float(values.vega_per_volpt) * 100, "12.1052427542")


def test_greeks_are_those_of_mibian_without_dividend() -> None:
    """``mibian.BS([100, 100, 5, 182.5], volatility=25)``, mibian 0.1.3; twelve decimals, the thirteenth of its gamma is cut off."""
    values = greeks("C", 100, 100, 0.5, 0.05, 0, 0.25)
    assert agrees(float(values.price), "8.26001519934")
    assert agrees(float(values.delta), "0.590880178044")
    assert agrees(float(values.gamma), "0.021979457369")
    assert agrees(float(values.theta_per_day), "-0.0257807686524")
    assert agrees(float(values.vega_per_volpt), "0.274743217114")
    assert agrees(float(values.rho_per_pct), "0.254140013025")


def test_greeks_are_those_of_mibian_with_dividend() -> None:
    """``mibian.Me([100, 100, 5, 2, 182.5], volatility=25)``: its fourth argument is dollars a year, 2 % of 100. Twelve decimals."""
    values = greeks("C", 100, 100, 0.5, 0.05, 0.02, 0.25)
    assert agrees(float(values.delta), "0.563109717926")
    assert agrees(float(values.theta_per_day), "-0.022420219965")
    assert agrees(float(values.vega_per_volpt), "0.275128126992")
    assert agrees(float(values.rho_per_pct), "0.243139654824")
    assert agrees(float(greeks("P", 100, 100, 0.5, 0.05, 0.02, 0.25).delta), "-0.426940115823")


@pytest.mark.parametrize(
    ("move", "full", "by_delta"),
    [
        (-0.05, "2.5553", "2.2184"),
        (-0.10, "5.7895", "4.4367"),
        (-0.20, "14.0069", "8.8734"),
        (-0.35, "28.5495", "15.5285"),
    ],
)
def test_a_put_revalued_in_a_crash_gains_more_than_its_delta(move: float, full: str, by_delta: str) -> None:
    """Full revaluation of a put, K 100, S 100, T 0.25, r 4 %, σ 30 % (REFERENCE "Correlation and stress")."""
    terms = (100, 0.25, 0.04, 0, 0.30)
    change = price("P", 100 * (1 + move), *terms) - price("P", 100, *terms)
    assert agrees(change, full)
    assert agrees(float(greeks("P", 100, *terms).delta) * 100 * move, by_delta)


def test_deep_wings_keep_their_relative_precision() -> None:
    """50-digit arithmetic: ``erfc`` of both tails, C 100, 200, 0.25, 3 %, 1 %, 15 % and P 100, 40 alike."""
    calls = black_scholes.price([True, False], 100, [200, 40], 0.25, 0.03, 0.01, 0.15)
    np.testing.assert_allclose(calls, [2.530049027736477e-20, 2.095471771812562e-35], rtol=1e-12)
