"""Dagster's daily partitions with their windows listed once.

The stock definition walks its cron schedule and its exclusions anew for every question, and a window of 252 sessions asks hundreds of
times. A year of sessions takes seconds of that; the answers never change (a test compares them).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property

import dagster as dg
from dagster._core.definitions.partitions.utils.time_window import TimeWindow

REACH_BACK_SECONDS = 600 * 86_400
"""Windows are listed from so long before the first partition: what a window of sessions reads begins there."""


class SessionPartitionsDefinition(dg.DailyPartitionsDefinition):
    """Equal to the stock definition of the same arguments, and stored like it."""

    @cached_property
    def _listed(self) -> tuple[list[TimeWindow], list[float], list[float]]:
        """Windows to the last day that is excluded or a partition; their starts and ends."""
        excluded = [one.timestamp for one in self.exclusions or () if not isinstance(one, str)]
        last = max([self.end_timestamp or self.start_timestamp, *excluded])
        windows = []
        for window in super()._iterate_time_windows(self.start_timestamp - REACH_BACK_SECONDS):
            if window.start.timestamp() > last:
                break
            windows.append(window)
        return windows, [window.start.timestamp() for window in windows], [window.end.timestamp() for window in windows]

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def _iterate_time_windows(self, start_timestamp: float, ignore_exclusions: bool = False) -> Iterable[TimeWindow]:
        windows, starts, ends = self._listed
        if ignore_exclusions or not windows or not starts[0] <= start_timestamp <= starts[-1]:
            yield from super()._iterate_time_windows(start_timestamp, ignore_exclusions)
            return
        yield from windows[bisect_left(starts, start_timestamp) :]
        yield from super()._iterate_time_windows(ends[-1])

    def _reverse_iterate_time_windows(self, end_timestamp: float, ignore_exclusions: bool = False) -> Iterable[TimeWindow]:
        windows, starts, ends = self._listed
        if ignore_exclusions or not windows or not ends[0] <= end_timestamp <= ends[-1]:
            yield from super()._reverse_iterate_time_windows(end_timestamp, ignore_exclusions)
            return
        yield from reversed(windows[: bisect_right(ends, end_timestamp)])
        yield from super()._reverse_iterate_time_windows(starts[0])
