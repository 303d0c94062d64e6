"""Orthogonal styles, the rates surprise and rolling betas: their algebra on real returns."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.outliers_influence import variance_inflation_factor

from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY, Sensitivity, WindowFit, rolling_fits
from sigmasight_assets.engines.factor_model import RatesSurprise, factor_covariance, factor_window, orthogonal_styles, rates_surprise
from sigmasight_assets.engines.factor_names import FACTORS, RATES
from sigmasight_assets.engines.ols import SingularDesign
from tests.support.sample_panel import sample_panel

LAST = 754
SERIES = (*FACTORS, RATES, RATES_MARKET_ONLY)


def fits_at(position: int, returns: np.ndarray | None = None) -> WindowFit:
    panel = sample_panel()
    (found,) = rolling_fits(panel.etf_returns, panel.yield_change, panel.returns if returns is None else returns, [position])
    return found


def part(found: WindowFit, name: str) -> Sensitivity:
    fitted = found.fits[name]
    assert isinstance(fitted, Sensitivity)
    return fitted


def test_styles_are_uncorrelated_with_the_market_and_growth_with_value() -> None:
    etf = sample_panel().etf_returns[-252:]
    correlation = np.corrcoef(orthogonal_styles(etf).factors, rowvar=False)
    np.testing.assert_allclose(correlation[0, 1:], 0.0, atol=1e-14)
    assert abs(correlation[1, 2]) < 1e-14


def test_factor_returns_are_the_etfs_less_their_loadings_and_no_constant() -> None:
    etf = sample_panel().etf_returns[-252:]
    styles = orthogonal_styles(etf)
    expected = etf - np.outer(etf[:, 0], styles.market_loading)
    expected[:, 0] = etf[:, 0]
    expected[:, 2] -= styles.value_loading * expected[:, 1]
    np.testing.assert_array_equal(styles.factors, expected)
    slope = sm.OLS(etf[:, 4], sm.add_constant(etf[:, 0])).fit().params[1]
    assert styles.market_loading[4] == pytest.approx(slope, rel=1e-12)


def test_variance_inflation_equals_statsmodels_and_condition_is_that_of_z_scores() -> None:
    etf = sample_panel().etf_returns[-252:]
    window = factor_window(etf)
    assert window.styles is not None
    design = sm.add_constant(window.styles.factors)
    expected = [variance_inflation_factor(design, k) for k in range(1, 8)]
    np.testing.assert_allclose(window.vif, expected, rtol=1e-10)
    scores = (window.styles.factors - window.styles.factors.mean(axis=0)) / window.styles.factors.std(axis=0)
    assert window.condition_number == pytest.approx(np.linalg.cond(scores), rel=1e-12)


def test_a_style_that_only_repeats_others_is_singular() -> None:
    etf = sample_panel().etf_returns[-252:].copy()
    etf[:, 5] = 0.4 * etf[:, 0]
    with pytest.raises(SingularDesign, match="size"):
        orthogonal_styles(etf)
    assert factor_window(etf).reason == "singular_design"
    twins = sample_panel().etf_returns[-252:].copy()
    twins[:, 6] = twins[:, 3]
    assert factor_window(twins).reason == "singular_design"


@given(seed=st.integers(0, 1000), n_missing=st.integers(0, 60))
@settings(max_examples=10, deadline=None)
def test_frisch_waugh_the_surprise_has_the_joint_coefficient_and_leaves_the_seven_betas(seed: int, n_missing: int) -> None:
    """On the rows that have a yield change: the regression on the seven factors and the surprise has the seven betas of the regression
    without rates, and its last coefficient is that of the yield change in the joint regression."""
    panel, random = sample_panel(), np.random.default_rng(seed)
    change = panel.yield_change[-252:].copy()
    change[random.choice(252, n_missing, replace=False)] = np.nan
    window = factor_window(panel.etf_returns[-252:])
    surprise = rates_surprise(window, change)
    assert isinstance(surprise, RatesSurprise)
    assert window.styles is not None
    has = ~np.isnan(change)
    factors, y = window.styles.factors[has], panel.returns[-252:][has]
    joint = np.linalg.lstsq(np.column_stack([np.ones(len(factors)), factors, change[has]]), y)[0]
    beside = np.linalg.lstsq(np.column_stack([np.ones(len(factors)), factors, surprise.surprise[has]]), y)[0]
    without = np.linalg.lstsq(np.column_stack([np.ones(len(factors)), factors]), y)[0]
    np.testing.assert_allclose(beside[1:8], without[1:8], atol=1e-9)
    np.testing.assert_allclose(beside[8], joint[8], atol=1e-10)
    (found,) = rolling_fits(panel.etf_returns[-252:], change, panel.returns[-252:], [251])
    np.testing.assert_allclose(part(found, RATES).beta, joint[8], atol=1e-10)
    assert np.all(part(found, RATES).n_obs == has.sum())


def test_on_every_session_the_seven_betas_are_those_of_the_regression_without_rates() -> None:
    panel = sample_panel()
    positions = range(LAST - 40, LAST + 1)
    with_rates = rolling_fits(panel.etf_returns, panel.yield_change, panel.returns, positions)
    without = rolling_fits(panel.etf_returns, None, panel.returns, positions)
    for one, other in zip(with_rates, without, strict=True):
        assert RATES not in other.fits
        for name in FACTORS:
            np.testing.assert_array_equal(part(one, name).beta, part(other, name).beta)


def test_rates_rows_carry_their_own_regressions_figures() -> None:
    panel, found = sample_panel(), fits_at(LAST)
    change = panel.yield_change[-252:]
    has = ~np.isnan(change)
    assert found.window.styles is not None
    design = sm.add_constant(np.column_stack([found.window.styles.factors[has], change[has]]))
    j = panel.symbols.index("KO")
    reference = sm.OLS(panel.returns[-252:][has, j], design).fit()
    rates = part(found, RATES)
    assert rates.n_obs[j] == reference.nobs == 248  # Columbus and Veterans Day, and the sessions after them
    assert rates.beta[j] == pytest.approx(reference.params[-1], abs=1e-12)
    assert rates.std_error[j] == pytest.approx(reference.bse[-1], rel=1e-10)
    assert rates.r_squared[j] == pytest.approx(reference.rsquared, rel=1e-10)
    assert rates.residual_vol[j] == pytest.approx(np.sqrt(reference.mse_resid * 252), rel=1e-10)
    market_only = sm.OLS(panel.returns[-252:][has, j], sm.add_constant(np.column_stack([panel.etf_returns[-252:][has, 0], change[has]])))
    assert part(found, RATES_MARKET_ONLY).beta[j] == pytest.approx(market_only.fit().params[-1], abs=1e-12)


def test_rates_beta_is_per_hundred_basis_points() -> None:
    """Defect 38: an instrument that is the market less 5 times the yield change loses 5 % when yields rise by 100 bp."""
    panel = sample_panel()
    bond = panel.etf_returns[:, [0]] - 0.05 * np.nan_to_num(panel.yield_change)[:, None]
    found = fits_at(LAST, bond)
    assert part(found, RATES).beta[0] == pytest.approx(-0.05, abs=1e-12)
    assert part(found, RATES_MARKET_ONLY).beta[0] == pytest.approx(-0.05, abs=1e-12)


@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_betas_do_not_depend_on_which_instruments_are_in_the_batch(data: st.DataObject) -> None:
    """Defect 29, on real returns with gaps: every figure of every series within 1e-12."""
    panel, random = sample_panel(), np.random.default_rng(data.draw(st.integers(0, 1000)))
    returns = np.where(random.random(panel.returns.shape) < 0.02, np.nan, panel.returns)
    chosen = np.array(data.draw(st.lists(st.integers(0, 31), min_size=1, max_size=12, unique=True)))
    whole, some = fits_at(LAST, returns), fits_at(LAST, returns[:, chosen])
    for name in SERIES:
        for figure in ("beta", "std_error", "r_squared", "residual_vol"):
            one, other = getattr(part(some, name), figure), getattr(part(whole, name), figure)[chosen]
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_nothing_after_a_session_changes_its_betas() -> None:
    panel = sample_panel()
    before = fits_at(600)
    later = panel.returns.copy()
    later[601:] = 9.0
    shaken = fits_at(600, later)
    for name in SERIES:
        np.testing.assert_array_equal(part(shaken, name).beta, part(before, name).beta)


def test_missing_returns_are_dropped_and_never_filled_with_zero() -> None:
    """Defect 28: zeros in the place of 40 % of the rows would cut the beta by about 40 %."""
    panel = sample_panel()
    holed = panel.returns[:, [panel.symbols.index("KO")]].copy()
    holed[LAST - 100 : LAST] = np.nan
    whole, found = fits_at(LAST), fits_at(LAST, holed)
    assert part(found, "market").n_obs[0] == 152
    assert part(found, "market").beta[0] == pytest.approx(part(whole, "market").beta[panel.symbols.index("KO")], abs=0.1)
    zeros = fits_at(LAST, np.nan_to_num(holed))
    assert part(zeros, "market").beta[0] < 0.75 * part(found, "market").beta[0]


def test_a_benchmark_shifted_by_a_session_would_be_seen() -> None:
    """Defect 34: aligned returns give the market's own beta of 1; a day's shift leaves nothing of it."""
    panel = sample_panel()
    market = panel.etf_returns[:, [0]]
    assert part(fits_at(LAST, market), "market").beta[0] == pytest.approx(1.0, abs=1e-12)
    assert abs(part(fits_at(LAST, np.roll(market, 1, axis=0)), "market").beta[0]) < 0.2


def test_fewer_than_sixty_rows_give_no_beta_and_sixty_do() -> None:
    panel = sample_panel()
    young = panel.returns[:, :2].copy()
    young[: LAST - 58, 0] = np.nan  # 59 returns
    young[: LAST - 59, 1] = np.nan  # 60
    found = part(fits_at(LAST, young), "market")
    assert found.n_obs.tolist() == [59, 60]
    assert np.isnan(found.beta[0])
    assert np.isfinite(found.beta[1])


def test_a_missing_proxy_gives_reasons_and_never_another_regression() -> None:
    panel = sample_panel()
    etf = panel.etf_returns.copy()
    etf[:, 5] = np.nan
    (found,) = rolling_fits(etf, panel.yield_change, panel.returns, [LAST])
    assert {found.fits[name] for name in (*FACTORS, RATES)} == {"proxy_missing:size"}
    assert np.all(np.isfinite(part(found, RATES_MARKET_ONLY).beta))  # needs the market alone
    etf[:, [1, 2]] = np.nan
    assert factor_window(etf[-252:]).reason == "proxy_missing:value+2"
    assert factor_window(np.full((252, 7), np.nan)).reason == "proxy_missing:all"
    assert factor_window(panel.etf_returns[1:50]).reason == "insufficient_history"


def test_without_yields_only_the_rates_are_missing() -> None:
    panel = sample_panel()
    (found,) = rolling_fits(panel.etf_returns, np.full(755, np.nan), panel.returns, [LAST])
    assert (found.fits[RATES], found.fits[RATES_MARKET_ONLY]) == ("rates_missing", "rates_missing")
    np.testing.assert_array_equal(part(found, "market").beta, part(fits_at(LAST), "market").beta)
    assert rates_surprise(found.window, np.full(252, np.nan)) == "rates_missing"


def test_a_further_series_is_fitted_beside_the_seven_factors() -> None:
    panel = sample_panel()
    oil = panel.returns[:, panel.symbols.index("XOM")]
    y = 0.3 * oil[:, None] + panel.etf_returns[:, [0]]
    (found,) = rolling_fits(panel.etf_returns, None, y, [LAST], {"oil": oil})
    assert part(found, "oil").beta[0] == pytest.approx(0.3, abs=1e-12)


def test_covariance_is_that_of_the_factors_with_exact_zeros_where_the_construction_says_so() -> None:
    panel = sample_panel()
    etf, change = panel.etf_returns[-252:], panel.yield_change[-252:]
    window = factor_window(etf)
    surprise = rates_surprise(window, change)
    assert isinstance(surprise, RatesSurprise)
    assert window.styles is not None
    found = factor_covariance(etf, window.styles, surprise)
    has = ~np.isnan(change)
    joined = np.column_stack([window.styles.factors[has], surprise.surprise[has]])
    np.testing.assert_allclose(np.cov(joined, rowvar=False)[7, :7], 0.0, atol=1e-16)
    np.testing.assert_array_equal(found.covariance[7, :7], 0.0)
    np.testing.assert_array_equal(found.covariance[0, 1:], 0.0)
    np.testing.assert_allclose(found.covariance[:7, :7], np.cov(window.styles.factors, rowvar=False), atol=1e-17)
    assert found.covariance[7, 7] == pytest.approx(np.var(surprise.surprise[has], ddof=1), rel=1e-12)
    assert found.min_eigenvalue > 0
    assert found.etf_correlation[0, 4] == pytest.approx(np.corrcoef(etf[:, 0], etf[:, 4])[0, 1], rel=1e-12)
    assert np.isnan(factor_covariance(etf, window.styles, None).covariance[7]).all()


def test_orthogonal_factors_stay_far_from_collinear_on_every_session_of_the_data() -> None:
    panel = sample_panel()
    highest = max(factor_window(panel.etf_returns[i - 251 : i + 1]).vif.max() for i in range(252, 755, 7))
    assert highest < 8
