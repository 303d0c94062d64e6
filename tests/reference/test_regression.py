"""Certified regressions of the NIST Statistical Reference Datasets, and market betas on real prices."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from statsmodels.datasets import longley

from sigmasight_assets.engines.factor_betas import Sensitivity, rolling_fits
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.engines.ols import OlsFit, design_of, fit
from tests.support.sample_panel import SamplePanel, sample_panel

LONGLEY_B = (15.0618722713733, -0.0358191792925910, -2.02022980381683, -1.03322686717359, -0.0511041056535807, 1829.15146461355)
LONGLEY_SE = (84.9149257747669, 0.0334910077722432, 0.488399681651699, 0.214274163161675, 0.226073200069370, 455.478499142212)
MARKET_BETAS = {
    "AAPL": 1.306, "AMD": 2.060, "BAC": 0.967, "BBY": 1.194, "CVX": 0.558, "GE": 0.994, "HD": 0.933, "JNJ": 0.306,
    "JPM": 0.886, "KO": 0.490, "MRK": 0.291, "MSFT": 1.281, "PEP": 0.492, "UNH": 0.578, "WMT": 0.441, "XOM": 0.539,
}  # fmt: skip


def longley_fit(extra_rows: int) -> OlsFit:
    """Longley's data, followed by rows whose dependent value is missing."""
    data = longley.load()
    x = np.vstack([data.exog.to_numpy(float), data.exog.to_numpy(float)[:extra_rows] * 1.1])
    y = np.concatenate([data.endog.to_numpy(float), np.full(extra_rows, np.nan)])
    return fit(design_of(x), y[:, None])


@pytest.mark.parametrize("extra_rows", [0, 4])
def test_longley_is_solved_to_nine_digits_by_the_full_and_by_the_gapped_solver(extra_rows: int) -> None:
    """NIST StRD Longley, linear regression of higher difficulty: certified to 15 digits."""
    found = longley_fit(extra_rows)
    np.testing.assert_allclose(found.beta[:, 0], LONGLEY_B, rtol=1e-9)
    np.testing.assert_allclose(found.std_error[:, 0], LONGLEY_SE, rtol=1e-9)
    assert found.intercept[0] == pytest.approx(-3482258.63459582, rel=1e-9)
    assert found.intercept_std_error[0] == pytest.approx(890420.383607373, rel=1e-9)
    assert found.r_squared[0] == pytest.approx(0.995479004577296, rel=1e-12)


def test_noint1_is_solved_without_a_constant() -> None:
    """NIST StRD NoInt1: y = 130 ... 140, x = 60 ... 70."""
    found = fit(design_of(np.arange(60.0, 71.0)[:, None], constant=False), np.arange(130.0, 141.0)[:, None])
    assert found.beta[0, 0] == pytest.approx(2.07438016528926, rel=1e-13)
    assert found.std_error[0, 0] == pytest.approx(0.0165289256198347, rel=1e-12)
    assert found.r_squared[0] == pytest.approx(0.999365492298663, rel=1e-12)


@pytest.fixture(scope="module")
def panel() -> SamplePanel:
    return sample_panel()


@pytest.fixture(scope="module")
def last_fits(panel: SamplePanel) -> dict[str, Sensitivity]:
    (found,) = rolling_fits(panel.etf_returns, panel.yield_change, panel.returns, [len(panel.sessions) - 1])
    assert panel.sessions[-1] == date(2022, 12, 28)
    return {name: part for name, part in found.fits.items() if isinstance(part, Sensitivity)}


def test_market_betas_of_sixteen_names_are_the_published_ones(panel: SamplePanel, last_fits: dict[str, Sensitivity]) -> None:
    """252 returns to 2022-12-28, total market betas with the S&P 500 as market (docs/conventions.md §6)."""
    column = [panel.symbols.index(name) for name in MARKET_BETAS]
    np.testing.assert_allclose(last_fits["market"].beta[column], list(MARKET_BETAS.values()), rtol=0, atol=0.0005)


def test_market_betas_equal_univariate_ones_because_styles_are_orthogonal(panel: SamplePanel, last_fits: dict[str, Sensitivity]) -> None:
    window = panel.returns[-252:]
    market = panel.etf_returns[-252:, 0] - panel.etf_returns[-252:, 0].mean()
    univariate = market @ window / (market @ market)
    np.testing.assert_allclose(last_fits["market"].beta, univariate, rtol=0, atol=1e-12)


def test_raw_style_etfs_as_joint_regressors_would_have_failed(panel: SamplePanel, last_fits: dict[str, Sensitivity]) -> None:
    """Defect 27: six raw ETFs (no growth among them) give AAPL 3.39 and BBY -3.01 with VIFs up to 68."""
    raw = np.delete(panel.etf_returns[-252:], FACTORS.index("growth"), axis=1)
    design = design_of(raw)
    beta = fit(design, panel.returns[-252:]).beta[0]
    centred = raw - raw.mean(axis=0)
    vif = np.square(design.inverse[1:]).sum(axis=1) * np.square(centred).sum(axis=0)
    assert beta[panel.symbols.index("AAPL")] == pytest.approx(3.39, abs=0.005)
    assert beta[panel.symbols.index("BBY")] == pytest.approx(-3.01, abs=0.005)
    assert vif.max() == pytest.approx(68, abs=0.5)
    assert last_fits["market"].beta[panel.symbols.index("AAPL")] == pytest.approx(1.306, abs=0.0005)


def test_both_designs_explain_the_same(panel: SamplePanel, last_fits: dict[str, Sensitivity]) -> None:
    """The fit is that of the raw ETFs; only the coefficients mean something now."""
    raw = fit(design_of(panel.etf_returns[-252:]), panel.returns[-252:])
    np.testing.assert_allclose(last_fits["market"].r_squared, raw.r_squared, rtol=1e-10)


def test_every_large_style_beta_is_explained_by_its_standard_error(panel: SamplePanel, last_fits: dict[str, Sensitivity]) -> None:
    """What raw ETFs made of noise is gone: a style beta above 1.2 of the sixteen names is at least two standard errors from 0."""
    column = [panel.symbols.index(name) for name in MARKET_BETAS]
    for name in FACTORS[1:]:
        beta, error = last_fits[name].beta[column], last_fits[name].std_error[column]
        assert np.all((np.abs(beta) <= 1.2) | (np.abs(beta) >= 2.0 * error))
