"""Option values in 60-digit decimal arithmetic, from the textbook formulas and none of the kernels' code."""

from __future__ import annotations

from decimal import Decimal, localcontext

DIGITS = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620900")
LEVELS = 400
"""Of the continued fraction; at its smallest argument, 2, it then has more than 40 digits."""


def mills(z: Decimal) -> Decimal:
    """``N(−z)/φ(z)``, z ≥ 0: below 2 by the power series of the error function, above by Laplace's continued fraction."""
    if z >= 2:
        fraction = z
        for level in range(LEVELS, 0, -1):
            fraction = z + level / fraction
        return 1 / fraction
    term, total, k = z, z, 1
    while abs(term) > Decimal(10) ** -DIGITS:
        term *= z * z / (2 * k + 1)
        total += term
        k += 1
    return (PI / 2).sqrt() * (z * z / 2).exp() - total


def density(x: Decimal) -> Decimal:
    return (-x * x / 2).exp() / (2 * PI).sqrt()


def cumulative(x: Decimal) -> Decimal:
    tail = mills(abs(x)) * density(x)
    return tail if x < 0 else 1 - tail


def mills_ratio(z: float) -> Decimal:
    with localcontext(prec=DIGITS):
        return mills(Decimal(z))


def price_and_greeks(
    is_call: bool, spot: float, strike: float, years: float, rate: float, dividend_yield: float, volatility: float
) -> list[Decimal]:
    """Price, delta, gamma, theta per day, vega per volatility point and rho per percent, of exactly these binary numbers."""
    with localcontext(prec=DIGITS):
        s, k, t, r, q, v = (Decimal(number) for number in (spot, strike, years, rate, dividend_yield, volatility))
        deviation = v * t.sqrt()
        d_1 = ((s / k).ln() + (r - q) * t) / deviation + deviation / 2
        sign = 1 if is_call else -1
        carry, discount = (-q * t).exp(), (-r * t).exp()
        held = sign * carry * cumulative(sign * d_1)
        owed = sign * k * discount * cumulative(sign * (d_1 - deviation))
        slope = carry * density(d_1)
        theta = q * s * held - r * owed - s * slope * v / (2 * t.sqrt())
        return [s * held - owed, held, slope / (s * deviation), theta / 365, s * slope * t.sqrt() / 100, owed * t / 100]
