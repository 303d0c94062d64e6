"""Value at risk, performance and attribution on the demonstration books, recomputed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.checks import performance as checks
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.gates import BY_FACTOR, EXPLAIN
from sigmasight_assets.store.tables import (
    pnl_attribution,
    portfolio_factor_risk,
    portfolio_snapshots,
    position_values,
    risk_metrics,
    treasury_yields,
    var_exceptions,
)
from tests.dataflow.demo_books import book_sessions, market_sessions
from tests.dataflow.risk_demo import HEDGE_FUND, INDIVIDUAL, LAST, WEALTHY, computed_demo, holdings, risk_sessions, slugs
from tests.support.books import run_book


@pytest.fixture(scope="module")
def demo(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Iterator[Workshop]:
    shop = computed_demo(sqlite_template, tmp_path_factory.mktemp("metrics"), calendar)
    yield shop
    shop.database.dispose()


def rows_of(demo: Workshop, table: Any, session: date = LAST) -> pd.DataFrame:
    """Rows of a table of a session, by slug."""
    rows = demo.database.frame(select(table).where(table.c.session == session))
    return rows.assign(slug=rows["portfolio_id"].map(slugs(demo))).set_index("slug")


def adjusted_closes(demo: Workshop) -> pd.DataFrame:
    """The provider's own closes, without the store."""
    prices = SampleProvider().prices(market_sessions(demo)).frame
    return prices.pivot(index="session", columns="symbol", values="adj_close")


def test_value_at_risk_of_shares_is_the_thirteenth_largest_loss_of_their_returns(demo: Workshop) -> None:
    held, _, names = holdings(demo)
    lots = held.by_portfolio(len(names))[names.index(INDIVIDUAL)]
    closes = adjusted_closes(demo).loc[: pd.Timestamp(LAST)]
    returns = closes.pct_change(fill_method=None).iloc[-252:]
    gains = sum(held.numbers["market_value"][lot] * returns[held.symbol[lot]] for lot in range(lots.start, lots.stop))
    worst = gains.sort_values()
    row = rows_of(demo, risk_metrics).loc[INDIVIDUAL]
    assert row["n_scenarios"] == 252
    assert row["var_coverage"] == 1.0
    assert row["var_95"] == pytest.approx(-worst.iloc[12], rel=1e-12)
    assert row["es_95"] == pytest.approx(-worst.iloc[:13].mean(), rel=1e-12)
    assert row["var_99"] == pytest.approx(-worst.iloc[2], rel=1e-12)
    assert row["es_99"] == pytest.approx(-worst.iloc[:3].mean(), rel=1e-12)
    assert row["var_95_session"] == worst.index[12]
    assert row["position_volatility_252"] == pytest.approx((gains / nav_of(demo, INDIVIDUAL)).std() * np.sqrt(252), rel=1e-12)
    assert row["position_volatility_21"] == pytest.approx((gains.iloc[-21:] / nav_of(demo, INDIVIDUAL)).std() * np.sqrt(252), rel=1e-12)


def nav_of(demo: Workshop, slug: str) -> float:
    return float(rows_of(demo, portfolio_snapshots).loc[slug, "nav"])


def test_components_add_up_and_are_in_the_order_of_the_lots(demo: Workshop) -> None:
    held, _, names = holdings(demo)
    for slug, row in rows_of(demo, risk_metrics).iterrows():
        lots = held.by_portfolio(len(names))[names.index(str(slug))]
        assert row["lot_ids"] == [lot.hex for lot in held.lot_id[lots]]
        for figure in ("var_95", "es_95", "var_99", "es_99", "parametric_var_95"):
            parts = row[f"{figure}_components"]
            assert len(parts) == lots.stop - lots.start
            assert np.nansum(parts) == pytest.approx(row[figure], rel=1e-9)
        assert np.isnan(row["var_95_components"]).tolist() == held.is_private[lots].tolist()


def test_parametric_value_at_risk_is_z_times_the_predicted_daily_volatility(demo: Workshop) -> None:
    metrics, risk = rows_of(demo, risk_metrics), rows_of(demo, portfolio_factor_risk)
    daily = risk["predicted_volatility_dollars"] / np.sqrt(252)
    np.testing.assert_allclose(metrics["parametric_var_95"], 1.6448536269514722 * daily.loc[metrics.index], rtol=1e-12)
    np.testing.assert_allclose(metrics["parametric_var_99"], 2.3263478740408408 * daily.loc[metrics.index], rtol=1e-12)


def test_private_assets_are_left_out_of_value_at_risk_with_coverage(demo: Workshop) -> None:
    row = rows_of(demo, risk_metrics).loc[WEALTHY]
    assert row["var_coverage"] == pytest.approx(0.468, abs=0.002)
    assert (row["status"], row["reason"]) == ("partial", "uncovered_holdings")
    assert row["beta_coverage"] == pytest.approx(row["var_coverage"])


def test_ratios_and_drawdown_of_a_month_are_those_of_the_returns(demo: Workshop) -> None:
    s = portfolio_snapshots.c
    y = treasury_yields.c
    rows = demo.database.frame(select(s.session, s.portfolio_id, s.daily_return).order_by(s.session))
    rows["slug"] = rows["portfolio_id"].map(slugs(demo))
    bills = demo.database.frame(select(y.session, y.par_yield).where(y.tenor_months == 3).order_by(y.session)).set_index("session")
    for slug, part in rows.groupby("slug"):
        returns = part.set_index("session")["daily_return"].iloc[-21:]
        free = bills["par_yield"].ffill().shift(1).loc[returns.index] / 252
        excess = returns - free
        row = rows_of(demo, risk_metrics).loc[slug]
        assert row["n_obs_21"] == 21
        assert row["volatility_21"] == pytest.approx(returns.std() * np.sqrt(252), rel=1e-10)
        assert row["sharpe_21"] == pytest.approx(excess.mean() / excess.std() * np.sqrt(252), rel=1e-10)
        downside = np.sqrt((np.minimum(excess, 0) ** 2).mean())
        assert row["sortino_21"] == pytest.approx(excess.mean() / downside * np.sqrt(252), rel=1e-10)
        index = (1 + returns).cumprod()
        assert row["max_drawdown_21"] == pytest.approx((index / np.maximum(index.cummax(), 1.0) - 1).min(), rel=1e-10)
        assert row["return_1w"] == pytest.approx(index.iloc[-1] / index.iloc[-6] - 1, rel=1e-10)
        december = returns[returns.index >= "2022-12-01"]
        assert row["return_mtd"] == pytest.approx((1 + december).prod() - 1, rel=1e-10)


def test_a_window_that_is_not_full_says_so(demo: Workshop) -> None:
    row = rows_of(demo, risk_metrics, book_sessions(demo)[29]).loc[INDIVIDUAL]
    assert row["n_obs_63"] == row["n_obs_252"] == 30
    for name in ("volatility_63", "sharpe_252", "max_drawdown_252", "return_3m", "return_1y"):
        assert np.isnan(row[name])
        assert row["missing"][name] == "insufficient_history"
    assert "volatility_21" not in row["missing"]


def test_exceptions_compare_yesterdays_figure_with_yesterdays_holdings(demo: Workshop) -> None:
    m = risk_metrics.c
    rows = demo.database.frame(select(m.session, m.portfolio_id, m.var_95, m.hypothetical_pnl).order_by(m.session))
    for portfolio, part in rows.groupby("portfolio_id"):
        before, gain = part["var_95"].shift(1), part["hypothetical_pnl"]
        count = int((gain < -before).sum())
        stored = rows_of(demo, var_exceptions).query("level == '95'").set_index("portfolio_id").loc[portfolio]
        assert stored["n_obs"] == 248
        assert stored["n_exceptions"] == count
        assert stored["var_previous"] == before.iloc[-1]
        assert (stored["band_low"], stored["band_high"]) == (6, 20)  # 248 days at 5 %


def test_hypothetical_gain_of_shares_is_what_they_gained(demo: Workshop) -> None:
    """Without options, trades and dividends it is the day's own P&L."""
    metrics, snapshots = rows_of(demo, risk_metrics), rows_of(demo, portfolio_snapshots)
    gain = snapshots.loc[INDIVIDUAL, "pnl"] - snapshots.loc[INDIVIDUAL, "dividends"]
    assert metrics.loc[INDIVIDUAL, "hypothetical_pnl"] == pytest.approx(gain, rel=1e-5)


def test_explain_and_factors_add_up_to_the_gain_of_the_day(demo: Workshop) -> None:
    a = pnl_attribution.c
    rows = demo.database.frame(select(pnl_attribution).order_by(a.session))
    snapshots = demo.database.frame(select(portfolio_snapshots.c.session, portfolio_snapshots.c.portfolio_id, portfolio_snapshots.c.pnl))
    both = rows.merge(snapshots, on=["session", "portfolio_id"], suffixes=("", "_snapshot"))
    assert len(both) == len(rows) == 3 * 249
    np.testing.assert_allclose(both["pnl"], both["pnl_snapshot"], rtol=1e-14)
    np.testing.assert_allclose(both[list(EXPLAIN)].sum(axis=1), both["pnl"], atol=1e-6)
    np.testing.assert_allclose(both[list(BY_FACTOR)].fillna(0.0).sum(axis=1), both["pnl"], atol=1e-6)


def test_explain_terms_are_the_greeks_of_the_day_before_times_what_happened(demo: Workshop, calendar: SessionCalendar) -> None:
    before = calendar.offset(LAST, -1)
    ids = {slug: portfolio for portfolio, slug in slugs(demo).items()}
    p = position_values.c
    query = select(p.lot_id, p.symbol, p.underlying, p.asset_class, p.theta_per_day, p.gamma_dollars_per_pct, p.delta_dollars).where(
        p.session == before, p.portfolio_id == ids[HEDGE_FUND], p.event.is_(None)
    )
    lots = demo.database.frame(query)
    closes = adjusted_closes(demo)
    move = closes.loc[pd.Timestamp(LAST)] / closes.loc[pd.Timestamp(before)] - 1.0  # no dividend falls on the day
    row = rows_of(demo, pnl_attribution).loc[HEDGE_FUND]
    moves = lots["underlying"].map(move)
    assert row["days"] == 1
    assert row["explain_theta"] == pytest.approx(lots["theta_per_day"].sum())
    assert row["explain_delta"] == pytest.approx((lots["delta_dollars"] * moves).sum(), rel=1e-5)  # by adjusted closes
    assert row["explain_gamma"] == pytest.approx((50.0 * lots["gamma_dollars_per_pct"] * moves**2).sum(), rel=1e-5)
    assert abs(row["explain_residual"]) < 0.05 * row["pnl_gross"]


def test_the_close_before_the_first_session_is_computed_where_it_is_not_stored(demo: Workshop, calendar: SessionCalendar) -> None:
    """The first session's attribution does not know whether the one before was materialized."""
    first = risk_sessions(calendar)[0]
    a = pnl_attribution.c
    query = select(pnl_attribution).where(a.session == first).order_by(a.portfolio_id)
    computed_on_its_own = demo.database.frame(query)
    run_book(demo, [calendar.offset(first, -1)])
    materialize.pnl_attribution(demo, [first])
    with_the_store = demo.database.frame(query)
    assert computed_on_its_own["factor_market"].abs().gt(0).all()
    pd.testing.assert_frame_equal(computed_on_its_own, with_the_store, rtol=1e-12, atol=1e-7)


def test_the_checks_of_the_assets_pass(demo: Workshop, calendar: SessionCalendar) -> None:
    for check in (checks.returns_agree, checks.exceptions_counted, checks.shares_fully_explained, checks.residual_is_small):
        outcome = check(demo, risk_sessions(calendar))
        assert outcome.passed, (check.__name__, outcome)
