"""European option prices and Greeks: Black–Scholes–Merton with a continuous dividend yield.

Every argument is a decimal (0.05 = 5 %), times are in years, rates continuous; arguments broadcast to one shape. A NaN or
an infinity in gives NaN out, and so does a negative spot, strike, time or volatility: such a row is bad data, never a price.

The out-of-the-money side is computed and the other follows by put–call parity, so neither tail is the small difference of
two probabilities near one. With ``x = ln(forward / strike)`` and ``s = σ√T`` the two tails lie at ``z₁ = |x|/s − s/2`` and
``z₂ = |x|/s + s/2``, and since ``near · φ(z₁) = far · φ(z₂)`` both are one density times a Mills ratio.

Limits (docs/conventions.md §5). At ``T = 0`` the price is intrinsic, a call's delta is 0, ½ or 1, a put's 0, −½ or −1, and
every other Greek is 0. When σ, the strike or the spot is 0 and time is left, the price is the discounted intrinsic value
``max(±(S·e^(−qT) − K·e^(−rT)), 0)``; delta, theta and rho are those of the forward position that remains (half of it
exactly at the money), gamma and vega 0.

Source: Haug, *The Complete Guide to Option Pricing Formulas*, 2nd ed., chapters 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.mills_ratio import mills_ratio

VERSION = "1"
DAYS_PER_YEAR = 365.0
INV_SQRT_TWO_PI = 0.3989422804014327
CHUNK = 8192  # contracts at a time: the intermediate arrays stay in a core's cache
SCRATCH_ROWS = 13


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

    The third is not taken as the log of the ratio of the first two: near the money that would lose digits.
    """
    legs = np.empty((3, len(spot))) if out is None else out
    asset, cash, log_moneyness = legs
    np.multiply(dividend_yield, years, out=asset)
    np.multiply(rate, years, out=cash)
    np.divide(spot, strike, out=log_moneyness)
    np.log(log_moneyness, out=log_moneyness)
    log_moneyness += cash - asset
    np.negative(legs[:2], out=legs[:2])
    np.exp(legs[:2], out=legs[:2])
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
    for start in range(0, values.shape[1], CHUNK):
        part = slice(start, start + CHUNK)
        chunk = contracts.rows(part)
        _value(chunk, values[:, part], scratch[:, : len(chunk.spot)])
    return values


def _value(contracts: Contracts, out: Array, scratch: Array) -> None:
    """Fill ``out`` (1, n) with prices or (6, n) with price and Greeks."""
    numbers = contracts[1:]
    root_years, deviation = scratch[:2]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        np.sqrt(contracts.years, out=root_years)
        np.multiply(contracts.volatility, root_years, out=deviation)
        _value_ordinary(contracts, out, scratch)
        positive = (contracts.spot, contracts.strike, contracts.volatility, deviation)
        if all(column.min() > 0.0 for column in positive) and all(np.isfinite(column.sum()) for column in numbers):
            return
        rest = np.flatnonzero(~(np.all(np.isfinite(numbers), axis=0) & np.all(np.stack(positive) > 0.0, axis=0)))
        out[:, rest] = _value_limit(contracts.rows(rest))[: len(out)]


def _value_ordinary(contracts: Contracts, out: Array, scratch: Array) -> None:
    """Spot, strike, √T and σ√T (``scratch[0]``, ``scratch[1]``) are positive; elsewhere the result is overwritten."""
    is_call, spot, strike, years, rate, dividend_yield, volatility = contracts
    root_years, deviation, density, work = scratch[:4]
    legs, z, ratio, spare = scratch[4:7], scratch[7:9], scratch[9:11], scratch[11:13]
    asset, cash, log_moneyness = discounted_legs(spot, strike, years, rate, dividend_yield, out=legs)

    below = log_moneyness <= 0.0  # forward at or below the strike: the call is the out-of-the-money side
    near = np.where(below, asset, cash)
    np.abs(log_moneyness, out=work)
    work /= deviation
    half = np.multiply(deviation, 0.5, out=log_moneyness)
    np.subtract(work, half, out=z[0])  # z₁
    np.add(work, half, out=z[1])  # z₂
    np.multiply(z[0], z[0], out=work)
    work *= -0.5
    np.exp(work, out=work)
    work *= INV_SQRT_TWO_PI
    np.multiply(near, work, out=density)  # near · φ(z₁), which is also asset · φ(d₁)
    in_body = z[0] < 0.0
    np.abs(z[0], out=z[0])
    near_tail, far_tail = mills_ratio(z, out=ratio, work=spare)
    ratio *= density
    near_tail = np.where(in_body, near - near_tail, near_tail)  # near · N(−z₁); far · N(−z₂)

    # +1 for a call in the money, −1 for a put, 0 for the out-of-the-money side
    np.copyto(work, is_call.view(np.int8) - below.view(np.int8))
    intrinsic = np.subtract(asset, cash, out=z[0])
    intrinsic *= work
    np.maximum(intrinsic, 0.0, out=intrinsic)
    price_out = np.subtract(near_tail, far_tail, out=out[0])
    np.maximum(price_out, 0.0, out=price_out)  # rounding may leave −1e-17 where σ√T is as small
    price_out += intrinsic
    if len(out) == 1:
        return

    asset_held, cash_owed = legs[:2]  # becomes ±S·e^(−qT)·N(±d₁) and ±K·e^(−rT)·N(±d₂)
    asset_held *= work
    cash_owed *= work
    np.negative(far_tail, out=spare[0])
    asset_held += np.where(below, near_tail, spare[0])
    np.negative(near_tail, out=spare[0])
    cash_owed += np.where(below, far_tail, spare[0])

    np.divide(asset_held, spot, out=out[1])
    np.multiply(spot, spot, out=work)
    work *= deviation
    np.divide(density, work, out=out[2])
    np.multiply(density, root_years, out=out[4])
    out[4] *= 0.01
    np.multiply(cash_owed, years, out=out[5])
    out[5] *= 0.01
    density *= volatility
    density /= root_years
    density *= 0.5
    asset_held *= dividend_yield
    cash_owed *= rate
    theta = np.subtract(asset_held, cash_owed, out=out[3])
    theta -= density
    theta /= DAYS_PER_YEAR


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
