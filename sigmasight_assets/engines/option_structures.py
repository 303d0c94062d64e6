"""Structures of shares and options, recognised by their legs.

Sizes are in units of the underlying: contracts times multiplier, shares as they are. Two sizes are *equal* when they differ by at most
5 % of the larger; options are *covered* when they are at most 5 % more than the shares. Definitions after McMillan, *Options as a Strategic
Investment* (5th ed., 2012), and the OIC's strategy guide:

===============  =================================================================================================================
covered_call     long shares, short calls of any strikes and expiries, covered
protective_put   long shares, long puts of any strikes and expiries, covered
collar           long shares, long puts and short calls of one expiry, one strike each, put below call, equal sizes, covered
vertical         two options of one type and expiry, other strikes, opposite sides, equal sizes
straddle         call and put of one strike and expiry on one side, equal sizes
strangle         call and put of one expiry on one side, put strike below call strike, equal sizes
calendar         two options of one type and strike, other expiries, opposite sides, equal sizes
butterfly        three options of one type and expiry at evenly spaced strikes (to 1 % of the wing), sizes 1 : -2 : 1
iron_condor      put, put, call, call of one expiry at rising strikes, outer ones on one side, inner ones on the other, equal sizes
pair             two shares, one long and one short, neither side worth more than three times the other
===============  =================================================================================================================

Anything else, also with one leg more, is none of them. Lots of one series or share count as one leg, long and short against each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

EQUAL_SIZES = 0.05
EVEN_WINGS = 0.01
LARGEST_PAIR_RATIO = 3.0

Kind = Literal["share", "call", "put", "other"]


@dataclass(frozen=True)
class Leg:
    """A holding of one share or option series.

    Attributes
    ----------
    size : float
        Signed units of the underlying.
    value : float or None
        Signed market value, USD; a pair is weighed by it.
    expiry, strike
        Of an option.
    """

    kind: Kind
    underlying: str
    size: float
    value: float | None = None
    expiry: date | None = None
    strike: float | None = None


@dataclass(frozen=True)
class Structure:
    """What some legs are.

    Attributes
    ----------
    variant : str or None
        long, short, bull_call, bear_call, bull_put, bear_put, credit, debit; None where the name says all.
    underlying : str or None
        None for a pair, which has two.
    shares_of_book : float
        Shares elsewhere in the book that cover the options; 0 where the legs have their own.
    """

    name: str
    variant: str | None
    underlying: str | None
    shares_of_book: float = 0.0


def structures(legs: Sequence[Leg], shares_of_book: Mapping[str, float] | None = None) -> list[Structure | None]:
    """What the legs are: one structure of all where they are a pair, else one for each underlying, in order of its name.

    Parameters
    ----------
    legs : sequence of Leg
    shares_of_book : mapping
        Underlying -> shares held beside these legs: they cover options that have no shares among the legs.

    Returns
    -------
    list of Structure or None
        None for an underlying whose legs are no structure; empty for no legs.
    """
    held = _netted(legs)
    pair = _pair(held)
    if pair is not None:
        return [pair]
    by_underlying: dict[str, list[Leg]] = defaultdict(list)
    for leg in held:
        by_underlying[leg.underlying].append(leg)
    beside = shares_of_book or {}
    return [_of_one(by_underlying[name], beside.get(name, 0.0)) for name in sorted(by_underlying)]


def _netted(legs: Sequence[Leg]) -> list[Leg]:
    """One leg a share or series; what is flat is gone."""
    sums: dict[tuple[Kind, str, date | None, float | None], tuple[float, float | None]] = {}
    for leg in legs:
        key = (leg.kind, leg.underlying, leg.expiry, leg.strike)
        size, value = sums.get(key, (0.0, 0.0))
        sums[key] = (size + leg.size, None if value is None or leg.value is None else value + leg.value)
    return [Leg(key[0], key[1], size, value, key[2], key[3]) for key, (size, value) in sums.items() if size != 0.0]


def _pair(held: Sequence[Leg]) -> Structure | None:
    if len(held) != 2 or any(leg.kind != "share" for leg in held) or held[0].size * held[1].size > 0:
        return None
    sides = sorted(abs(leg.value or 0.0) for leg in held)
    return Structure("pair", None, None) if 0.0 < sides[1] <= LARGEST_PAIR_RATIO * sides[0] else None


def _of_one(held: Sequence[Leg], shares_of_book: float) -> Structure | None:
    """The structure of the legs on one underlying."""
    shares = [leg for leg in held if leg.kind == "share"]
    options = [leg for leg in held if leg.kind in ("call", "put")]
    if not options or len(shares) + len(options) != len(held):
        return None
    name = held[0].underlying
    if shares:
        found = _with_shares(options, shares[0].size)
        return Structure(found, None, name) if found else None
    for recognise in _OF_OPTIONS:
        recognised = recognise(sorted(options, key=_by_terms))
        if recognised is not None:
            return Structure(recognised[0], recognised[1], name)
    covered = _with_shares(options, shares_of_book)
    return Structure(covered, None, name, min(shares_of_book, _covered_size(options))) if covered else None


def _covered_size(options: Sequence[Leg]) -> float:
    """Shares that short calls and long puts want: a collar's two options want the same ones."""
    return max(abs(sum(leg.size for leg in options if leg.kind == kind)) for kind in ("call", "put"))


def _by_terms(leg: Leg) -> tuple[date, float, str]:
    return leg.expiry or date.max, leg.strike or 0.0, leg.kind


def _with_shares(options: Sequence[Leg], shares: float) -> str | None:
    calls = [leg for leg in options if leg.kind == "call"]
    puts = [leg for leg in options if leg.kind == "put"]
    if shares <= 0 or any(leg.size > 0 for leg in calls) or any(leg.size < 0 for leg in puts):
        return None
    if _covered_size(options) > shares * (1.0 + EQUAL_SIZES):
        return None
    if not puts:
        return "covered_call"
    if not calls:
        return "protective_put"
    one_each = len(calls) == len(puts) == 1 and calls[0].expiry == puts[0].expiry
    return "collar" if one_each and _strike(puts[0]) < _strike(calls[0]) and _equal(calls[0].size, puts[0].size) else None


def _strike(leg: Leg) -> float:
    return leg.strike or 0.0


def _equal(*sizes: float) -> bool:
    """Whether sizes are equal to the tolerance, signs aside."""
    plain = [abs(size) for size in sizes]
    return max(plain) - min(plain) <= EQUAL_SIZES * max(plain)


Recognised = tuple[str, str | None]


def _side(size: float) -> str:
    return "long" if size > 0 else "short"


def _two_of_one_type(legs: Sequence[Leg]) -> bool:
    return len(legs) == 2 and legs[0].kind == legs[1].kind and legs[0].size * legs[1].size < 0 and _equal(*(leg.size for leg in legs))


def _vertical(legs: Sequence[Leg]) -> Recognised | None:
    if not _two_of_one_type(legs) or legs[0].expiry != legs[1].expiry:
        return None
    return "vertical", f"{'bull' if legs[0].size > 0 else 'bear'}_{legs[0].kind}"  # who is long the lower strike gains when it rises


def _calendar(legs: Sequence[Leg]) -> Recognised | None:
    if not _two_of_one_type(legs) or legs[0].strike != legs[1].strike:
        return None
    return "calendar", _side(legs[1].size)  # of the later expiry


def _straddle_or_strangle(legs: Sequence[Leg]) -> Recognised | None:
    if len(legs) != 2 or {leg.kind for leg in legs} != {"call", "put"} or legs[0].expiry != legs[1].expiry:
        return None
    call, put = sorted(legs, key=lambda leg: leg.kind)
    if call.size * put.size < 0 or not _equal(call.size, put.size) or _strike(put) > _strike(call):
        return None
    return "straddle" if put.strike == call.strike else "strangle", _side(call.size)


def _butterfly(legs: Sequence[Leg]) -> Recognised | None:
    if len(legs) != 3 or len({(leg.kind, leg.expiry) for leg in legs}) != 1:
        return None
    low, middle, high = legs
    lower_wing, upper_wing = _strike(middle) - _strike(low), _strike(high) - _strike(middle)
    is_even = abs(lower_wing - upper_wing) <= EVEN_WINGS * max(lower_wing, upper_wing)
    is_turned = low.size * high.size > 0 and low.size * middle.size < 0
    return ("butterfly", _side(low.size)) if is_even and is_turned and _equal(low.size, high.size, middle.size / 2.0) else None


def _iron_condor(legs: Sequence[Leg]) -> Recognised | None:
    if len(legs) != 4 or [leg.kind for leg in legs] != ["put", "put", "call", "call"] or len({leg.expiry for leg in legs}) != 1:
        return None
    outer_put, inner_put, inner_call, outer_call = (leg.size for leg in legs)
    is_turned = outer_put * outer_call > 0 and inner_put * inner_call > 0 and outer_put * inner_put < 0
    if not is_turned or not _equal(*(leg.size for leg in legs)) or _strike(legs[1]) >= _strike(legs[2]):
        return None
    return "iron_condor", "credit" if inner_put < 0 else "debit"


_OF_OPTIONS: tuple[Callable[[Sequence[Leg]], Recognised | None], ...] = (
    _vertical,
    _calendar,
    _straddle_or_strangle,
    _butterfly,
    _iron_condor,
)
