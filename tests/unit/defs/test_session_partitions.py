"""Partitions whose windows are listed once answer as Dagster's own."""

from datetime import datetime, timedelta
from itertools import islice

import dagster as dg
import pytest
from dagster._core.definitions.partitions.utils.time_window import TimeWindow
from dagster._serdes import serialize_value

from sigmasight_assets.defs.partitions import WEEKENDS
from sigmasight_assets.defs.session_partitions import SessionPartitionsDefinition

HOLIDAYS = [datetime(2026, 1, 1), datetime(2026, 1, 19), datetime(2026, 12, 25), datetime(2027, 12, 24)]  # noqa: DTZ001
ARGUMENTS = {"start_date": "2026-01-05", "timezone": "America/New_York", "exclusions": [*WEEKENDS, *HOLIDAYS]}


@pytest.fixture(params=[{"end_date": "2026-03-24", "end_offset": 0}, {"end_offset": 1}], ids=["ended", "live"])
def pair(request: pytest.FixtureRequest) -> tuple[dg.DailyPartitionsDefinition, SessionPartitionsDefinition]:
    """The stock definition and ours of the same arguments."""
    return dg.DailyPartitionsDefinition(**ARGUMENTS, **request.param), SessionPartitionsDefinition(**ARGUMENTS, **request.param)


def test_keys_windows_and_walks_are_those_of_dagster(pair):
    stock, ours = pair
    assert ours.get_partition_keys() == stock.get_partition_keys()
    assert ours.get_last_partition_window() == stock.get_last_partition_window()
    for days in (
        -700,
        -601,
        -600,
        -599,
        -40,
        -7,
        0,
        1,
        5,
        6,
        13,
        14,
        62,
        71,
        300,
        800,
    ):  # before, inside and after the listed windows; the clock change of March
        for hours in (0, 5):
            moment = (stock.start + timedelta(days=days, hours=hours)).timestamp()
            for walk in ("_iterate_time_windows", "_reverse_iterate_time_windows"):
                for ignoring in (False, True):
                    expected = list(islice(getattr(stock, walk)(moment, ignoring), 60))
                    assert list(islice(getattr(ours, walk)(moment, ignoring), 60)) == expected
    window = TimeWindow(stock.start - timedelta(days=20), stock.start + timedelta(days=50))
    assert ours.get_partition_keys_in_time_window(window) == stock.get_partition_keys_in_time_window(window)


def test_a_definition_equals_dagsters_and_is_stored_as_one(pair):
    stock, ours = pair
    assert ours == stock
    assert hash(ours) == hash(stock)
    keys = ["2026-01-06", "2026-01-20", "2026-01-21"]
    first, second = (serialize_value(one.subset_with_partition_keys(keys).to_serializable_subset()) for one in pair)
    assert first == second


def test_mapping_a_window_of_sessions_reaches_the_same_partitions(pair):
    mapping = dg.TimeWindowPartitionMapping(start_offset=-5, end_offset=0, allow_nonexistent_upstream_partitions=True)
    found = [
        mapping.get_upstream_mapped_partitions_result_for_partitions(
            one.subset_with_partition_keys(["2026-01-20", "2026-01-21"]), one, one
        ).partitions_subset.get_partition_keys()
        for one in pair
    ]
    assert found[0] == found[1] == ["2026-01-12", "2026-01-13", "2026-01-14", "2026-01-15", "2026-01-16", "2026-01-20", "2026-01-21"]
