"""Throughput of implied volatility on one core with its round-trip error: `python -m benchmarks.implied_volatility`."""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks.greeks import CONTRACTS, RUNS, random_contracts
from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.implied_volatility import Reason, implied_volatility


def main() -> None:
    contracts = random_contracts(CONTRACTS)
    is_call, spot, *terms, volatility = contracts
    values = black_scholes.price_and_greeks(*contracts)
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        solved = implied_volatility(is_call, values.price, spot, *terms)
        seconds.append(time.perf_counter() - start)
    judged = values.vega_per_volpt * 100 > 1e-8 * spot
    error = np.max(np.abs(solved.volatility - volatility)[judged])
    print(f"implied volatility   {CONTRACTS / min(seconds) / 1e6:8.1f} M quotes/s, best of {RUNS} runs of {CONTRACTS:,} on one core")
    print(f"                     {CONTRACTS / statistics.median(seconds) / 1e6:8.1f} M quotes/s, median")
    print(f"round trip, max |Δσ| {error:8.1e} over {judged.sum():,} quotes with vega above 1e-8 of the spot (allowed 1e-8)")
    print(
        f"refused              {np.count_nonzero(solved.reason != Reason.OK):8,d} quotes whose time value is lost in the price's rounding"
    )


if __name__ == "__main__":
    main()
