"""Stress on the demonstration books: what must hold for every scenario, and the defects that others shipped."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import mibian
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations.checks import stress as checks
from sigmasight_assets.calculations.holdings import read_holdings
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.calculations.stress_books import Head, finished
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.scenarios.shipped import shipped_scenarios
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.tables import factor_exposures, market_scenarios, portfolio_snapshots
from tests.dataflow.risk_demo import HEDGE_FUND, INDIVIDUAL, LAST, WEALTHY, computed_demo, holdings, results, risk_sessions, shocks, slugs

SCENARIOS = [scenario.id for scenario in shipped_scenarios()]
MOVES = [*FACTORS, "rates_surprise"]


@pytest.fixture(scope="module")
def demo(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Iterator[Workshop]:
    shop = computed_demo(sqlite_template, tmp_path_factory.mktemp("stress"), calendar)
    yield shop
    shop.database.dispose()


def underlying_moves(demo: Workshop, scenario: str, mode: str) -> tuple[np.ndarray, np.ndarray]:
    """Each lot's move by hand: betas times the stored factors; and the same with the floor."""
    _, betas, _ = holdings(demo)
    row = shocks(demo).loc[(scenario, mode)]
    linear = betas @ row[MOVES].to_numpy(dtype=np.float64)
    return linear, np.maximum(-1.0, linear)


def test_every_book_has_every_shipped_scenario_in_both_modes(demo: Workshop) -> None:
    found = results(demo)
    assert len(found) == 3 * 2 * len(SCENARIOS)
    assert set(found.loc[INDIVIDUAL]["reason"]) == {None}
    assert set(found.loc[INDIVIDUAL]["status"]) == {"ok"}
    assert found["pnl"].notna().all()
    assert len(set(shocks(demo).index)) == 2 * len(SCENARIOS)


def test_a_book_without_lots_holds_nothing_while_others_hold_options(demo: Workshop) -> None:
    with reading(demo.database, demo.calendar) as reader:
        assert list(read_holdings(reader, [LAST], [uuid.uuid4()])) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("mode", ["direct", "correlated"])
def test_shares_alone_have_full_equal_to_linear(demo: Workshop, scenario: str, mode: str) -> None:
    row = results(demo).loc[(INDIVIDUAL, scenario, mode)]
    assert row["pnl"] == pytest.approx(row["pnl_linear"], rel=1e-12)
    assert row["pnl_non_linear"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("mode", ["direct", "correlated"])
def test_every_lot_is_revalued_by_the_pricing_function_and_equals_mibian(demo: Workshop, scenario: str, mode: str) -> None:
    held, _, names = holdings(demo)
    found, shock = results(demo), shocks(demo).loc[(scenario, mode)]
    _, move = underlying_moves(demo, scenario, mode)
    for i, lots in enumerate(held.by_portfolio(len(names))):
        stored = found.loc[(names[i], scenario, mode)]
        by_hand = np.full(lots.stop - lots.start, np.nan)
        for k, lot in enumerate(range(lots.start, lots.stop)):
            if held.is_share[lot]:
                by_hand[k] = held.numbers["market_value"][lot] * move[lot]
            elif held.is_option[lot]:
                terms = {name: values[held.contract[lot]] for name, values in vars(held.contracts.terms).items()}
                gain = moved_price(terms, move[lot], shock["iv_change"], shock["rates_bp"]) - moved_price(terms, 0.0, 0.0, 0.0)
                assert stored["position_pnl"][k] / held.units[lot] == pytest.approx(gain, abs=1e-8)
                by_hand[k] = held.units[lot] * gain
        np.testing.assert_allclose(stored["position_pnl"], by_hand, atol=1e-4)
        assert stored["pnl"] == pytest.approx(np.nansum(stored["position_pnl"]), rel=1e-12)


def moved_price(terms: dict[str, float], move: float, iv_change: float, rates_bp: float) -> float:
    """mibian's price on shifted inputs: percent, days, the dividend in dollars a year. An option on nothing is its discounted strike."""
    days, spot = terms["years"] * 365.0, terms["spot"] * (1.0 + move)
    volatility = 100.0 * terms["volatility"] * (1.0 + iv_change * np.sqrt(30.0 / max(30.0, days)))
    rate = 100.0 * terms["rate"] + rates_bp / 100.0
    if spot <= 0.0:
        return 0.0 if terms["is_call"] else float(terms["strike"] * np.exp(-rate / 100.0 * terms["years"]))
    if terms["dividend_yield"] == 0.0:
        model = mibian.BS([spot, terms["strike"], rate, days], volatility=volatility)
    else:
        model = mibian.Me([spot, terms["strike"], rate, terms["dividend_yield"] * spot, days], volatility=volatility)
    return float(model.callPrice if terms["is_call"] else model.putPrice)


def test_a_market_shock_alone_gives_shares_the_same_both_ways(demo: Workshop) -> None:
    found = results(demo)
    for scenario in ("market_up_10", "market_down_10", "market_rally_25", "market_crash_35"):
        direct, correlated = (found.loc[(INDIVIDUAL, scenario, mode)]["pnl"] for mode in ("direct", "correlated"))
        assert correlated == pytest.approx(direct, rel=1e-12)


def test_options_tell_a_market_shock_apart_through_the_curve_alone(demo: Workshop) -> None:
    """γ: in 2022 a fall of the market went with higher yields, so the correlated crash moves the curve and puts a little on rho."""
    found, moved = results(demo), shocks(demo)
    assert moved.loc[("market_crash_35", "direct")]["rates_bp"] == 0.0
    assert moved.loc[("market_crash_35", "correlated")]["rates_bp"] > 0.0
    direct, correlated = (found.loc[(HEDGE_FUND, "market_crash_35", mode)] for mode in ("direct", "correlated"))
    assert direct["pnl_curve"] == 0.0
    assert correlated["pnl_linear"] - direct["pnl_linear"] == pytest.approx(correlated["pnl_curve"], rel=1e-9)
    assert correlated["pnl"] != direct["pnl"]


def test_the_modes_differ_where_rates_or_styles_are_stated(demo: Workshop) -> None:
    found = results(demo).loc[INDIVIDUAL]["pnl"].unstack()
    assert (found.loc[["rates_up_100bp", "value_rotation", "small_cap_lead", "liquidity_crisis"]].diff(axis=1).iloc[:, 1].abs() > 100).all()


def test_measured_replays_of_every_variable_are_the_same_both_ways(demo: Workshop) -> None:
    """All eight are stated, so nothing is left to propagate, and nothing is left open."""
    found = results(demo)
    for scenario in ("covid_crash_2020", "rate_bear_2022"):
        direct, correlated = (found.loc[(HEDGE_FUND, scenario, mode)] for mode in ("direct", "correlated"))
        assert correlated["pnl"] == pytest.approx(direct["pnl"], rel=1e-9)
        assert correlated["pnl_deviation"] == pytest.approx(0.0, abs=1e-3)


def test_the_sign_of_a_hundred_basis_points_is_that_of_the_rates_exposure(demo: Workshop) -> None:
    """KNOWN_DEFECTS 38: unit and sign. +100 bp costs the book its exposure per +100 bp, and three hundred three times that."""
    e, names = factor_exposures.c, slugs(demo)
    exposure = demo.database.frame(select(e.portfolio_id, e.exposure_net).where(e.session == LAST, e.factor == "rates"))
    found = results(demo)
    for portfolio, net in zip(exposure["portfolio_id"], exposure["exposure_net"], strict=True):
        by_scenario = found.loc[names[portfolio]].xs("direct", level="mode")
        assert np.sign(by_scenario.loc["rates_up_100bp", "pnl_rates_surprise"]) == np.sign(net)
        assert by_scenario.loc["rates_up_100bp", "pnl_rates_surprise"] == pytest.approx(net, rel=1e-12)
        assert by_scenario.loc["rate_spike_300bp", "pnl_rates_surprise"] == pytest.approx(3.0 * net, rel=1e-12)
        assert by_scenario.loc["rates_down_25bp", "pnl_rates_surprise"] == pytest.approx(-0.25 * net, rel=1e-12)
    assert np.sign(found.loc[(INDIVIDUAL, "rates_up_100bp", "direct")]["pnl"]) == 1.0


def test_losses_are_not_clipped(demo: Workshop) -> None:
    """KNOWN_DEFECTS 35. The levered book loses more than half its NAV in the dot-com crash, and its shorts gain more than a dollar."""
    row = results(demo).loc[(HEDGE_FUND, "dotcom_crash_2000", "direct")]
    assert row["pnl_share"] < -0.6
    assert row["impact_band"] == "extreme"
    held, _, names = holdings(demo)
    lots = held.by_portfolio(len(names))[names.index(HEDGE_FUND)]
    short_shares = held.is_share[lots] & (held.units[lots] < 0)
    assert row["position_pnl"][short_shares].max() > 100_000


def test_the_market_keeps_its_own_loss_in_the_correlated_total(demo: Workshop) -> None:
    """KNOWN_DEFECTS 37."""
    found = results(demo)
    for scenario in ("market_down_10", "quality_flight", "liquidity_crisis"):
        direct, correlated = (found.loc[(INDIVIDUAL, scenario, mode)]["pnl_market"] for mode in ("direct", "correlated"))
        assert correlated == pytest.approx(direct, rel=1e-9)
        assert direct < 0


def test_options_in_a_crash_are_not_worth_their_delta_alone(demo: Workshop) -> None:
    """KNOWN_DEFECTS 40. Short puts lose more than delta says, long ones gain more; the rest of the gain has a line of its own."""
    held, _, names = holdings(demo)
    row = results(demo).loc[(HEDGE_FUND, "market_crash_35", "direct")]
    lots = held.by_portfolio(len(names))[names.index(HEDGE_FUND)]
    _, move = underlying_moves(demo, "market_crash_35", "direct")
    at_delta = held.numbers["delta_dollars"][lots] * move[lots]
    puts = np.flatnonzero(
        [symbol[-9] == "P" if option else False for symbol, option in zip(held.symbol[lots], held.is_option[lots], strict=True)]
    )
    beyond = row["position_pnl"][puts] - at_delta[puts]
    assert np.all(np.sign(beyond) == np.sign(held.units[lots][puts]))
    assert np.abs(beyond).max() > 50_000
    assert row["pnl_non_linear"] == pytest.approx(row["pnl"] - row["pnl_linear"])


def test_private_assets_are_uncovered_and_the_rows_say_how_much(demo: Workshop) -> None:
    row = results(demo).loc[(WEALTHY, "market_crash_35", "direct")]
    assert (row["status"], row["reason"]) == ("partial", "uncovered_holdings")
    assert row["uncovered"] == pytest.approx(1_344_800.0)  # the nine marks
    assert row["n_uncovered"] == 9
    assert row["coverage"] == pytest.approx(0.468, abs=0.002)
    assert np.isnan(row["position_pnl"]).sum() == 9
    assert row["pnl_private"] == 0.0


def test_parts_of_each_result_add_up(demo: Workshop) -> None:
    rows = results(demo)
    terms = [f"pnl_{name}" for name in (*FACTORS, "rates_surprise", "volatility", "curve", "floor", "non_linear")]
    np.testing.assert_allclose(rows[terms].sum(axis=1), rows["pnl"], atol=1e-5)
    np.testing.assert_allclose(rows[["pnl_equity", "pnl_option", "pnl_private"]].sum(axis=1), rows["pnl"], atol=1e-5)


def test_bands_classify_the_loss_over_nav(demo: Workshop) -> None:
    rows = results(demo).reset_index()
    nav = demo.database.frame(
        select(portfolio_snapshots.c.portfolio_id, portfolio_snapshots.c.nav).where(portfolio_snapshots.c.session == LAST)
    )
    loss = np.maximum(0.0, -rows["pnl"] / rows["portfolio_id"].map(nav.set_index("portfolio_id")["nav"]))
    expected = pd.cut(loss, [0.0, 0.05, 0.15, 0.35, np.inf], right=False, labels=["mild", "moderate", "severe", "extreme"])
    assert rows["impact_band"].tolist() == expected.tolist()
    assert rows["pnl_share"].tolist() == pytest.approx((-loss).where(rows["pnl"] < 0, rows["pnl_share"]).tolist())


@pytest.mark.parametrize("nav", [0.0, -160_848.84])
def test_without_a_positive_nav_the_gain_stands_and_its_share_says_why_not(nav: float) -> None:
    gains = {"pnl": np.array([70_635.61, -20_000.0]), "coverage": np.ones(2), "position_pnl": [np.zeros(1)] * 2}
    rows = finished(gains, np.array(["ok", "ok"]), np.array([None, None]), Head(nav, 180_848.84, "ok", None))
    assert rows["pnl"].tolist() == [70_635.61, -20_000.0]
    assert np.isnan(rows["pnl_share"]).all()
    assert rows["impact_band"].tolist() == [None, None]
    assert rows["status"].tolist() == ["partial", "partial"]
    assert rows["reason"].tolist() == ["nav_not_positive", "nav_not_positive"]


def test_the_grid_is_market_and_rates_alone(demo: Workshop) -> None:
    g = market_scenarios.c
    rows = demo.database.frame(select(market_scenarios).where(g.session == LAST))
    assert sorted(rows["market_shock"].dropna().unique()) == [-0.2, -0.1, -0.05, 0.05, 0.1, 0.2]
    assert sorted(rows["rates_bp"].dropna().unique()) == [-300, -200, -100, -50, -25, 25, 50, 100, 200, 300]
    assert len(rows) == 3 * 16


def test_the_checks_of_the_assets_pass(demo: Workshop, calendar: SessionCalendar) -> None:
    for check in (
        checks.facts_hold,
        checks.grid_agrees,
        checks.grid_and_scenarios_agree,
        checks.all_scenarios_present,
        checks.options_equal_mibian,
    ):
        outcome = check(demo, risk_sessions(calendar))
        assert outcome.passed, (check.__name__, outcome)
        assert outcome.actual <= outcome.threshold
