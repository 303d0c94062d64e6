"""Black–Scholes–Merton implied volatility, solved to rounding, or the reason why there is none.

By put–call parity every quote is reduced to its out-of-the-money time value, and that to two numbers: ``distance =
|ln(forward / strike)|`` and ``value`` = time value ÷ the largest it can be (the nearer discounted leg), in (0, 1). Sought is
the deviation ``s = σ√T``. Below the inflection ``s_c = √(2·distance)``, where vega peaks, ``value`` is small and its
logarithm is solved; above, the logarithm of what is missing to 1. Both are one Mills ratio expression without underflow.
The square roots of these logarithms are nearly straight lines in 1/s and s, so that two Halley steps reach rounding from
the starting points below (within 8 %); whatever has not settled then is finished inside a bracket that provably holds the root.

Sources: Jäckel (2015), "Let's be rational", Wilmott 75 (the two branches at the inflection, rational starting points);
Jäckel (2017), "Implied normal volatility", Wilmott 90 (`_normal_distance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.black_scholes import INV_SQRT_TWO_PI, discounted_legs
from sigmasight_assets.engines.mills_ratio import mills_ratio

CHUNK = 8192  # quotes at a time: the intermediate arrays stay in a core's cache

_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)
_SMALLEST = float(np.finfo(np.float64).tiny)
_HALLEY_STEPS = 2
_SETTLED = 1e-4  # relative size of the last Halley step; its error is of third order, far below rounding
_BRACKETED_STEPS = 200
_NORMAL_SPLIT = 0.0018820392719186  # value of the normal model at 9/4 deviations, where its two inverses meet


class Reason(IntEnum):
    """Why there is no volatility; `OK` where there is one."""

    OK = 0
    BELOW_INTRINSIC = 1
    """The price is at or below the discounted intrinsic value: no positive volatility gives it."""
    ABOVE_MAX = 2
    """The price is at or above the discounted share (call) or strike (put): no finite volatility gives it."""
    NO_QUOTE = 3
    """The price is NaN or not positive."""
    NO_SPOT = 4
    """The spot is NaN or not positive."""
    EXPIRED = 5
    """No time is left."""
    NO_TERMS = 6
    """The strike, time, rate or dividend yield is missing, or the strike is not positive."""


@dataclass(frozen=True, slots=True)
class ImpliedVolatility:
    """Volatility per year (0.20 = 20 %), NaN where ``reason`` (int8, a `Reason`) is not `Reason.OK`."""

    volatility: Array
    reason: npt.NDArray[np.int8]


def implied_volatility(
    is_call: npt.ArrayLike,
    price: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    dividend_yield: npt.ArrayLike,
) -> ImpliedVolatility:
    """The volatility at which `black_scholes.price` gives ``price``; arguments broadcast to one shape.

    Parameters
    ----------
    is_call : array_like of bool
    price, spot, strike : array_like
        Per share, in one currency.
    years : array_like
        ACT/365 time to expiry.
    rate, dividend_yield : array_like
        Continuous, per year (0.05 = 5 %).

    Returns
    -------
    ImpliedVolatility
        Of the broadcast shape. Where vega (per 1.00 of volatility) exceeds 1e-8 of the spot the error is below 1e-8, or, deep
        in the money where the price's last digit is worth more than that, the price is met to 1e-14 of the spot. Where
        several reasons hold, the first of expired, no_spot, no_quote, no_terms is given. A price within rounding (4 ulp of
        the larger leg) of an in-the-money bound counts as at the bound.
    """
    flags, *columns = np.broadcast_arrays(
        np.asarray(is_call, dtype=np.bool_),
        *(np.asarray(number, dtype=np.float64) for number in (price, spot, strike, years, rate, dividend_yield)),
    )
    inputs = [flags.ravel(), *(column.ravel() for column in columns)]
    volatility = np.empty(flags.size)
    reason = np.empty(flags.size, dtype=np.int8)
    for start in range(0, flags.size, CHUNK):
        part = slice(start, start + CHUNK)
        volatility[part], reason[part] = _invert(inputs[0][part], *(column[part] for column in inputs[1:]))
    return ImpliedVolatility(volatility.reshape(flags.shape), reason.reshape(flags.shape))


def _invert(
    is_call: BoolArray, price: Array, spot: Array, strike: Array, years: Array, rate: Array, dividend_yield: Array
) -> tuple[Array, npt.NDArray[np.int8]]:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        asset, cash, log_moneyness = discounted_legs(spot, strike, years, rate, dividend_yield)
        near, far = np.minimum(asset, cash), np.maximum(asset, cash)
        intrinsic = np.maximum(np.where(is_call, asset - cash, cash - asset), 0.0)
        in_the_money = intrinsic > 0.0
        rounding = _ROUNDING * np.where(in_the_money, far, near)
        time_value = price - intrinsic
        missing = np.where(is_call, asset, cash) - price  # to the largest possible price

        reason = np.full(price.shape, Reason.OK, dtype=np.int8)
        reason[missing <= rounding] = Reason.ABOVE_MAX
        reason[time_value <= np.where(in_the_money, rounding, _SMALLEST * near)] = Reason.BELOW_INTRINSIC
        reason[~np.isfinite(log_moneyness) | ~np.isfinite(near + far)] = Reason.NO_TERMS
        reason[~((price > 0.0) & np.isfinite(price))] = Reason.NO_QUOTE
        reason[~((spot > 0.0) & np.isfinite(spot))] = Reason.NO_SPOT
        reason[years <= 0.0] = Reason.EXPIRED

        solvable = reason == Reason.OK
        volatility = np.full(price.shape, np.nan)
        near = near[solvable]
        volatility[solvable] = solve_deviation(
            np.abs(log_moneyness[solvable]), time_value[solvable] / near, missing[solvable] / near
        ) / np.sqrt(years[solvable])
    return volatility, reason


def solve_deviation(distance: Array, value: Array, complement: Array) -> Array:
    """``s = σ√T`` from the log-moneyness and the normalised time value.

    Parameters
    ----------
    distance : ndarray of shape (n,)
        ``|ln(forward / strike)|``.
    value, complement : ndarray of shape (n,)
        Time value over its bound, and one minus it (passed apart, to keep its digits), both positive.
    """
    inflection = np.sqrt(2.0 * distance)
    half_gap = INV_SQRT_TWO_PI * mills_ratio(inflection)
    lower = value < 0.5 - half_gap
    upper = ~lower
    start, least, most = (np.empty_like(value) for _ in range(3))
    least[:] = value / INV_SQRT_TWO_PI  # vega never exceeds the bound times 1/√(2π)
    most[lower] = inflection[lower]
    start[lower] = _start_below(distance[lower], value[lower], inflection[lower], 0.5 - half_gap[lower])
    least[upper] = np.maximum(least[upper], inflection[upper])
    start[upper], most[upper] = _start_above(distance[upper], complement[upper], inflection[upper], 0.5 + half_gap[upper])
    # log of the sought quantity; the upper one is halved and centred so that it stays below −ln 2 (see `_halley_step`)
    target = np.log(np.where(lower, value, complement)) - np.where(lower, 0.0, np.log(2.0) + 0.5 * distance)
    deviation = np.clip(start, least, most)
    step = np.zeros_like(deviation)
    for _ in range(_HALLEY_STEPS):
        step, _ = _halley_step(distance, deviation, lower, target)
        deviation = np.clip(deviation + step, least, most)
    unsettled = np.flatnonzero(~(np.abs(step) <= _SETTLED * deviation))
    if unsettled.size:
        deviation[unsettled] = bracketed_deviation(
            distance[unsettled], lower[unsettled], target[unsettled], least[unsettled], most[unsettled]
        )
    return deviation


def bracketed_deviation(distance: Array, lower: BoolArray, target: Array, least: Array, most: Array) -> Array:
    """Halley steps inside a shrinking bracket, bisecting where a step would leave it: always ends at the root."""
    least, most = least.copy(), most.copy()
    deviation = 0.5 * (least + most)
    for _ in range(_BRACKETED_STEPS):
        step, too_low = _halley_step(distance, deviation, lower, target)
        least = np.where(too_low, deviation, least)
        most = np.where(too_low, most, deviation)
        moved = deviation + step
        moved = np.where((moved > least) & (moved < most), moved, 0.5 * (least + most))
        done = np.abs(moved - deviation) <= _ROUNDING * deviation
        deviation = moved
        if done.all():
            break
    return deviation


def _halley_step(distance: Array, deviation: Array, lower: BoolArray, target: Array) -> tuple[Array, BoolArray]:
    """One third-order step for ``y(s) = (−L(s))^m``, and whether ``s`` is below the root.

    ``L`` is ln(value) with ``m = −½`` below the inflection and ln(complement · exp(−distance/2) / 2) with ``m = ½`` above.
    With ``R = M(|z₁|) ∓ M(z₂)`` both are ``ln φ(z₁) + ln R``, ``L' = ±1/R`` and ``L''/L' = z₁z₂/s − L'``.
    """
    scaled = distance / deviation
    half = 0.5 * deviation
    z_1, z_2 = scaled - half, scaled + half
    side = np.where(lower, -1.0, 1.0)
    ratio = mills_ratio(np.abs(z_1)) + side * mills_ratio(z_2)
    level = np.log(INV_SQRT_TWO_PI * ratio) - 0.5 * z_1 * z_1 - np.where(lower, 0.0, np.log(2.0) + 0.5 * distance)
    slope = -side / ratio
    power = 0.5 * side
    relative = np.sqrt(np.where(lower, level / target, target / level))  # y(target) / y(s)
    newton = (relative - 1.0) * level / (power * slope)
    curvature = (power - 1.0) * slope / level + z_1 * z_2 / deviation - slope  # y'' / y'
    return newton / (1.0 + 0.5 * newton * curvature), newton > 0.0


def _start_below(distance: Array, value: Array, inflection: Array, value_at_inflection: Array) -> Array:
    """The normal (Bachelier) model's deviation, corrected to be exact at the inflection."""
    centring = np.exp(-0.5 * distance) / distance
    normal = distance / _normal_distance(value * centring)
    normal_at_inflection = distance / _normal_distance(value_at_inflection * centring)
    excess = inflection / normal_at_inflection - 1.0
    return normal * (1.0 + excess * np.square(normal / normal_at_inflection))


def _start_above(distance: Array, complement: Array, inflection: Array, complement_at_inflection: Array) -> tuple[Array, Array]:
    """The exact deviation at the money, corrected to be exact at the inflection in value and slope; and an upper bound.

    The bound: ``complement = φ(z₁)·(M(|z₁|) + M(z₂)) ≤ 2N(−|z₁|)`` and ``|z₁| = s/2 − distance/s``.
    """
    centring = 0.5 * np.exp(-0.5 * distance)
    at_money = -2.0 * ndtri(complement * centring)
    at_inflection = -2.0 * ndtri(complement_at_inflection * centring)
    gap = inflection - at_inflection  # ≤ 0, and 0 only at the money
    slope = np.exp(0.5 * distance - 0.125 * np.square(at_inflection)) - 1.0
    correction = np.where(gap < 0.0, gap * gap / (gap - slope * (at_money - at_inflection)), 0.0)
    largest_z = -ndtri(0.5 * complement)
    return at_money + correction, largest_z + np.sqrt(np.square(largest_z) + 2.0 * distance)


def _normal_distance(value: Array) -> Array:
    """Solve ``φ(a)/a − N(−a) = value`` for ``a`` within 0.03 %: the normal model's distance in deviations."""
    g = 1.0 / (value + 0.5)
    g2 = g * g
    numerator = 0.032114372355 - g2 * (0.016969777977 - g2 * (2.6207332461e-3 - 9.6066952861e-5 * g2))
    denominator = 1.0 - g2 * (0.6635646938 - g2 * (0.14528712196 - 0.010472855461 * g2))
    near = g * (INV_SQRT_TWO_PI + g2 * numerator / denominator)
    h = np.sqrt(-np.log(np.minimum(value, _NORMAL_SPLIT)))
    numerator = 9.4883409779 - h * (9.6320903635 - h * (0.58556997323 + 2.1464093351 * h))
    denominator = 1.0 - h * (0.65174820867 + h * (1.5120247828 + 6.6437847132e-5 * h))
    return np.where(value > _NORMAL_SPLIT, near, -numerator / denominator)
