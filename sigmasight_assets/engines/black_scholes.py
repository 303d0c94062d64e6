"""European option prices and Greeks: Black–Scholes–Merton with a continuous dividend yield.

Every argument is a decimal (0.05 = 5 %), times are in years, rates continuous; arguments broadcast to one shape. A NaN or
an infinity in gives NaN out, and so does a negative spot, strike, time or volatility: such a row is bad data, never a price.

With ``d₁, d₂ = x/(σ√T) ± σ√T/2`` and ``x = ln(forward / strike)`` the identity ``S·e^(−qT)·φ(d₁) = K·e^(−rT)·φ(d₂)`` makes
both tails, ``S·e^(−qT)·N(−|d₁|)`` and ``K·e^(−rT)·N(−|d₂|)``, this one density times a Mills ratio. Everything is put together
from the tails and whole discounted legs, so an option out of the money is a difference of tails that share their rounding,
and never the small difference of two probabilities near one.

Limits (docs/conventions.md §5). At ``T = 0`` the price is intrinsic, a call's delta is 0, ½ or 1, a put's 0, −½ or −1, and
every other Greek is 0. When σ, the strike or the spot is 0 and time is left, the price is the discounted intrinsic value
``max(±(S·e^(−qT) − K·e^(−rT)), 0)``; delta, theta and rho are those of the forward position that remains (half of it
exactly at the money), gamma and vega 0.

Source: Haug, *The Complete Guide to Option Pricing Formulas*, 2nd ed., chapters 1 and 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.mills_ratio import mills_ratio

DAYS_PER_YEAR = 365.0
INV_SQRT_TWO_PI = 0.3989422804014327
LN_2 = math.log(2.0)
LOG2_E = math.log2(math.e)
CHUNK = 12288  # contracts at a time: the intermediate arrays stay in a core's cache
SCRATCH_ROWS = 15


@dataclass(frozen=True, slots=True)
class OptionValues:
    """Price and Greeks per share of underlying; all fields have the broadcast shape of the inputs."""

    price: Array
    delta: Array
    gamma: Array
    """Change of delta per $1 of the underlying."""
    theta_per_day: Array
    """Change of price per calendar day, at unchanged spot."""
    vega_per_volpt: Array
    """Change of price per 0.01 of volatility."""
    rho_per_pct: Array
    """Change of price per 0.01 of the rate."""


class Contracts(NamedTuple):
    """Seven flat arrays of one length, in the argument order of `price`."""

    is_call: BoolArray
    spot: Array
    strike: Array
    years: Array
    rate: Array
    dividend_yield: Array
    volatility: Array

    def rows(self, selection: slice | npt.NDArray[np.intp]) -> Contracts:
        return Contracts(self.is_call[selection], *(column[selection] for column in self[1:]))


def price(
    is_call: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    dividend_yield: npt.ArrayLike,
    volatility: npt.ArrayLike,
) -> Array:
    """Price per share of underlying.

    Parameters
    ----------
    is_call : array_like of bool
    spot, strike : array_like
        In the same currency, not negative.
    years : array_like
        ACT/365 time to expiry, not negative.
    rate, dividend_yield : array_like
        Continuous, per year, of either sign.
    volatility : array_like
        Per year (0.20 = 20 %), not negative.

    Returns
    -------
    ndarray of the broadcast shape
        NaN where an input is NaN, infinite or negative (rates apart).
    """
    contracts, shape = _flatten(is_call, spot, strike, years, rate, dividend_yield, volatility)
    return _evaluate(contracts, fields=1).reshape(shape)


def price_and_greeks(
    is_call: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    dividend_yield: npt.ArrayLike,
    volatility: npt.ArrayLike,
) -> OptionValues:
    """Price, delta, gamma, theta, vega and rho; the arguments and the NaN policy are those of `price`."""
    contracts, shape = _flatten(is_call, spot, strike, years, rate, dividend_yield, volatility)
    return OptionValues(*_evaluate(contracts, fields=6).reshape((6, *shape)))


def discounted_legs(spot: Array, strike: Array, years: Array, rate: Array, dividend_yield: Array, out: Array | None = None) -> Array:
    """Present value of the share, of the strike, and ``ln(forward / strike)``: (3, n), in ``out`` if given.

    The third is not taken as the log of the ratio of the first two: near the money that would lose digits. Powers of two are
    taken of ``1 − y`` and logarithms of ``2x``, because next to 0 and to 1 the system's functions branch unpredictably, which
    costs more than the function itself. Both shifts are exact where they matter: a rate of 0 gives the factor 1, equal spot
    and strike give the logarithm 0, and elsewhere the division has already rounded as much.
    """
    legs = np.empty((3, len(spot))) if out is None else out
    asset, cash, log_moneyness = legs
    np.multiply(years, -LOG2_E, out=log_moneyness)
    np.multiply(dividend_yield, log_moneyness, out=asset)  # exponents of 2, for now
    np.multiply(rate, log_moneyness, out=cash)
    np.divide(spot, strike, out=log_moneyness)
    log_moneyness *= 2.0
    np.log2(log_moneyness, out=log_moneyness)
    log_moneyness -= 1.0
    log_moneyness += asset
    log_moneyness -= cash
    log_moneyness *= LN_2
    discounts = legs[:2]
    discounts += 1.0
    np.exp2(discounts, out=discounts)
    discounts *= 0.5
    asset *= spot
    cash *= strike
    return legs


def _flatten(is_call: npt.ArrayLike, *numbers: npt.ArrayLike) -> tuple[Contracts, tuple[int, ...]]:
    flags, *columns = np.broadcast_arrays(
        np.asarray(is_call, dtype=np.bool_), *(np.asarray(number, dtype=np.float64) for number in numbers)
    )
    return Contracts(flags.ravel(), *(column.ravel() for column in columns)), flags.shape


def _evaluate(contracts: Contracts, fields: int) -> Array:
    """Price alone (``fields`` 1) or price and Greeks (6) of flat contracts: (fields, n), chunk by chunk."""
    values = np.empty((fields, len(contracts.spot)))
    scratch = np.empty((SCRATCH_ROWS, CHUNK))  # shared by all chunks: fresh memory would cost as much as the arithmetic
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        for start in range(0, values.shape[1], CHUNK):
            part = slice(start, start + CHUNK)
            chunk = contracts.rows(part)
            _value(chunk, values[:, part], scratch[:, : len(chunk.spot)])
    return values


def _value(contracts: Contracts, out: Array, scratch: Array) -> None:
    """Fill ``out`` (1, n) with prices or (6, n) with price and Greeks."""
    deviation, d_1 = _value_ordinary(contracts, out, scratch)
    # d₁ is finite only where every input is finite and spot, strike and σ√T are not 0; the minima find what is negative
    if math.isfinite(d_1.sum()) and contracts.spot.min() > 0.0 and deviation.min() > 0.0:
        return
    rest = np.flatnonzero(~(np.isfinite(d_1) & (contracts.spot > 0.0) & (deviation > 0.0)))
    out[:, rest] = _value_limit(contracts.rows(rest))[: len(out)]


def _value_ordinary(contracts: Contracts, out: Array, scratch: Array) -> tuple[Array, Array]:
    """Fill ``out`` as if the spot, the strike and σ√T were positive and finite; returns σ√T and d₁, which tell where they are."""
    is_call, spot, strike, years, rate, dividend_yield, volatility = contracts
    root_years, deviation, half, density = scratch[:4]
    legs, d, distance, tails, work = scratch[4:7], scratch[7:9], scratch[9:11], scratch[11:13], scratch[13:15]
    np.sqrt(years, out=root_years)
    np.multiply(volatility, root_years, out=deviation)
    asset, _, log_moneyness = discounted_legs(spot, strike, years, rate, dividend_yield, out=legs)

    log_moneyness /= deviation
    np.multiply(deviation, 0.5, out=half)
    np.add(log_moneyness, half, out=d[0])
    np.subtract(log_moneyness, half, out=d[1])
    np.multiply(d[0], d[0], out=density)
    density *= -0.5
    np.exp(density, out=density)
    density *= INV_SQRT_TWO_PI
    density *= asset  # S·e^(−qT)·φ(d₁), which is also K·e^(−rT)·φ(d₂)
    np.abs(d, out=distance)
    mills_ratio(distance, out=tails, work=work)
    tails *= density  # S·e^(−qT)·N(−|d₁|) and K·e^(−rT)·N(−|d₂|)

    # N(d), less 1 for a put, is (is_call − [d < 0]) − sign(d)·N(−|d|); the first term is −1, 0 or 1
    whole = np.subtract(is_call.view(np.int8), np.signbit(d).view(np.int8))
    np.copysign(tails, d, out=tails)
    sides = legs[:2]
    sides *= whole
    # the whole parts first: an option in the money is its intrinsic value plus a small difference of the tails
    price_out = np.subtract(sides[0], sides[1], out=out[0])
    price_out -= np.subtract(tails[0], tails[1], out=work[0])
    np.maximum(price_out, 0.0, out=price_out)  # rounding may leave −1e-17 where σ√T is as small
    if len(out) == 1:
        return deviation, d[0]
    sides -= tails
    held, owed = sides  # ±S·e^(−qT)·N(±d₁) and ±K·e^(−rT)·N(±d₂)
    np.divide(held, spot, out=out[1])
    np.multiply(spot, spot, out=work[0])
    work[0] *= deviation
    np.divide(density, work[0], out=out[2])
    np.multiply(density, root_years, out=out[4])
    np.multiply(owed, years, out=out[5])
    out[4:] *= 0.01
    density *= half
    density /= years  # density · σ / (2√T)
    held *= dividend_yield
    owed *= rate
    theta = np.subtract(held, owed, out=out[3])
    theta -= density
    theta *= 1.0 / DAYS_PER_YEAR
    return deviation, d[0]


def _value_limit(contracts: Contracts) -> Array:
    """Price and Greeks (6, n) where σ√T, the spot or the strike is 0; NaN where an input is not legal."""
    is_call, spot, strike, years, rate, dividend_yield, volatility = contracts
    legal = (np.minimum(np.minimum(spot, strike), np.minimum(years, volatility)) >= 0.0) & np.all(np.isfinite(contracts[1:]), axis=0)
    _, spot, strike, years, rate, dividend_yield, volatility = (np.where(legal, column, np.nan) for column in contracts)
    carry = np.exp(-dividend_yield * years)
    asset, cash = spot * carry, strike * np.exp(-rate * years)
    sign = np.where(is_call, 1.0, -1.0)
    held = sign * np.heaviside(sign * (asset - cash), 0.5)  # share of the forward position that remains
    values = np.zeros((6, len(spot)))
    values[0] = np.maximum(sign * (asset - cash), 0.0)
    values[1] = held * carry
    values[3] = np.where(years > 0.0, held * (dividend_yield * asset - rate * cash), 0.0) / DAYS_PER_YEAR
    values[5] = held * cash * 0.01 * years
    values[:, ~legal] = np.nan
    return values
