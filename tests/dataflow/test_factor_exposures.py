"""What books are exposed to: coverage, legs, standard errors, predicted risk, on the embedded data and in books worked by hand."""

from __future__ import annotations

import uuid
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.checks import risk as risk_checks
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY
from sigmasight_assets.engines.factor_names import MODEL_FACTORS
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import (
    factor_betas,
    factor_covariance,
    factor_exposures,
    factor_returns,
    materializations,
    portfolio_factor_risk,
    portfolio_snapshots,
    position_values,
)
from tests.support.books import Lot, add_book, run_book
from tests.support.factor_market import (
    LAST,
    N_MARKET,
    ChangedSample,
    last_sessions,
    of_portfolio,
    rows_of,
    run_market,
    sample_shop,
)
from tests.support.sample_panel import sample_panel

PROXIES = ("SP500", "VLUE", "GROWTH_BASKET", "MTUM", "QUAL", "SIZE", "USMV")


def test_private_assets_of_the_high_net_worth_book_are_uncovered(demo: Workshop) -> None:
    row = of_portfolio(demo.database, portfolio_factor_risk, "high-net-worth").iloc[0]
    assert row["coverage"] == pytest.approx(0.47, abs=0.01)
    assert (row["status"], row["reason"]) == ("partial", "uncovered_positions")
    uncovered = [symbol for symbol, why in zip(row["symbols"], row["uncovered_reasons"], strict=True) if why is not None]
    assert len(uncovered) == 9
    assert {why for why in row["uncovered_reasons"] if why} == {"private_asset"}
    # the worked figure: 1,344,800 of private assets against delta dollars of the rest
    assert sum(row["uncovered_dollars"]) == pytest.approx(1_344_800)
    assert row["gross_exposure"] == pytest.approx(1_344_800 / (1 - row["coverage"]))
    snapshot = of_portfolio(demo.database, portfolio_snapshots, "high-net-worth").iloc[0]
    assert (snapshot["factor_coverage"], snapshot["factor_reason"]) == (row["coverage"], "uncovered_positions")
    assert snapshot["beta"] == row["beta"]


def test_everything_adds_up(demo: Workshop, book_days: list[date]) -> None:
    checks = (
        risk_checks.positions_add_up,
        risk_checks.factors_add_up,
        risk_checks.exposures_add_up,
        risk_checks.snapshots_agree,
        risk_checks.matrices_semidefinite,
    )
    for check in checks:
        outcome = check(demo, book_days)
        assert outcome.passed, (check.__name__, outcome)
        assert outcome.detail.startswith(("9", "27")), (check.__name__, outcome)


def test_checks_of_sums_can_fail(demo: Workshop, book_days: list[date]) -> None:
    with demo.database.write() as connection:
        connection.execute(factor_exposures.update().values(exposure_net=1.0, volatility_contribution=1.0))
        connection.execute(portfolio_factor_risk.update().values(beta=9.0, volatility_contributions=[1.0]))
    for check in (risk_checks.positions_add_up, risk_checks.factors_add_up, risk_checks.exposures_add_up, risk_checks.snapshots_agree):
        assert not check(demo, book_days).passed, check.__name__


def test_nothing_after_a_session_changes_any_of_its_rows(demo: Workshop, book_days: list[date]) -> None:
    early, later = book_days[0], book_days[1:]
    before = _hashes(demo.database, early)
    closes = {(symbol, day): 1.3 for day in later for symbol in ("SP500", "KO", "QUAL", "NVDA")}
    shop = sample_shop(demo.database, demo.calendar, ChangedSample(closes))
    run_market(shop, later)
    run_book(shop, book_days)
    after = _hashes(demo.database, early)
    opening = {key for key in before if key[0] == "opening_cash"}  # the one number that looks ahead
    assert len(before) > 15
    assert {key: value for key, value in after.items() if key not in opening} == {k: v for k, v in before.items() if k not in opening}


def _hashes(database: Database, day: date) -> dict[tuple[object, ...], str]:
    m = materializations.c
    rows = database.frame(select(m.table_name, m.portfolio_id, m.content_hash).where(m.session == day))
    return dict(zip(zip(rows["table_name"], rows["portfolio_id"], strict=True), rows["content_hash"], strict=True))


def test_without_one_proxy_there_is_no_beta_but_a_reason(demo: Workshop) -> None:
    day = LAST
    without_size = {name: proxy for name, proxy in ChangedSample.proxies.items() if name != "size"}
    shop = sample_shop(demo.database, demo.calendar, ChangedSample(proxies=without_size))
    materialize.factor_returns(shop, last_sessions(demo.calendar, N_MARKET))
    run_book(shop, [day])
    series = rows_of(demo.database, factor_returns, session=day, series="size").iloc[0]
    assert (series["symbol"], series["status"], series["reason"]) == (None, "unavailable", "proxy_missing")
    rows = rows_of(demo.database, factor_betas, session=day)
    regressions = rows[rows["factor"] != RATES_MARKET_ONLY]
    assert regressions["beta"].isna().all()
    assert regressions["reason"].unique().tolist() == ["proxy_missing:size"]
    assert regressions["quality"].unique().tolist() == ["insufficient"]
    assert rows.loc[rows["factor"] == RATES_MARKET_ONLY, "beta"].notna().all()
    assert rows_of(demo.database, factor_covariance, session=day)["reason"].tolist() == ["proxy_missing:size"]
    risk = of_portfolio(demo.database, portfolio_factor_risk, "balanced", day).iloc[0]
    assert (risk["coverage"], risk["status"], risk["reason"]) == (0.0, "unavailable", "nothing_covered")
    assert np.isnan(risk["beta"])
    assert set(risk["uncovered_reasons"]) == {"proxy_missing:size"}
    exposures = of_portfolio(demo.database, factor_exposures, "balanced", day)
    assert exposures["exposure_net"].isna().all()
    snapshot = of_portfolio(demo.database, portfolio_snapshots, "balanced", day).iloc[0]
    assert (snapshot["status"], snapshot["factor_reason"]) == ("ok", "nothing_covered")


def test_configured_series_have_betas_and_exposures_beside_the_eight(demo: Workshop) -> None:
    shop = sample_shop(demo.database, demo.calendar, macro_series={"oil": "XOM"})
    materialize.factor_returns(shop, last_sessions(demo.calendar, N_MARKET))
    run_book(shop, [LAST])
    own = rows_of(demo.database, factor_betas, session=LAST, factor="oil").set_index("symbol")
    assert own.loc["XOM", "beta"] == pytest.approx(1.0, abs=1e-12)
    assert own.loc["CVX", "beta"] > 0.5
    assert own.loc["XOM", "flags"] == "proxy_contains_instrument,exact_fit"
    rows = of_portfolio(demo.database, factor_exposures, "long-short").set_index("factor")
    assert rows["role"].value_counts().to_dict() == {"factor": 8, "sensitivity": 1}
    assert rows.loc["oil", "exposure_net"] > 100_000
    assert np.isnan(rows.loc["oil", "variance_contribution"])
    assert (rows.loc["oil", "status"], rows.loc["oil", "coverage"]) == ("ok", 1.0)
    assert risk_checks.factors_add_up(shop, [LAST]).passed


def exposures_of(shop: Workshop, held: list[Lot], cash: float = 10_000.0) -> tuple[pd.Series, pd.DataFrame]:
    """Risk row and exposures of a book of its own on the last session."""
    owner = add_book(shop.database, held, cash=cash, as_of=LAST, name=f"own-{uuid.uuid4().hex[:8]}")
    scoped = Workshop(shop.database, shop.calendar, shop.provider, "own", [owner.id])
    materialize.opening_cash(scoped)
    materialize.option_greeks(scoped, [LAST])
    for step in (materialize.position_values, materialize.portfolio_factor_risk, materialize.factor_exposures):
        step(scoped, [LAST])
    risk = rows_of(shop.database, portfolio_factor_risk, session=LAST, portfolio_id=owner.id).iloc[0]
    return risk, rows_of(shop.database, factor_exposures, session=LAST, portfolio_id=owner.id).set_index("factor")


def beta_of(shop: Workshop, symbol: str, factor: str = "market") -> float:
    return float(rows_of(shop.database, factor_betas, session=LAST, symbol=symbol, factor=factor)["beta"].iloc[0])


def close_of(shop: Workshop, symbol: str) -> float:
    return float(shop.provider.prices([LAST], [symbol]).frame["close"].iloc[0])


def test_exposure_is_beta_times_each_positions_own_dollars(demo: Workshop) -> None:
    """Defect 30: never times the value of the whole portfolio, so that a 10 % fall of the market costs what the positions lose."""
    risk, rows = exposures_of(demo, [Lot("KO", 100, 60, LAST), Lot("NVDA", 50, 140, LAST)])
    by_hand = 100 * close_of(demo, "KO") * beta_of(demo, "KO") + 50 * close_of(demo, "NVDA") * beta_of(demo, "NVDA")
    assert rows.loc["market", "exposure_net"] == pytest.approx(by_hand, rel=1e-12)
    assert risk["beta"] == pytest.approx(by_hand / risk["nav"], rel=1e-12)
    assert rows.loc["market", "exposure_net"] < 2.3 * risk["gross_exposure"]


def test_short_positions_lower_the_market_beta(demo: Workshop) -> None:
    """Defect 31."""
    risk, rows = exposures_of(demo, [Lot("KO", 100, 60, LAST), Lot("NVDA", -50, 140, LAST)], cash=30_000)
    long, short = 100 * close_of(demo, "KO") * beta_of(demo, "KO"), -50 * close_of(demo, "NVDA") * beta_of(demo, "NVDA")
    assert (rows.loc["market", "exposure_long"], rows.loc["market", "exposure_short"]) == (pytest.approx(long), pytest.approx(short))
    assert rows.loc["market", "exposure_net"] == pytest.approx(long + short)
    assert rows.loc["market", "beta"] < 0
    assert rows.loc["market", "beta_long"] + rows.loc["market", "beta_short"] == pytest.approx(rows.loc["market", "beta"])
    assert risk["beta_std_error"] == rows.loc["market", "std_error"]


def test_standard_error_of_a_books_beta_is_that_of_independent_names(demo: Workshop) -> None:
    _, rows = exposures_of(demo, [Lot("KO", 100, 60, LAST), Lot("KO", -40, 60, LAST), Lot("NVDA", -50, 140, LAST)], cash=30_000)
    errors = rows_of(demo.database, factor_betas, session=LAST, factor="size").set_index("symbol")["std_error"]
    by_hand = np.hypot(60 * close_of(demo, "KO") * errors["KO"], 50 * close_of(demo, "NVDA") * errors["NVDA"])
    assert rows.loc["size", "std_error_dollars"] == pytest.approx(by_hand, rel=1e-12)


def test_an_option_counts_through_its_underlying_and_a_long_put_is_short(demo: Workshop) -> None:
    put = "KO230317P00065000"
    risk, rows = exposures_of(demo, [Lot(put, 10, 3.0, LAST)])
    stored = rows_of(demo.database, position_values, session=LAST, symbol=put).iloc[0]
    assert stored["delta_dollars"] < -10_000
    assert rows.loc["market", "exposure_net"] == pytest.approx(beta_of(demo, "KO") * stored["delta_dollars"], rel=1e-12)
    assert rows.loc["market", "exposure_net"] == rows.loc["market", "exposure_short"]
    assert (risk["coverage"], risk["underlyings"]) == (1.0, ["KO"])


def test_what_has_no_betas_lowers_coverage_and_below_a_quarter_there_is_no_beta(demo: Workshop) -> None:
    """Defect 32: the figures say of how much they are, and are withheld where they would speak for a book that they do not know."""
    listed = Lot("KO", 100, 60, LAST)  # about 6,400 dollars
    part, rows = exposures_of(demo, [listed, Lot("HOUSE", 1, 10_000, LAST, private=True), Lot("NOBODY", 10, 500, LAST)])
    value = 100 * close_of(demo, "KO")
    assert part["coverage"] == pytest.approx(value / (value + 10_000 + 5_000))
    assert (part["status"], part["reason"]) == ("partial", "uncovered_positions")
    assert sorted(filter(None, part["uncovered_reasons"])) == ["private_asset", "unknown_symbol"]
    assert part["beta"] == pytest.approx(value * beta_of(demo, "KO") / part["nav"])
    little, rows = exposures_of(demo, [listed, Lot("CASTLE", 1, 40_000, LAST, private=True)])
    assert little["coverage"] == pytest.approx(value / (value + 40_000))
    assert (little["status"], little["reason"]) == ("unavailable", "coverage_below_25pct")
    assert little[["beta", "beta_std_error", "predicted_volatility", "predicted_volatility_dollars"]].isna().all()
    assert rows["beta"].isna().all()
    assert rows.loc["market", "exposure_net"] == pytest.approx(value * beta_of(demo, "KO"))
    assert rows["status"].unique().tolist() == ["partial"]
    nothing, rows = exposures_of(demo, [Lot("BARN", 1, 40_000, LAST, private=True)])
    assert (nothing["coverage"], nothing["reason"]) == (0.0, "nothing_covered")
    assert rows["exposure_net"].isna().all()


def test_a_portfolio_of_cash_has_no_exposure_and_no_risk(demo: Workshop) -> None:
    risk, rows = exposures_of(demo, [])
    assert (risk["beta"], risk["predicted_volatility"], risk["status"]) == (0.0, 0.0, "ok")
    assert np.isnan(risk["coverage"])
    assert rows["exposure_net"].tolist() == [0.0] * 8


def test_below_zero_nav_dollars_stay_and_shares_are_missing(demo: Workshop) -> None:
    risk, rows = exposures_of(demo, [Lot("KO", 100, 60, LAST)], cash=-50_000)
    assert (risk["status"], risk["reason"]) == ("partial", "nav_not_positive")
    assert np.isnan(risk["beta"])
    assert risk["predicted_volatility_dollars"] > 0
    assert rows.loc["market", "exposure_net"] > 0
    assert np.isnan(rows.loc["market", "beta"])


def test_predicted_volatility_by_hand(demo: Workshop) -> None:
    """One name: x'Σx of its eight sensitivities and its own residual volatility."""
    risk, rows = exposures_of(demo, [Lot("KO", 100, 60, LAST)])
    betas = rows_of(demo.database, factor_betas, session=LAST, symbol="KO").set_index("factor")
    covariance = unpacked(rows_of(demo.database, factor_covariance, session=LAST)["covariance"].iloc[0])
    b = betas.loc[list(MODEL_FACTORS), "beta"].to_numpy()
    value = 100 * close_of(demo, "KO")
    variance = value**2 * (252 * b @ covariance @ b + betas.loc["rates", "residual_vol"] ** 2)
    assert risk["predicted_volatility_dollars"] == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert risk["predicted_volatility"] == pytest.approx(np.sqrt(variance) / risk["nav"], rel=1e-12)
    assert risk["factor_variance"] + risk["specific_variance"] == pytest.approx(variance, rel=1e-12)
    # the model explains a stock's own volatility: close to that of its returns
    realized = np.nanstd(sample_panel().returns[-252:, sample_panel().symbols.index("KO")], ddof=1) * np.sqrt(252)
    assert np.sqrt(variance) / value == pytest.approx(realized, rel=0.03)
    assert rows["volatility_contribution"].sum() + risk["specific_variance"] / risk["predicted_volatility_dollars"] == pytest.approx(
        risk["predicted_volatility_dollars"], rel=1e-12
    )
