"""`mibian`, the published reference model, in this project's units: half a millisecond a contract, so for samples only.

Mibian takes rates and volatility in percent and time in days. `mibian.BS` knows no dividend; `mibian.Me` takes the *annual
dividend in dollars* as its fourth argument, ``q·S``. Its theta is per calendar day, its vega and rho per percentage point,
as ours are. It divides by T, K and σ, so these must be positive.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.engines.black_scholes import DAYS_PER_YEAR, OptionValues

_FIELDS = ("price", "delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct")


def price_and_greeks(
    is_call: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    dividend_yield: npt.ArrayLike,
    volatility: npt.ArrayLike,
) -> OptionValues:
    """Mibian's values in the units of `black_scholes.price_and_greeks`, flattened to shape (n,).

    Raises
    ------
    ValueError
        When a spot, strike, time or volatility is not positive.
    """
    flags, *columns = np.broadcast_arrays(
        np.asarray(is_call, dtype=np.bool_),
        *(np.asarray(number, dtype=np.float64) for number in (spot, strike, years, rate, dividend_yield, volatility)),
    )
    inputs = np.array([column.ravel() for column in columns])  # (6, n)
    if not np.all(inputs[[0, 1, 2, 5]] > 0.0):
        raise ValueError("expected positive spots, strikes, times and volatilities, was a sample with others")
    rows = [_one(bool(call), *contract) for call, contract in zip(flags.ravel(), inputs.T.tolist(), strict=True)]
    return OptionValues(*np.array(rows, dtype=np.float64).reshape(-1, 6).T)


def compare(
    values: OptionValues,
    is_call: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    dividend_yield: npt.ArrayLike,
    volatility: npt.ArrayLike,
) -> float:
    """The largest absolute difference of any price or Greek in ``values`` from mibian; 0 for an empty sample.

    A value that is NaN where mibian has a number counts as infinitely far, so that a threshold cannot pass over it.
    """
    reference = price_and_greeks(is_call, spot, strike, years, rate, dividend_yield, volatility)
    differences: list[Array] = [np.abs(np.ravel(getattr(values, field)) - getattr(reference, field)) for field in _FIELDS]
    return float(np.max(np.nan_to_num(differences, nan=math.inf), initial=0.0))


def _one(
    is_call: bool, spot: float, strike: float, years: float, rate: float, dividend_yield: float, volatility: float
) -> tuple[float, ...]:
    import mibian  # pulls in scipy.stats: only when a sample is really compared

    days = years * DAYS_PER_YEAR
    if dividend_yield == 0.0:
        model = mibian.BS([spot, strike, 100.0 * rate, days], volatility=100.0 * volatility)
    else:
        model = mibian.Me([spot, strike, 100.0 * rate, dividend_yield * spot, days], volatility=100.0 * volatility)
    if is_call:
        side = (model.callPrice, model.callDelta, model.callTheta, model.callRho)
    else:
        side = (model.putPrice, model.putDelta, model.putTheta, model.putRho)
    price, delta, theta, rho = side
    return price, delta, model.gamma, theta, model.vega, rho
