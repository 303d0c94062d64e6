"""Correlations of many names beside the bare matrix product, on one thread: `python -m benchmarks.correlation`.

3,000 names x 252 returns, without gaps and where every name has its own 5 % of gaps; the eigenvalues of the matrix timed apart.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from benchmarks.timing import timed
from sigmasight_assets.engines.correlation import correlations

NAMES, RETURNS, SAMPLE = 3_000, 252, 400
GAPS = 0.05


def main() -> None:
    random = np.random.default_rng(20221228)
    returns = random.normal(0, 0.01, (RETURNS, NAMES)) + random.normal(0, 0.01, (RETURNS, 1))
    gapped = np.where(random.random(returns.shape) < GAPS, np.nan, returns)
    _, bare = timed(lambda: returns.T @ returns)
    print(f"{'bare product':<20} {bare.best * 1000:8.0f} ms, best of {len(bare.wall)}: {NAMES:,} x {RETURNS} returns on one core")
    for name, panel, allowed in (("no gaps", returns, 1.5), ("5 % gaps", gapped, 10.0)):
        found, taken = timed(lambda panel=panel: correlations(panel))  # type: ignore[misc]
        reference = pd.DataFrame(panel[:, :SAMPLE]).corr(min_periods=30).to_numpy()
        difference = np.abs(found.matrix[:SAMPLE, :SAMPLE] - reference).max()
        ratio, by_processor = taken.best / bare.best, min(taken.processor) / min(bare.processor)
        told = f"{ratio:.2f} times the product, {by_processor:.2f} by processor time (allowed {allowed:g})"
        print(f"{name:<20} {taken.best * 1000:8.0f} ms: {told}")
        print(f"{'largest difference':<20} {difference:8.1e} against pandas, {SAMPLE} names (allowed 1e-12)")
    started = time.perf_counter()
    smallest = np.linalg.eigvalsh(correlations(returns).matrix)[0]
    print(f"{'eigenvalues':<20} {time.perf_counter() - started:8.2f} s; the smallest is {smallest:.1e}")


if __name__ == "__main__":
    main()
