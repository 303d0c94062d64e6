"""Throughput of implied volatility on one core with its round-trip error, beside mibian: `python -m benchmarks.implied_volatility`."""

from __future__ import annotations

import time

import mibian
import numpy as np

from benchmarks.greeks import CONTRACTS, random_contracts
from benchmarks.timing import timed
from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.implied_volatility import Reason, implied_volatility

SAMPLE = 100
DECIMALS = 6
"""Of the sample's prices: mibian's bisection stops where as many agree (fewer where the last ones are zeros)."""


def mibian_volatility(is_call: bool, price: float, spot: float, strike: float, years: float, rate: float, dividend_yield: float) -> float:
    """Mibian's implied volatility as a decimal; its fourth argument of `Me` is dollars a year."""
    side = {"callPrice" if is_call else "putPrice": price}
    terms = [spot, strike, 100 * rate, 365 * years]
    if dividend_yield == 0:
        return float(mibian.BS(terms, **side).impliedVolatility) / 100
    return float(mibian.Me([*terms[:3], dividend_yield * spot, terms[3]], **side).impliedVolatility) / 100


def against_mibian(quotes: tuple[np.ndarray, ...]) -> tuple[float, float]:
    """Mibian's quotes per second, and the largest difference between the prices at its volatility and at ours."""
    start = time.perf_counter()
    theirs = np.array([mibian_volatility(bool(is_call), *map(float, terms)) for is_call, *terms in zip(*quotes, strict=True)])
    seconds = time.perf_counter() - start
    is_call, _, *terms = quotes
    ours = implied_volatility(*quotes).volatility
    difference = black_scholes.price(is_call, *terms, theirs) - black_scholes.price(is_call, *terms, ours)
    return len(theirs) / seconds, float(np.max(np.abs(difference)))


def main() -> None:
    contracts = random_contracts(CONTRACTS)
    is_call, spot, *terms, volatility = contracts
    values = black_scholes.price_and_greeks(*contracts)
    solved, taken = timed(lambda: implied_volatility(is_call, values.price, spot, *terms))
    rate = CONTRACTS / taken.best
    judged = values.vega_per_volpt * 100 > 1e-8 * spot
    error = np.max(np.abs(solved.volatility - volatility)[judged])
    repriced = black_scholes.price(is_call, spot, *terms, solved.volatility)
    amiss = np.nanmax(np.abs(repriced - values.price) / spot)
    sample = np.flatnonzero(values.price > 0.01 * spot)[:SAMPLE]
    quoted = (is_call, np.round(values.price, DECIMALS), spot, *terms)
    mibian_rate, difference = against_mibian(tuple(column[sample] for column in quoted))
    taken.show("implied volatility", CONTRACTS, "quotes")
    print(f"mibian, a loop       {mibian_rate:8.0f} quotes/s on {SAMPLE} of the same: a ratio of {rate / mibian_rate:,.0f}")
    print(f"largest difference   {difference:8.1e} in the price at its volatility (mibian stops when the quote's decimals agree)")
    print(f"round trip, max |Δσ| {error:8.1e} over {judged.sum():,} quotes with vega above 1e-8 of the spot (allowed 1e-8)")
    print(f"max |Δprice| / spot  {amiss:8.1e} over all that have a volatility (allowed 1e-12)")
    print(
        f"refused              {np.count_nonzero(solved.reason != Reason.OK):8,d} quotes whose time value is lost in the price's rounding"
    )


if __name__ == "__main__":
    main()
