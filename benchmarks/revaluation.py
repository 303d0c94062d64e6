"""Full revaluation beside the pricing function alone on the same inputs, one thread: `python -m benchmarks.revaluation`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.greeks import random_contracts
from sigmasight_assets.engines import black_scholes, mibian_reference
from sigmasight_assets.engines.revaluation import OptionTerms, full_changes, volatility_change

POSITIONS = 10_000
SCENARIOS = 25
RUNS = 5
SAMPLE = 40


def median_seconds(*works: Callable[[], object], runs: int = RUNS) -> list[float]:
    """Median of some runs of each; they take turns, so that a busy moment of the machine falls on all. A first turn warms up."""
    seconds: list[list[float]] = [[] for _ in works]
    for turn in range(runs + 1):
        for work, taken in zip(works, seconds, strict=True):
            start = time.perf_counter()
            work()
            if turn:
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in seconds]


def random_scenarios(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moves of each option's underlying, changes of volatility and of the rate."""
    random = np.random.default_rng(20221228)
    market = np.linspace(-0.4, 0.3, n)
    moves = np.maximum(market[:, None] * random.uniform(0.3, 2.0, POSITIONS), -1.0)
    return moves, np.linspace(1.5, -0.3, n), np.linspace(-0.02, 0.03, n)


def main() -> None:
    terms = OptionTerms(*random_contracts(POSITIONS))
    units = np.random.default_rng(7).integers(-50, 50, POSITIONS) * 100.0
    moves, iv_change, rate_change = random_scenarios(SCENARIOS)
    shape = moves.shape
    shifted = (
        np.broadcast_to(terms.is_call, shape).ravel(),
        (terms.spot * (1.0 + moves)).ravel(),
        np.broadcast_to(terms.strike, shape).ravel(),
        np.broadcast_to(terms.years, shape).ravel(),
        (terms.rate + rate_change[:, None]).ravel(),
        np.broadcast_to(terms.dividend_yield, shape).ravel(),
        (terms.volatility + volatility_change(terms, iv_change)).ravel(),
    )
    alone, full = median_seconds(lambda: black_scholes.price(*shifted), lambda: full_changes(terms, moves, iv_change, rate_change) @ units)
    changes = full_changes(terms, moves, iv_change, rate_change)
    base = black_scholes.price(**vars(terms))
    by_price = black_scholes.price(*shifted).reshape(shape) - base
    chosen = np.linspace(0, moves.size - 1, SAMPLE).astype(int)
    mibian = mibian_reference.price_and_greeks(*(column[chosen] for column in shifted)).price
    difference = np.abs(changes.ravel()[chosen] + np.broadcast_to(base, shape).ravel()[chosen] - mibian).max()
    print(f"{POSITIONS:,} options x {SCENARIOS} scenarios, one thread, median of {RUNS} runs")
    print(f"pricing function alone on the {moves.size:,} shifted inputs   {1e3 * alone:8.1f} ms")
    print(f"full revaluation: shifts, prices, base, book totals     {1e3 * full:8.1f} ms: {full / alone:.2f} times (allowed 1.5)")
    print(f"largest difference from the pricing function            {np.abs(changes - by_price).max():8.1e} (allowed 0)")
    print(f"largest difference from mibian on {SAMPLE} of them            {difference:8.1e} (allowed 1e-8)")


if __name__ == "__main__":
    main()
