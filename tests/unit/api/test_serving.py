"""Collections of garbage in a server: short, and nothing is garbage for ever."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from sigmasight_api.serving import LOOK_AGAIN_SECONDS, ShortCollections


class Knot:
    """An object that holds itself: only a collection frees it."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture
def moment() -> Iterator[list[float]]:
    """The time, with collections kept short by it."""
    now = [1000.0]
    callback = ShortCollections(lambda: now[0])
    gc.callbacks.append(callback)
    yield now
    gc.callbacks.remove(callback)
    gc.unfreeze()


def test_what_a_full_collection_leaves_is_looked_at_again_in_ten_minutes(moment: list[float]) -> None:
    knot = Knot()
    seen = weakref.ref(knot)
    gc.collect(1)
    assert gc.get_freeze_count() == 0  # a small collection sets nothing aside
    gc.collect()
    assert gc.get_freeze_count() > 1000
    del knot
    gc.collect()
    assert seen() is not None  # set aside
    moment[0] += LOOK_AGAIN_SECONDS
    gc.collect()
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert seen() is None
    assert gc.get_freeze_count() > 1000


@pytest.mark.usefixtures("moment")
def test_garbage_of_today_is_collected_as_ever() -> None:
    gc.collect()
    seen = weakref.ref(Knot())
    gc.collect()
    assert seen() is None
