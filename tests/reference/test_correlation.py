"""Published correlations."""

from __future__ import annotations

import numpy as np
import pytest

from sigmasight_assets.engines.correlation import correlations
from sigmasight_assets.engines.nearest_correlation import nearest_correlation


def test_correlation_of_five_pairs() -> None:
    """{(3, 9), (2, 7), (4, 12), (5, 15), (6, 17)}: .9970544855015813."""
    pairs = np.array([(3, 9), (2, 7), (4, 12), (5, 15), (6, 17)], dtype=float)
    assert correlations(pairs, min_common=5).matrix[0, 1] == pytest.approx(0.9970544855015813, abs=1e-15)


def test_correlation_of_five_pairs_among_rows_that_one_side_lacks() -> None:
    pairs = np.array([(3, 9), (2, 7), (80, np.nan), (4, 12), (5, 15), (np.nan, -3), (6, 17)], dtype=float)
    assert correlations(pairs, min_common=5).matrix[0, 1] == pytest.approx(0.9970544855015813, abs=1e-14)


def test_nearest_correlation_of_highams_example() -> None:
    """Higham (2002), the 3 x 3 tridiagonal matrix of ones: off-diagonals .76068985 and .15729811."""
    found = nearest_correlation(np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=float))
    expected = np.array([[1, 0.76068985, 0.15729811], [0.76068985, 1, 0.76068985], [0.15729811, 0.76068985, 1]])
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-9)
    assert np.linalg.eigvalsh(found)[0] > -1e-14
