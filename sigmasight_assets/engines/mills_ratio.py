"""The Mills ratio of the standard normal distribution: both option kernels are written in it."""

from __future__ import annotations

import numpy as np

from sigmasight_assets.engines.arrays import Array

_CENTRE = 671 / 128  # (z − c)/(z + c) maps 0 … ∞ onto −1 … 1; at this c the Chebyshev coefficient of degree 23 vanishes
_POWERS_22_TO_0 = (  # of the mapped argument: Chebyshev expansion at 50 digits, truncation error 6e-17
    -2.334087976924235e-09,
    -1.2524599684195902e-10,
    2.798430198225249e-08,
    -1.5937188765696286e-09,
    -2.0978665243260265e-07,
    7.841711108549455e-08,
    1.38340074382949e-06,
    -1.4937876220461076e-06,
    -8.307892832571212e-06,
    2.100897832962946e-05,
    3.0694733278142905e-05,
    -0.00022783427307502085,
    0.0002902513010617281,
    0.001181029784659322,
    -0.00717255540287105,
    0.02098404254762076,
    -0.042238175543960574,
    0.06178997426985405,
    -0.060304998579668284,
    0.015240319349969798,
    0.08459300947577003,
    -0.22564419222563284,
    1.1514659513026673,
)
_COEFFICIENTS = tuple(np.array(coefficient) for coefficient in _POWERS_22_TO_0)  # numpy adds these faster than Python's floats


def mills_ratio(z: Array, out: Array | None = None, work: Array | None = None) -> Array:
    """``N(−z) / φ(z)`` for ``z ≥ 0``, with a relative error below 4e-16 (so no tail is ever lost to underflow).

    The function ``(1 + z)·M(z)`` runs from √(π/2) to 1 and is expanded in ``(z − c)/(z + c)``, the scheme of Shepherd and
    Laframboise (1981), "Chebyshev approximation of (1 + 2x) exp(x²) erfc x", Mathematics of Computation 36. In numpy it
    takes half the time of `scipy.special.erfcx`, and a rational function of that accuracy takes as many operations.

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
    ratio: Array = np.multiply(mapped, _COEFFICIENTS[0], out=out)
    ratio += _COEFFICIENTS[1]
    for coefficient in _COEFFICIENTS[2:]:
        ratio *= mapped
        ratio += coefficient
    np.add(z, 1.0, out=mapped)
    ratio /= mapped
    return ratio
