"""Structures are recognised by their legs, and what only looks like one is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from sigmasight_assets.engines.option_structures import Leg, Structure, structures

MARCH, JUNE = date(2023, 3, 17), date(2023, 6, 16)


def shares(size: float, underlying: str = "AAPL", value: float | None = None) -> Leg:
    return Leg("share", underlying, size, value)


def call(strike: float, size: float, expiry: date = MARCH, underlying: str = "AAPL") -> Leg:
    return Leg("call", underlying, size, None, expiry, strike)


def put(strike: float, size: float, expiry: date = MARCH, underlying: str = "AAPL") -> Leg:
    return Leg("put", underlying, size, None, expiry, strike)


RECOGNISED: dict[str, tuple[str, str | None, list[Leg]]] = {
    "shares and calls sold on them": ("covered_call", None, [shares(900), call(170, -900)]),
    "more shares than calls": ("covered_call", None, [shares(2000), call(170, -900)]),
    "calls within 5 % of the shares": ("covered_call", None, [shares(960), call(170, -1000)]),
    "a ladder of calls": ("covered_call", None, [shares(900), call(170, -400), call(180, -500, JUNE)]),
    "shares and puts on them": ("protective_put", None, [shares(900), put(120, 900)]),
    "shares between a put and a call": ("collar", None, [shares(900), put(120, 900), call(170, -900)]),
    "lower call bought, higher sold": ("vertical", "bull_call", [call(100, 500), call(110, -500)]),
    "lower call sold, higher bought": ("vertical", "bear_call", [call(100, -500), call(110, 500)]),
    "lower put bought, higher sold": ("vertical", "bull_put", [put(100, 500), put(110, -500)]),
    "lower put sold, higher bought": ("vertical", "bear_put", [put(110, 500), put(100, -500)]),
    "call and put of one strike": ("straddle", "long", [call(100, 500), put(100, 500)]),
    "call and put sold": ("straddle", "short", [call(100, -500), put(100, -500)]),
    "put below call": ("strangle", "long", [call(110, 500), put(90, 500)]),
    "put below call, sold": ("strangle", "short", [call(110, -500), put(90, -500)]),
    "near sold, far bought": ("calendar", "long", [call(100, -500), call(100, 500, JUNE)]),
    "near bought, far sold": ("calendar", "short", [put(100, 500), put(100, -500, JUNE)]),
    "1 -2 1": ("butterfly", "long", [call(90, 500), call(100, -1000), call(110, 500)]),
    "-1 2 -1": ("butterfly", "short", [put(90, -500), put(100, 1000), put(110, -500)]),
    "inner ones sold": ("iron_condor", "credit", [put(80, 500), put(90, -500), call(110, -500), call(120, 500)]),
    "inner ones bought": ("iron_condor", "debit", [put(80, -500), put(90, 500), call(110, 500), call(125, -500)]),
    "one share against another": ("pair", None, [shares(780, "LLY", 285_000), shares(-5280, "PFE", -271_000)]),
}
NEAR_MISSES: dict[str, list[Leg]] = {
    "more calls than shares": [shares(900), call(170, -1000)],
    "calls bought on shares": [shares(900), call(170, 900)],
    "calls sold against short shares": [shares(-900), call(170, -900)],
    "more puts than shares": [shares(900), put(120, 1800)],
    "puts sold on shares": [shares(900), put(120, -900)],
    "a collar of two expiries": [shares(900), put(120, 900), call(170, -900, JUNE)],
    "a collar with put above call": [shares(900), put(180, 900), call(170, -900)],
    "a collar of unequal sizes": [shares(900), put(120, 900), call(170, -500)],
    "a ratio spread": [call(100, 500), call(110, -1000)],
    "two verticals' legs on one side": [call(100, 500), call(110, 500)],
    "a diagonal": [call(100, -500), call(110, 500, JUNE)],
    "a straddle of two expiries": [call(100, 500), put(100, 500, JUNE)],
    "a straddle of unequal sizes": [call(100, 500), put(100, 400)],
    "guts: put above call": [call(90, 500), put(110, 500)],
    "a risk reversal without shares": [call(110, 500), put(90, -500)],
    "a butterfly of uneven wings": [call(90, 500), call(100, -1000), call(115, 500)],
    "a butterfly of 1 -1 1": [call(90, 500), call(100, -500), call(110, 500)],
    "a butterfly over two expiries": [call(90, 500), call(100, -1000), call(110, 500, JUNE)],
    "an iron butterfly": [put(90, 500), put(100, -500), call(100, -500), call(110, 500)],
    "a condor with a larger side": [put(80, 500), put(90, -500), call(110, -1000), call(120, 1000)],
    "a condor of calls alone": [call(80, 500), call(90, -500), call(110, -500), call(120, 500)],
    "a condor and one leg more": [put(70, 500), put(80, 500), put(90, -500), call(110, -500), call(120, 500)],
    "a call sold without shares": [call(170, -900)],
    "a put bought without shares": [put(120, 900)],
    "shares alone": [shares(900, value=100_000)],
    "legs that are flat together": [call(100, 500), call(100, -500)],
    "a private asset among the legs": [shares(900), call(170, -900), Leg("other", "AAPL", 1)],
}


@pytest.mark.parametrize("case", RECOGNISED)
def test_a_structure_is_recognised(case: str) -> None:
    name, variant, legs = RECOGNISED[case]
    assert structures(legs) == [Structure(name, variant, None if name == "pair" else "AAPL")]
    assert structures(legs[::-1]) == structures(legs)


@pytest.mark.parametrize("case", NEAR_MISSES)
def test_what_only_looks_like_one_is_not(case: str) -> None:
    assert not any(structures(NEAR_MISSES[case]))


@pytest.mark.parametrize(
    "legs",
    [
        [shares(100, "LLY", 100_000), shares(-100, "PFE", -33_000)],
        [shares(100, "LLY", 100_000), shares(100, "PFE", 100_000)],
        [shares(100, "LLY", None), shares(-100, "PFE", -100_000)],
        [shares(100, "LLY", 100_000), shares(-50, "PFE", -50_000), shares(-50, "MRK", -50_000)],
    ],
)
def test_shares_on_one_side_or_of_unlike_worth_or_of_three_names_are_no_pair(legs: Sequence[Leg]) -> None:
    assert not any(structures(legs))


def test_lots_of_one_series_are_one_leg() -> None:
    legs = [call(100, 200), call(100, 300), call(110, -500)]
    assert structures(legs) == [Structure("vertical", "bull_call", "AAPL")]


def test_shares_elsewhere_in_the_book_cover_as_many_options_as_they_are() -> None:
    assert structures([call(170, -900)], {"AAPL": 1200}) == [Structure("covered_call", None, "AAPL", 900)]
    assert structures([put(120, 900), call(170, -900)], {"AAPL": 900}) == [Structure("collar", None, "AAPL", 900)]
    assert structures([call(170, -900)], {"AAPL": 500, "MSFT": 5000}) == [None]


def test_a_spread_is_not_taken_for_a_covered_call_because_the_book_has_shares() -> None:
    assert structures([call(100, -500), call(110, 500)], {"AAPL": 5000}) == [Structure("vertical", "bear_call", "AAPL")]


def test_each_underlying_is_judged_by_itself() -> None:
    legs = [call(270, -400, underlying="MSFT"), shares(420, "MSFT"), call(170, -900)]
    assert structures(legs) == [None, Structure("covered_call", None, "MSFT")]


def test_nothing_is_no_structure() -> None:
    assert structures([]) == []
