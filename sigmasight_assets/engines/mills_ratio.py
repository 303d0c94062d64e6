"""The Mills ratio of the standard normal distribution: both option kernels are written in it."""

from __future__ import annotations

import numpy as np

from sigmasight_assets.engines.arrays import Array

_CENTRE = 5.0  # (z − 5)/(z + 5) maps 0 … ∞ onto −1 … 1 and needs the fewest terms
_COEFFICIENTS = (  # powers 23 … 0 of the mapped argument; Chebyshev expansion at 60 digits, truncation error 2e-17
    -9.564832934712551e-10,
    -7.073898575561589e-10,
    1.1032071151574336e-08,
    9.092476134019147e-09,
    -7.758520236786343e-08,
    -6.588974491108954e-08,
    4.91996233147834e-07,
    3.2054316652589574e-07,
    -3.277287633208865e-06,
    -1.7633239265736746e-07,
    2.270961270923768e-05,
    -2.480583845192319e-05,
    -0.0001343742785571135,
    0.00045704392357953655,
    1.9530638370790786e-05,
    -0.004201290329187307,
    0.01634823128102938,
    -0.03802659218584139,
    0.0615050458401865,
    -0.0661776007790963,
    0.0250721793016388,
    0.07778159886873769,
    -0.22948753825211315,
    1.1568486282918946,
)


def mills_ratio(z: Array, out: Array | None = None, work: Array | None = None) -> Array:
    """``N(−z) / φ(z)`` for ``z ≥ 0``, with a relative error below 4e-16 (so no tail is ever lost to underflow).

    The function ``(1 + z)·M(z)`` runs from √(π/2) to 1 and is expanded in ``(z − 5)/(z + 5)``, the scheme of Shepherd and
    Laframboise (1981), "Chebyshev approximation of (1 + 2x) exp(x²) erfc x", Mathematics of Computation 36. In numpy it
    takes half the time of `scipy.special.erfcx`.

    Parameters
    ----------
    z : ndarray of any shape
        Not negative; ∞ gives 0 and NaN gives NaN.
    out, work : ndarray of the same shape, optional
        Where to put the result, and scratch space; not ``z`` itself.
    """
    mapped = np.add(z, _CENTRE, out=work)
    np.divide(-2.0 * _CENTRE, mapped, out=mapped)
    mapped += 1.0
    ratio = np.multiply(mapped, _COEFFICIENTS[0], out=out)
    ratio += _COEFFICIENTS[1]
    for coefficient in _COEFFICIENTS[2:]:
        ratio *= mapped
        ratio += coefficient
    np.add(z, 1.0, out=mapped)
    ratio /= mapped
    return ratio
