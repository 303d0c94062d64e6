"""Published value at risk, and Kupiec's table of acceptable numbers of exceptions."""

from __future__ import annotations

import numpy as np
import pytest

from sigmasight_assets.engines import value_at_risk as risk

DOLLARS = np.array([10e6, 5e6])
DEVIATION = np.array([0.02, 0.01])
COVARIANCE = np.outer(DEVIATION, DEVIATION) * np.array([[1.0, 0.3], [0.3, 1.0]])


def test_hull_two_shares_ten_days() -> None:
    """Hull, *Risk Management and Financial Institutions*: $10 m at 2 % a day and $5 m at 1 %, ρ .3, 10 days, 99 %."""
    assert risk.normal_quantile(0.99) == pytest.approx(2.326347874, abs=5e-10)
    alone = [risk.parametric(DOLLARS[i : i + 1], COVARIANCE[i : i + 1, i : i + 1], 0.99, 10)[0] for i in (0, 1)]
    together, components = risk.parametric(DOLLARS, COVARIANCE, 0.99, 10)
    np.testing.assert_allclose([*alone, together], [1_471_311.58, 367_827.90, 1_620_113.82], atol=0.005)
    assert components.sum() == pytest.approx(together, rel=1e-14)


@pytest.mark.parametrize(
    ("n_days", "level", "below", "above"),
    [
        (255, 0.99, 0, 7),
        (510, 0.99, 1, 11),
        (1000, 0.99, 4, 17),
        (255, 0.975, 2, 12),
        (510, 0.975, 6, 21),
        (1000, 0.975, 15, 36),
        (255, 0.95, 6, 21),
        (510, 0.95, 16, 36),
        (1000, 0.95, 37, 65),
        (255, 0.90, 16, 36),
        (510, 0.90, 38, 65),
        (1000, 0.90, 81, 120),
    ],
)
def test_kupiec_non_rejection_regions(n_days: int, level: float, below: int, above: int) -> None:
    """Kupiec 1995 (as printed in Jorion, *Value at Risk*, table 6-2): counts strictly between the two are not rejected at 5 %.

    The first is printed as "N < 7", the test being one against too many; by its ratio (5.13) no exception at all is rejected too."""
    accepted = [n for n in range(n_days + 1) if risk.kupiec_test(n, n_days, level)[1] > 0.05]
    assert accepted == list(range(below + 1, above))
