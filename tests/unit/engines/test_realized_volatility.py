"""Realised volatility by hand and against pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sigmasight_assets.engines.realized_volatility import realized_volatility


def test_two_returns_by_hand() -> None:
    """Returns +10 % and −10 %: mean 0, variance 0.01 + 0.01 over n − 1 = 1."""
    found = realized_volatility(np.array([[100.0], [110.0], [99.0]]), window=2)
    assert found[2, 0] == pytest.approx(np.sqrt(0.02 * 252))
    assert np.all(np.isnan(found[:2]))


def test_a_window_of_63_returns_reads_64_closes() -> None:
    closes = 100 * np.cumprod(1 + np.random.default_rng(1).normal(0, 0.01, (64, 2)), axis=0)
    found = realized_volatility(closes)
    assert np.all(np.isnan(found[:63]))
    assert np.all(np.isfinite(found[63]))
    assert np.all(np.isnan(realized_volatility(closes[1:])))


def test_rolling_windows_are_those_of_pandas() -> None:
    closes = 100 * np.cumprod(1 + np.random.default_rng(2).normal(0, 0.02, (300, 5)), axis=0)
    expected = pd.DataFrame(closes).pct_change().rolling(63).std() * np.sqrt(252)
    np.testing.assert_allclose(realized_volatility(closes), expected, rtol=1e-10)


@pytest.mark.parametrize("bad", [np.nan, 0.0, -3.0, np.inf])
def test_one_missing_close_blanks_every_window_that_needs_it_and_no_other_symbol(bad: float) -> None:
    closes = 100 * np.cumprod(1 + np.random.default_rng(3).normal(0, 0.02, (30, 2)), axis=0)
    whole = realized_volatility(closes, window=5)
    closes[12, 0] = bad
    found = realized_volatility(closes, window=5)
    missing = np.isnan(found[:, 0])
    np.testing.assert_array_equal(np.flatnonzero(missing), [*range(5), *range(12, 18)])
    np.testing.assert_array_equal(found[~missing, 0], whole[~missing, 0])
    np.testing.assert_array_equal(found[:, 1], whole[:, 1])


def test_a_price_that_stands_still_after_a_crash_has_no_volatility() -> None:
    """A running sum of squares would leave 1e-9 here, or the root of a negative number."""
    closes = np.array([1e6, 1.0, 1e6, *[7.0] * 6])[:, None]
    assert realized_volatility(closes, window=4)[-1, 0] == 0.0


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        realized_volatility(np.ones((5, 1)), window=1)
    with pytest.raises(ValueError, match="panel"):
        realized_volatility(np.ones(5))
