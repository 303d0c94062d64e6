"""Least squares of many instruments against `statsmodels`, column by column, and its algebra."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_assets.engines.ols import OlsFit, SingularDesign, design_of, fit


def panel(seed: int, n_rows: int = 120, n: int = 7, p: int = 4, gaps: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Regressors, correlated but far from collinear, and instruments; a share of the instruments' cells is missing."""
    random = np.random.default_rng(seed)
    first, second = (np.linalg.qr(random.normal(0, 1, (p, p))).Q for _ in range(2))
    x = random.normal(0.0004, 0.01, (n_rows, p)) @ (first * random.uniform(0.2, 2.0, p)) @ second
    y = 0.001 + x @ random.normal(0, 1, (p, n)) + random.normal(0, 0.01, (n_rows, n))
    y[random.random(y.shape) < gaps] = np.nan
    return x, y


def assert_same(one: OlsFit, other: OlsFit, columns: np.ndarray, tolerance: float) -> None:
    for name in ("beta", "std_error", "intercept", "r_squared", "residual_variance", "n_obs"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name)[..., columns], rtol=0, atol=tolerance)


@pytest.mark.parametrize("gaps", [0.0, 0.05, 0.4])
@pytest.mark.parametrize("constant", [True, False])
def test_batched_fit_equals_statsmodels_column_by_column(gaps: float, constant: bool) -> None:
    x, y = panel(1, gaps=gaps)
    found = fit(design_of(x, constant=constant), y)
    for j in range(y.shape[1]):
        rows = ~np.isnan(y[:, j])
        reference = sm.OLS(y[rows, j], sm.add_constant(x[rows]) if constant else x[rows]).fit()
        first = 1 if constant else 0
        np.testing.assert_allclose(found.beta[:, j], reference.params[first:], rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.std_error[:, j], reference.bse[first:], rtol=1e-10)
        assert found.r_squared[j] == pytest.approx(reference.rsquared, rel=1e-10)
        assert found.residual_variance[j] == pytest.approx(reference.mse_resid, rel=1e-10)
        assert found.n_obs[j] == rows.sum()


@given(seed=st.integers(0, 10_000), row=st.integers(0, 119))
@settings(max_examples=25, deadline=None)
def test_a_missing_row_equals_dropping_it(seed: int, row: int) -> None:
    x, y = panel(seed)
    holed = y.copy()
    holed[row] = np.nan
    keep = np.arange(len(x)) != row
    assert_same(fit(design_of(x), holed), fit(design_of(x[keep]), y[keep]), np.arange(y.shape[1]), 1e-11)


@given(seed=st.integers(0, 10_000), gaps=st.sampled_from([0.0, 0.1]), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_fit_does_not_depend_on_its_batch_mates(seed: int, gaps: float, data: st.DataObject) -> None:
    """Defect 29: instruments are permuted, left out and joined by others (with gaps of their own); nothing moves by 1e-12."""
    x, y = panel(seed, n=9, gaps=gaps)
    chosen = np.array(data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=9, unique=True)))
    strangers = panel(seed + 1, n=5, gaps=0.3)[1]
    mixed = np.column_stack([strangers[:, :2], y[:, chosen], strangers[:, 2:]])
    alone, together = fit(design_of(x), y), fit(design_of(x), mixed)
    part = OlsFit(**{name: values[..., 2 : 2 + len(chosen)] for name, values in vars(together).items()})
    assert_same(part, alone, chosen, 1e-12)


def test_a_fit_of_more_instruments_than_a_block_equals_that_of_each() -> None:
    x, y = panel(3, n=1100)
    found = fit(design_of(x), y)
    for j in (0, 511, 512, 1023, 1024, 1099):
        np.testing.assert_allclose(found.beta[:, j], fit(design_of(x), y[:, [j]]).beta[:, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_an_exact_fit_has_no_residual_and_no_standard_error(gaps: float) -> None:
    x, y = panel(4, gaps=gaps)
    y = np.where(np.isnan(y), np.nan, (0.0002 + x @ np.array([1.0, -2.0, 0.0, 0.5]))[:, None])
    found = fit(design_of(x), y)
    np.testing.assert_allclose(found.beta, np.array([1.0, -2.0, 0.0, 0.5])[:, None] * np.ones(y.shape[1]), rtol=0, atol=1e-12)
    assert np.all(found.is_exact)
    assert np.all(found.r_squared == 1.0)
    assert np.all(found.residual_variance == 0.0)
    assert np.all(found.std_error == 0.0)


@pytest.mark.parametrize("level", [0.0, 0.0123])
@pytest.mark.parametrize("gaps", [False, True])
def test_an_instrument_that_does_not_move_has_betas_of_zero_and_no_r_squared(level: float, gaps: bool) -> None:
    x, _ = panel(5)
    y = np.full((len(x), 1), level)
    if gaps:
        y[::9] = np.nan
    found = fit(design_of(x), y)
    np.testing.assert_allclose(found.beta, 0.0, rtol=0, atol=1e-13)
    assert np.isnan(found.r_squared[0])
    assert found.residual_variance[0] == 0.0


def test_dependent_regressors_are_refused_by_name() -> None:
    x, _ = panel(6)
    copied = np.column_stack([x, x[:, 0] - 2 * x[:, 2]])
    with pytest.raises(SingularDesign, match="size"):
        design_of(copied, names=("market", "value", "growth", "momentum", "size"))
    with pytest.raises(SingularDesign, match="flat"):
        design_of(np.column_stack([x[:, 0], np.full(len(x), 0.3)]), names=("market", "flat"))
    with pytest.raises(SingularDesign, match="rows"):
        design_of(x[:3])


def test_rows_that_do_not_separate_the_regressors_blank_that_instrument_alone() -> None:
    """On the one instrument's rows the first regressor never moves."""
    x, y = panel(7)
    x[:60, 0] = 0.02
    y[60:, 2] = np.nan
    found = fit(design_of(x), y)
    assert found.is_singular.tolist() == [False, False, True, False, False, False, False]
    assert np.all(np.isnan(found.beta[:, 2]))
    assert np.all(np.isfinite(np.delete(found.beta, 2, axis=1)))


def test_an_instrument_without_any_row_is_nan_and_says_zero_observations() -> None:
    x, y = panel(8)
    y[:, 1] = np.nan
    y[3:, 4] = np.nan
    found = fit(design_of(x), y)
    assert found.n_obs[[1, 4]].tolist() == [0, 3]
    assert np.all(np.isnan(found.beta[:, [1, 4]]))
    assert np.all(np.isnan(found.std_error[:, [1, 4]]))
    assert np.all(np.isfinite(found.beta[:, [0, 2, 3, 5, 6]]))


def test_no_regression_warns_or_fails_on_an_empty_batch() -> None:
    x, _ = panel(9)
    assert fit(design_of(x), np.empty((len(x), 0))).beta.shape == (4, 0)
