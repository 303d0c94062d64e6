"""Looks shared by those who wait: each begins after it was asked for."""

from __future__ import annotations

import threading
import time

import pytest

from sigmasight_api.operations.looks import MOST_KEPT, Looks


def test_who_waits_shares_one_look_that_began_after_all_had_asked() -> None:
    looks, begun, go = Looks(), [], threading.Event()

    def slow() -> int:
        begun.append(time.monotonic())
        go.wait(30)
        return len(begun)

    first = threading.Thread(target=looks.at, args=("key", slow))
    first.start()
    while not begun:
        time.sleep(0.001)
    found: list[int] = []
    others = [threading.Thread(target=lambda: found.append(looks.at("key", slow))) for _ in range(8)]
    for other in others:
        other.start()
    time.sleep(0.2)  # by now they wait
    go.set()
    for thread in (first, *others):
        thread.join()
    assert len(begun) == 2
    assert found == [2] * 8


def test_later_questions_and_others_are_looked_at_anew() -> None:
    looks, seen = Looks(), []
    for key in (*range(MOST_KEPT + 2), 0, 0):
        assert looks.at(key, lambda key=key: seen.append(key) or len(seen)) == len(seen)
    assert seen == [*range(MOST_KEPT + 2), 0, 0]


def test_a_look_that_fails_is_not_kept() -> None:
    looks = Looks()
    with pytest.raises(ZeroDivisionError):
        looks.at("key", lambda: 1 // 0)
    assert looks.at("key", lambda: 5) == 5


def test_an_old_look_is_enough_for_who_says_so() -> None:
    looks, seen = Looks(), []
    for age in (0.0, 600.0, 600.0, 0.0):
        looks.at("key", lambda: seen.append(1), age)
    assert len(seen) == 2
