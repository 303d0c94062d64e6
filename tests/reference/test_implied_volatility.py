"""Published implied volatilities, the price–volatility round trip, and a real option chain."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.implied_volatility import Reason, implied_volatility

CHAIN = Path(__file__).parents[2].parent / "shared" / "data" / "cboe_aapl_chain.csv"


def test_hulls_example_inverts() -> None:
    """Hull, Options, Futures and Other Derivatives, "Implied volatilities": C = 1.875, S 21, K 20, r 10 %, T 0.25."""
    solved = implied_volatility(True, 1.875, 21, 20, 0.25, 0.10, 0)
    assert float(solved.volatility) == pytest.approx(0.234512913998, abs=5e-13)
    assert solved.reason == Reason.OK


def test_at_the_money_prices_invert() -> None:
    """Four printed prices, S = K = 100, T 0.5, r 1 %; half a unit of their sixth decimal is 2e-8 of volatility."""
    prices = [1.670303, 2.446734, 3.225586, 4.005140]
    solved = implied_volatility(True, prices, 100, 100, 0.5, 0.01, 0)
    np.testing.assert_allclose(solved.volatility, 0.05 + 0.25 / 9 * np.arange(4), rtol=0, atol=3e-8)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(("rate", "dividend_yield"), [(0.0, 0.0), (0.05, 0.0), (0.01, 0.03)])
def test_price_to_volatility_and_back_over_the_grid(is_call: bool, rate: float, dividend_yield: float) -> None:
    """σ {.01 … .9} × T {36 … 1080}/360 × strikes 50–150 %, at 1e-8 wherever vega is above 1e-8 of the spot."""
    volatility, years, strike = np.meshgrid(
        [0.01, 0.2, 0.3, 0.7, 0.9], np.array([36, 180, 360, 1080]) / 360, np.linspace(50, 150, 41), indexing="ij"
    )
    values = black_scholes.price_and_greeks(is_call, 100, strike, years, rate, dividend_yield, volatility)
    solved = implied_volatility(is_call, values.price, 100, strike, years, rate, dividend_yield)
    judged = values.vega_per_volpt * 100 > 1e-8 * 100
    assert judged.sum() > 600
    assert np.all(solved.reason[judged] == Reason.OK)
    assert np.max(np.abs(solved.volatility - volatility)[judged]) <= 1e-8
    repriced = black_scholes.price(is_call, 100, strike, years, rate, dividend_yield, solved.volatility)
    found = solved.reason == Reason.OK
    assert np.max(np.abs(repriced - values.price)[found]) <= 1e-8


def test_a_price_below_the_discounted_bound_is_refused_with_its_reason() -> None:
    """C 1529.75 on S 4127.83, K 2600, T 133/252, r 1 %: below the bound 1541.52, though above 1527.83 undiscounted."""
    solved = implied_volatility(True, 1529.75, 4127.83, 2600, 133 / 252, 0.01, 0)
    assert solved.reason == Reason.BELOW_INTRINSIC
    assert np.isnan(solved.volatility)


@pytest.mark.skipif(not CHAIN.exists(), reason="the vendor's chain may not be redistributed")
def test_mid_prices_of_a_real_chain_invert_to_the_vendors_volatilities() -> None:
    """AAPL at the close of 2026-07-24 (Cboe): mean difference +0.20 volatility points, absolute 0.36."""
    spot = 333.02
    chain = pd.read_csv(CHAIN)
    years = (pd.to_datetime(chain["expiry"]) - pd.Timestamp(date(2026, 7, 24))).dt.days / 365
    is_call = chain["cp"] == "C"
    out_of_the_money = np.where(is_call, chain["strike"] >= spot, chain["strike"] < spot)
    near = (chain["strike"] / spot).between(0.8, 1.2)
    used = out_of_the_money & near & (chain["bid"] > 0) & (years >= 20 / 365) & (chain["iv"] > 0)
    rows = chain[used]
    middle = (rows["bid"] + rows["ask"]) / 2
    solved = implied_volatility(is_call[used], middle, spot, rows["strike"], years[used], 0.037, 0.003)
    points = 100 * (solved.volatility - rows["iv"].to_numpy())
    assert len(rows) == 361
    assert np.all(solved.reason == Reason.OK)
    assert float(np.mean(points)) == pytest.approx(0.20, abs=0.02)
    assert float(np.mean(np.abs(points))) == pytest.approx(0.36, abs=0.02)
