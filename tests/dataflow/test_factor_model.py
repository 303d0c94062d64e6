"""The factor model from stored prices: series, loadings, betas and covariance on the embedded data."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.checks import factors as factor_checks
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY, Sensitivity, rolling_fits
from sigmasight_assets.engines.factor_names import FACTORS, MODEL_FACTORS
from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.providers.sample import BASKET_MEMBERS
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import (
    factor_betas,
    factor_covariance,
    factor_loadings,
    factor_returns,
    position_values,
)
from tests.reference.test_regression import MARKET_BETAS
from tests.support.factor_market import (
    LAST,
    N_MARKET,
    ChangedSample,
    last_sessions,
    rows_of,
    run_market,
    sample_shop,
)
from tests.support.sample_panel import sample_panel

PROXIES = ("SP500", "VLUE", "GROWTH_BASKET", "MTUM", "QUAL", "SIZE", "USMV")


def test_stored_market_betas_are_the_published_ones(demo: Workshop) -> None:
    rows = rows_of(demo.database, factor_betas, session=LAST, factor="market").set_index("symbol")
    np.testing.assert_allclose(rows.loc[list(MARKET_BETAS), "beta"], list(MARKET_BETAS.values()), rtol=0, atol=0.0005)
    assert rows["n_obs"].unique().tolist() == [252]
    assert rows["quality"].unique().tolist() == ["full_history"]
    assert rows["status"].unique().tolist() == ["ok"]


def test_every_symbol_has_nine_rows_whoever_holds_it(demo: Workshop) -> None:
    rows = rows_of(demo.database, factor_betas, session=LAST)
    assert set(rows["symbol"]) == set(sample_panel().symbols)
    assert set(rows["factor"]) == {*MODEL_FACTORS, RATES_MARKET_ONLY}
    assert len(rows) == 32 * 9
    held = set(demo.database.frame(select(position_values.c.underlying))["underlying"])
    assert "PEP" not in held


def test_a_sample_of_stored_fits_equals_statsmodels(demo: Workshop, book_days: list[date]) -> None:
    outcome = factor_checks.statsmodels_agrees(demo, book_days)
    assert outcome.passed, outcome
    assert outcome.detail == "324 coefficients of 3 sessions"


def test_the_check_against_statsmodels_can_fail(demo: Workshop, book_days: list[date]) -> None:
    with demo.database.write() as connection:
        wrong = factor_betas.update().where(factor_betas.c.factor == "size").values(std_error=factor_betas.c.std_error * 1.0000001)
        connection.execute(wrong)
    assert not factor_checks.statsmodels_agrees(demo, book_days).passed


def test_on_every_session_the_seven_betas_are_those_without_rates(demo: Workshop, book_days: list[date]) -> None:
    panel = sample_panel()
    positions = [panel.sessions.index(day) for day in book_days]
    for day, fitted in zip(book_days, rolling_fits(panel.etf_returns, None, panel.returns, positions), strict=True):
        stored = rows_of(demo.database, factor_betas, session=day).pivot(index="symbol", columns="factor", values="beta")
        for name in FACTORS:
            found = fitted.fits[name]
            assert isinstance(found, Sensitivity)
            np.testing.assert_allclose(stored.loc[panel.symbols, name], found.beta, rtol=0, atol=1e-12)


def test_the_factors_own_etfs_are_exact_fits(demo: Workshop) -> None:
    rows = rows_of(demo.database, factor_betas, session=LAST)
    own = rows[rows["symbol"].isin(PROXIES) & rows["factor"].isin(MODEL_FACTORS)]
    assert own["r_squared"].unique().tolist() == [1.0]
    assert own["residual_vol"].unique().tolist() == [0.0]
    assert own["std_error"].unique().tolist() == [0.0]
    assert own["t_stat"].isna().all()
    assert own["flags"].str.contains("exact_fit").all()
    size = own[own["symbol"] == "SIZE"].set_index("factor")["beta"]
    np.testing.assert_allclose(size.drop("market"), [float(name == "size") for name in size.drop("market").index], atol=1e-12)
    assert rows.loc[~rows["symbol"].isin(PROXIES), "residual_vol"].min() > 0.05


def test_a_proxy_that_contains_the_share_is_flagged_and_a_large_beta_is_kept(demo: Workshop) -> None:
    rows = rows_of(demo.database, factor_betas, session=LAST).set_index(["symbol", "factor"])
    flagged = {symbol for (symbol, factor), flags in rows["flags"].items() if factor == "growth" and "contains" in str(flags)}
    assert flagged == {*BASKET_MEMBERS, "GROWTH_BASKET"}
    assert rows.loc[("NFLX", "growth"), "beta"] == pytest.approx(3.41, abs=0.005)
    assert rows.loc[("NFLX", "growth"), "flags"] == "beta_outlier,proxy_contains_instrument"
    assert rows.loc[("KO", "growth"), "flags"] is None


def test_proxies_are_named_and_a_change_across_a_missing_yield_is_missing(demo: Workshop) -> None:
    rows = demo.database.frame(select(factor_returns).where(factor_returns.c.session > last_sessions(demo.calendar, N_MARKET)[0]))
    market = rows[(rows["series"] == "market") & (rows["session"] == pd.Timestamp(LAST))].iloc[0]
    assert (market["symbol"], market["etf"], market["is_stand_in"], market["source"]) == ("SP500", "SPY", True, "skfolio")
    assert set(rows.loc[rows["is_stand_in"], "series"]) == {"market", "value", "growth"}
    gaps = rows[rows["value"].isna()].sort_values("session")
    assert [(row.series, f"{row.session:%m-%d}", row.reason) for row in gaps.itertuples()] == [
        ("rates_10y", "10-10", "no_yield"),
        ("rates_10y", "10-11", "no_previous_yield"),
        ("rates_10y", "11-11", "no_yield"),
        ("rates_10y", "11-14", "no_previous_yield"),
    ]


def test_loadings_say_how_the_factors_are_made(demo: Workshop) -> None:
    rows = rows_of(demo.database, factor_loadings, session=LAST).set_index("factor").loc[list(FACTORS)]
    assert rows.loc["market", "market_loading"] == 1.0
    assert rows["value_loading"].notna().tolist() == [name == "growth" for name in FACTORS]
    assert rows["vif"].max() < 2.1
    assert rows["condition_number"].nunique() == 1
    assert (rows["n_obs"].iloc[0], rows["rates_n_obs"].iloc[0]) == (252, 248)
    # the eight exposures of the 10-year itself: gamma of each factor
    panel = sample_panel()
    factors = panel.etf_returns[-252:] - np.outer(panel.etf_returns[-252:, 0], rows["market_loading"])
    factors[:, 0] = panel.etf_returns[-252:, 0]
    factors[:, 2] -= rows.loc["growth", "value_loading"] * factors[:, 1]
    has = ~np.isnan(panel.yield_change[-252:])
    design = np.column_stack([np.ones(has.sum()), factors[has]])
    gamma = np.linalg.lstsq(design, panel.yield_change[-252:][has])[0][1:]
    np.testing.assert_allclose(rows["gamma"], gamma, rtol=1e-9)


def test_covariance_is_packed_with_its_names_and_passes_its_check(demo: Workshop, book_days: list[date]) -> None:
    row = rows_of(demo.database, factor_covariance, session=LAST).iloc[0]
    matrix = unpacked(row["covariance"])
    assert row["factors"] == list(MODEL_FACTORS)
    assert matrix.shape == (8, 8)
    assert matrix[0, 0] == pytest.approx(np.var(sample_panel().etf_returns[-252:, 0], ddof=1), rel=1e-12)
    assert not matrix[7, :7].any()
    assert unpacked(row["etf_correlation"])[1, 2] == pytest.approx(0.78, abs=0.01)
    assert factor_checks.covariance_semidefinite(demo, book_days).passed


def test_a_beta_does_not_depend_on_which_other_symbols_exist(demo: Workshop, sqlite: Database, calendar: SessionCalendar) -> None:
    alone = sample_shop(sqlite, calendar, ChangedSample(only={*PROXIES, "KO", "RRC"}))
    run_market(alone, last_sessions(calendar, 253))
    materialize.factor_betas(alone, [LAST])
    figures = ["beta", "std_error", "r_squared", "residual_vol"]
    some = rows_of(sqlite, factor_betas, session=LAST).set_index(["symbol", "factor"])[figures]
    whole = rows_of(demo.database, factor_betas, session=LAST).set_index(["symbol", "factor"])[figures]
    assert len(some) == 9 * 9
    np.testing.assert_allclose(some, whole.loc[some.index], rtol=0, atol=1e-12)


def test_the_first_sessions_of_a_history_have_no_betas_but_a_reason(sqlite: Database, calendar: SessionCalendar) -> None:
    shop = sample_shop(sqlite, calendar)
    days = calendar.between(date(2019, 12, 31), date(2020, 3, 31))
    run_market(shop, days)
    materialize.factor_betas(shop, days)
    rows = rows_of(sqlite, factor_betas, symbol="KO", factor="market").sort_values("session")
    assert rows["reason"].iloc[:60].unique().tolist() == ["proxy_missing:all", "insufficient_history"]
    assert rows["beta"].notna().tolist() == [n >= 60 for n in range(len(days))]
    assert rows["n_obs"].iloc[60:].tolist() == list(range(60, len(days)))
    assert rows["quality"].iloc[60] == "limited_history"


def test_quality_says_how_much_history_a_beta_has(sqlite: Database, calendar: SessionCalendar) -> None:
    """Defect 33: full from 240 returns on, limited from 60, none below."""
    days = last_sessions(calendar, 253)
    since = {"KO": days[-241], "PEP": days[-240], "XOM": days[-61], "CVX": days[-60]}
    shop = sample_shop(sqlite, calendar, ChangedSample(since=since))
    run_market(shop, days)
    materialize.factor_betas(shop, [LAST])
    rows = rows_of(sqlite, factor_betas, session=LAST, factor="market").set_index("symbol")
    assert rows.loc[["JNJ", "KO", "PEP", "XOM", "CVX"], "n_obs"].tolist() == [252, 240, 239, 60, 59]
    expected = ["full_history", "full_history", "limited_history", "limited_history", "insufficient"]
    assert rows.loc[["JNJ", "KO", "PEP", "XOM", "CVX"], "quality"].tolist() == expected
    assert (rows.loc["CVX", "status"], rows.loc["CVX", "reason"]) == ("unavailable", "insufficient_history")
    listed = factor_checks.betas_estimated(shop, [LAST])
    assert (listed.passed, listed.actual) == (False, 1.0)
    assert "CVX" in listed.detail


def test_a_gap_costs_two_returns_and_no_return_spans_it(sqlite: Database, calendar: SessionCalendar) -> None:
    days = last_sessions(calendar, 253)
    shop = sample_shop(sqlite, calendar, ChangedSample({("KO", days[100]): np.nan, ("QUAL", days[50]): np.nan}))
    run_market(shop, days)
    materialize.factor_betas(shop, [LAST])
    rows = rows_of(sqlite, factor_betas, session=LAST, factor="market").set_index("symbol")
    assert rows.loc["JNJ", "n_obs"] == 250  # a proxy's gap is everybody's
    assert rows.loc["KO", "n_obs"] == 248
    assert rows.loc["QUAL", "n_obs"] == 250


def test_dependent_proxies_are_a_singular_design_that_stops_the_run(sqlite: Database, calendar: SessionCalendar) -> None:
    days = last_sessions(calendar, 100)
    twice = {**ChangedSample.proxies, "size": ChangedSample.proxies["quality"]}
    shop = sample_shop(sqlite, calendar, ChangedSample(proxies=twice))
    run_market(shop, days)
    materialize.factor_loadings(shop, [LAST])
    rows = rows_of(sqlite, factor_loadings, session=LAST)
    assert rows["reason"].unique().tolist() == ["singular_design"]
    assert not factor_checks.designs_independent(shop, [LAST]).passed


def test_a_configured_series_may_not_take_a_factors_name(demo: Workshop) -> None:
    shop = sample_shop(demo.database, demo.calendar, macro_series={"market": "XOM"})
    with pytest.raises(SigmaSightError, match=r"SIGMASIGHT_MACRO_SERIES: .* was 'market'"):
        materialize.factor_returns(shop, [LAST])
