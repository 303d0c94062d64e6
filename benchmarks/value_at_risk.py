"""Historical value at risk of a thousand options over 252 sessions, and components: `python -m benchmarks.value_at_risk`."""

from __future__ import annotations

import numpy as np

from benchmarks.greeks import random_contracts
from benchmarks.revaluation import median_seconds
from sigmasight_assets.engines import black_scholes, value_at_risk
from sigmasight_assets.engines.revaluation import OptionTerms, full_changes

OPTIONS = 1_000
WINDOW = value_at_risk.WINDOW


def main() -> None:
    terms = OptionTerms(*random_contracts(OPTIONS))
    random = np.random.default_rng(20221228)
    moves = random.normal(0.0, 0.02, (WINDOW, OPTIONS))
    units = random.integers(-50, 50, OPTIONS) * 100.0

    def simulate() -> tuple[value_at_risk.TailRisk, value_at_risk.TailRisk]:
        position_pnl = full_changes(terms, moves) * units
        total = position_pnl.sum(axis=1)
        tail = value_at_risk.tail_scenarios(total, 0.95)
        return value_at_risk.historical(total, 0.95), value_at_risk.historical_components(position_pnl, tail)

    (seconds,) = median_seconds(simulate)
    whole, parts = simulate()
    base = black_scholes.price(**vars(terms))
    losses = []
    for line in moves:  # the slow way: a scenario at a time, sorted by Python
        shifted = OptionTerms(**{**vars(terms), "spot": terms.spot * (1.0 + line)})
        losses.append(-float((black_scholes.price(**vars(shifted)) - base) @ units))
    worst = sorted(losses, reverse=True)[: value_at_risk.tail_count(WINDOW, 0.95)]
    scale = max(abs(worst[0]), 1.0)
    difference = max(abs(worst[-1] - float(whole.value_at_risk)), abs(sum(worst) / len(worst) - float(whole.expected_shortfall)))
    added_up = abs(parts.expected_shortfall.sum() - float(whole.expected_shortfall))
    print(f"value at risk of {OPTIONS:,} options x {WINDOW} returns   {1e3 * seconds:8.1f} ms (allowed 500), one thread, median of 5 runs")
    print(f"largest difference from one scenario at a time  {difference / scale:8.1e} of the worst loss")
    print(f"components less the total                       {added_up / scale:8.1e} of the worst loss")


if __name__ == "__main__":
    main()
