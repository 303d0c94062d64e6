"""Throughput of price and five Greeks on one core, beside mibian: `python -m benchmarks.greeks`."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.timing import timed
from sigmasight_assets.engines import black_scholes, mibian_reference

CONTRACTS = 1_000_000
SAMPLE = 2_000


def random_contracts(n: int) -> tuple[np.ndarray, ...]:
    """Calls and puts, one day to three years, spots 10–500, strikes around them, σ 5–120 %, a third without dividend."""
    random = np.random.default_rng(20221228)
    spot = random.uniform(10, 500, n)
    strike = spot * np.exp(random.normal(0, 0.25, n))
    years = random.integers(1, 1096, n) / 365
    dividend_yield = np.where(random.random(n) < 1 / 3, 0.0, random.uniform(0, 0.04, n))
    return random.random(n) < 0.5, spot, strike, years, random.uniform(0, 0.06, n), dividend_yield, random.uniform(0.05, 1.2, n)


def main() -> None:
    contracts = random_contracts(CONTRACTS)
    values, taken = timed(lambda: black_scholes.price_and_greeks(*contracts))
    sample = tuple(column[:SAMPLE] for column in contracts)
    mibian_reference.price_and_greeks(*(column[:1] for column in contracts))  # the import is not part of the time
    start = time.perf_counter()
    mibian_reference.price_and_greeks(*sample)
    mibian_rate = SAMPLE / (time.perf_counter() - start)
    difference = mibian_reference.compare(black_scholes.price_and_greeks(*sample), *sample)
    taken.show("price + 5 Greeks", CONTRACTS, "contracts")
    ratio = CONTRACTS / taken.best / mibian_rate
    print(f"mibian, a loop       {mibian_rate:8.0f} contracts/s on {SAMPLE:,} of the same: a ratio of {ratio:,.0f}")
    print(f"largest difference   {difference:8.1e} in price or any Greek (allowed 1e-8)")
    print(f"not finite           {np.count_nonzero(~np.isfinite(values.price)):8d}")


if __name__ == "__main__":
    main()
