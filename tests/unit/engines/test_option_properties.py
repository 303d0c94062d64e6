"""Algebra that option values must obey whatever the contract, and the unit defects that others shipped."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_assets.engines.black_scholes import price, price_and_greeks
from sigmasight_assets.engines.implied_volatility import Reason, implied_volatility
from sigmasight_assets.engines.realized_volatility import realized_volatility
from sigmasight_assets.engines.volatility_ladder import neighbour_volatility

Terms = dict[str, float]

TERMS = st.fixed_dictionaries(
    {
        "spot": st.floats(1, 1000),
        "moneyness": st.floats(-1.0, 1.0),
        "years": st.floats(1 / 365, 5),
        "rate": st.floats(-0.05, 0.15),
        "dividend_yield": st.floats(0, 0.10),
        "volatility": st.floats(0.03, 2.0),
    }
).map(lambda drawn: {"strike": drawn["spot"] * np.exp(drawn.pop("moneyness")), **drawn})


def bumped(function: Any, terms: Terms, name: str, width: float) -> float:
    """Fourth-order central difference of a price in one argument."""
    at = [float(function(**(terms | {name: terms[name] + k * width}))) for k in (-2, -1, 1, 2)]
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * width)


@given(TERMS)
def test_put_call_parity(terms: Terms) -> None:
    call, put = price([True, False], **terms)
    share = terms["spot"] * np.exp(-terms["dividend_yield"] * terms["years"])
    strike = terms["strike"] * np.exp(-terms["rate"] * terms["years"])
    assert call - put == pytest.approx(share - strike, abs=1e-12 * (share + strike))


@given(TERMS, st.floats(0.01, 100), st.booleans())
def test_price_is_homogeneous_in_spot_and_strike(terms: Terms, scale: float, is_call: bool) -> None:
    scaled = terms | {"spot": scale * terms["spot"], "strike": scale * terms["strike"]}
    tolerance = 1e-12 * scale * (terms["spot"] + terms["strike"])
    assert float(price(is_call, **scaled)) == pytest.approx(scale * float(price(is_call, **terms)), rel=1e-11, abs=tolerance)


@given(TERMS)
def test_gamma_and_vega_are_never_negative_and_the_same_for_call_and_put(terms: Terms) -> None:
    values = price_and_greeks([True, False], **terms)
    for greek in (values.gamma, values.vega_per_volpt):
        assert greek[0] >= 0
        assert greek[0] == greek[1]


@given(TERMS, st.booleans())
def test_the_black_scholes_equation_holds(terms: Terms, is_call: bool) -> None:
    """Θ + ½σ²S²Γ + (r − q)SΔ − rV = 0, per year."""
    values = price_and_greeks(is_call, **terms)
    spot, rate = terms["spot"], terms["rate"]
    diffusion = 0.5 * terms["volatility"] ** 2 * spot**2 * values.gamma
    drift = (rate - terms["dividend_yield"]) * spot * values.delta
    balance = 365 * values.theta_per_day + diffusion + drift - rate * values.price
    assert float(balance) == pytest.approx(0, abs=1e-11 * (spot + terms["strike"]) * (1 + terms["volatility"] ** 2))


@given(TERMS.filter(lambda t: t["volatility"] * np.sqrt(t["years"]) > 0.05 and t["years"] > 0.05), st.booleans())
def test_greeks_are_the_derivatives_of_the_price(terms: Terms, is_call: bool) -> None:
    """Fourth-order finite differences at 1e-6 of the spot."""

    def value(**changed: float) -> float:
        return float(price(is_call, **changed))

    def delta(**changed: float) -> float:
        return float(price_and_greeks(is_call, **changed).delta)

    values = price_and_greeks(is_call, **terms)
    spot, width = terms["spot"], 2e-3 * terms["volatility"] * np.sqrt(terms["years"])
    money = 1e-6 * (spot + terms["strike"])
    assert float(values.delta) == pytest.approx(bumped(value, terms, "spot", spot * width), abs=1e-6)
    assert float(values.gamma) * spot == pytest.approx(bumped(delta, terms, "spot", spot * width) * spot, abs=1e-6)
    assert float(values.vega_per_volpt) * 100 == pytest.approx(bumped(value, terms, "volatility", 2e-4), abs=money)
    assert float(values.rho_per_pct) * 100 == pytest.approx(bumped(value, terms, "rate", 1e-4), abs=money)
    assert float(values.theta_per_day) * 365 == pytest.approx(-bumped(value, terms, "years", 2e-4), abs=money)


@given(TERMS, st.booleans())
def test_implied_volatility_undoes_the_price(terms: Terms, is_call: bool) -> None:
    values = price_and_greeks(is_call, **terms)
    quote = {name: value for name, value in terms.items() if name != "volatility"}
    solved = implied_volatility(is_call, values.price, **quote)
    if values.vega_per_volpt * 100 > 1e-8 * terms["spot"]:
        assert solved.reason == Reason.OK
        repriced = float(price(is_call, **(terms | {"volatility": float(solved.volatility)})))
        exact = abs(float(solved.volatility) - terms["volatility"]) <= 1e-8
        assert exact or abs(repriced - float(values.price)) <= 1e-14 * terms["spot"]  # deep in the money: the price's last digit


def test_rates_are_decimals_not_percent() -> None:
    """KNOWN_DEFECTS 20. The rate 0.05 lifts a one-year at-the-money call from 7.97 to 10.45; 0.05 % would leave 7.99."""
    assert float(price(True, 100, 100, 1, 0.05, 0, 0.20)) == pytest.approx(10.4506, abs=5e-5)
    assert float(price(True, 100, 100, 1, 0.0005, 0, 0.20)) == pytest.approx(7.99, abs=0.005)


def test_vega_and_rho_are_divided_by_a_hundred_once() -> None:
    """KNOWN_DEFECTS 21. A whole point of volatility, or of the rate, moves the price by about vega, or rho."""
    terms = {"spot": 100.0, "strike": 100.0, "years": 1.0, "rate": 0.05, "dividend_yield": 0.0, "volatility": 0.20}
    values = price_and_greeks(True, **terms)
    by_volatility = float(price(True, **(terms | {"volatility": 0.21}))) - float(values.price)
    by_rate = float(price(True, **(terms | {"rate": 0.06}))) - float(values.price)
    assert float(values.vega_per_volpt) == pytest.approx(by_volatility, rel=0.01)
    assert float(values.rho_per_pct) == pytest.approx(by_rate, rel=0.02)


def test_delta_is_per_dollar_of_the_underlying_so_delta_dollars_need_the_price() -> None:
    """KNOWN_DEFECTS 22 (kernel part). A share ten times as dear with its strike: same delta, ten times the delta dollars."""
    small = price_and_greeks(True, 50, 55, 0.5, 0.03, 0.01, 0.4)
    large = price_and_greeks(True, 500, 550, 0.5, 0.03, 0.01, 0.4)
    assert float(large.delta) == pytest.approx(float(small.delta), rel=1e-13)
    move = 0.01
    gain = price(True, [50 * (1 + move), 500 * (1 + move)], [55, 550], 0.5, 0.03, 0.01, 0.4) - [small.price, large.price]
    delta_dollars = np.array([50 * small.delta, 500 * large.delta])
    np.testing.assert_allclose(gain, delta_dollars * move, rtol=0.05)


def test_volatility_is_the_contracts_own_and_is_never_assumed() -> None:
    """KNOWN_DEFECTS 23. Three volatilities, three values; without one there is none, on any rung, and not that of 25 %."""
    values = price_and_greeks(True, 100, 105, 0.5, 0.03, 0.01, [0.15, 0.25, 0.60, np.nan])
    for field in astuple(values):
        assert len(np.unique(field[:3])) == 3
        assert np.isnan(field[3])
    assert np.isnan(neighbour_volatility([105.0], [0.5], [], [], [])).all()
    assert np.isnan(realized_volatility(np.full((63, 1), 100.0))).all()
    assert np.isnan(implied_volatility(True, np.nan, 100, 105, 0.5, 0.03, 0.01).volatility)


@given(TERMS)
def test_a_put_has_a_delta_between_minus_one_and_zero_and_a_call_between_zero_and_one(terms: Terms) -> None:
    """KNOWN_DEFECTS 24 (kernel part). So a long put is short the share, by the share's price and not by its premium."""
    call, put = price_and_greeks([True, False], **terms).delta
    assert -1 <= put <= 0 <= call <= 1
    assert call - put == pytest.approx(np.exp(-terms["dividend_yield"] * terms["years"]), abs=1e-15)


@pytest.mark.parametrize("missing", ["spot", "strike", "years", "rate", "dividend_yield", "volatility"])
def test_a_contract_that_cannot_be_valued_has_no_greeks_rather_than_greeks_of_zero(missing: str) -> None:
    """KNOWN_DEFECTS 26 (kernel part). On its expiry day as on any other."""
    terms = {"spot": 100.0, "strike": 105.0, "rate": 0.03, "dividend_yield": 0.01, "volatility": 0.3, "years": np.array([0.0, 0.5])}
    values = price_and_greeks([True, False], **(terms | {missing: np.nan}))
    assert np.all(np.isnan(np.array(astuple(values))))


@pytest.mark.parametrize("days", [1, 0.5, 0.01, 1e-4, 0])
@pytest.mark.parametrize("spot", [99.0, 100.0, 101.0])
def test_values_stay_finite_through_the_last_day(days: float, spot: float) -> None:
    """KNOWN_DEFECTS 25. In the money they end at the intrinsic value with a delta of ±1."""
    values = price_and_greeks([True, False], spot, 100, days / 365, 0.04, 0.01, 0.25)
    assert np.all(np.isfinite(np.array(astuple(values))))
    if days < 1e-3:
        assert np.all(np.abs(values.price - np.maximum([spot - 100, 100 - spot], 0)) < 0.01)
        if spot != 100:
            np.testing.assert_allclose(values.delta, [spot > 100, -(spot < 100)], atol=1e-6)
