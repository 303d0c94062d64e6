"""How the kernels' benchmarks take and show times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

RUNS = 25
Result = TypeVar("Result")


@dataclass(frozen=True)
class Seconds:
    """Of `RUNS` calls: the wall clock's, and the processor's, which leaves out what other programs took of the core."""

    wall: list[float]
    processor: list[float]

    @property
    def best(self) -> float:
        return min(self.wall)

    def show(self, what: str, items: int, unit: str) -> None:
        millions = [items / seconds / 1e6 for seconds in (self.best, statistics.median(self.wall), min(self.processor))]
        print(f"{what:<20} {millions[0]:8.1f} M {unit}/s, best of {RUNS} runs of {items:,} on one core")
        print(f"{'':<20} {millions[1]:8.1f} M {unit}/s, median")
        print(f"{'':<20} {millions[2]:8.1f} M {unit}/s, best by processor time")


def timed(call: Callable[[], Result]) -> tuple[Result, Seconds]:
    """The result of the last call, and the times of all."""
    wall, processor = [], []
    for _ in range(RUNS):
        started, worked = time.perf_counter(), time.process_time()
        result = call()
        processor.append(time.process_time() - worked)
        wall.append(time.perf_counter() - started)
    return result, Seconds(wall, processor)
