"""Scenarios on the embedded data: replays, staleness, proxies of private assets, and what a later session may not see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.calculations.scenario_shocks import shock_frame
from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.ledger.accounts import find_user
from sigmasight_assets.ledger.private_proxies import PrivateProxy, proxies_of, remove_proxy, set_proxy
from sigmasight_assets.ledger.user_scenarios import add_scenarios, remove_scenario
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.scenarios.definition import Scenario
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.tables import portfolios, prices, treasury_yields
from tests.dataflow.risk_demo import HEDGE_FUND, INDIVIDUAL, LAST, WEALTHY, computed_demo, results, risk_sessions, shocks
from tests.support.books import run_risk

OWNER = "demo_individual@sigmasight.com"


@pytest.fixture(scope="module")
def demo(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Iterator[Workshop]:
    shop = computed_demo(sqlite_template, tmp_path_factory.mktemp("scenarios"), calendar, SampleProvider())
    yield shop
    shop.database.dispose()


def test_a_replay_is_measured_from_the_first_close_to_the_last(demo: Workshop) -> None:
    row = shocks(demo).loc[("covid_crash_2020", "direct")]
    p, y = prices.c, treasury_yields.c
    ends = [date(2020, 2, 19), date(2020, 3, 23)]
    closes = demo.database.frame(select(p.session, p.symbol, p.adj_close).where(p.session.in_(ends))).pivot(
        index="symbol", columns="session", values="adj_close"
    )
    for factor, proxy in SampleProvider.proxies.items():
        before, after = closes.loc[proxy.symbol]
        assert row["stated"]["returns"][factor] == pytest.approx(after / before - 1.0, rel=1e-12)
        assert row["sources"][factor] == f"measured {proxy.symbol}"
    tens = demo.database.frame(select(y.session, y.par_yield).where(y.session.in_(ends), y.tenor_months == 120).order_by(y.session))
    assert row["rates_bp"] == pytest.approx(1e4 * (tens["par_yield"].iloc[1] - tens["par_yield"].iloc[0]))
    assert row["sources"]["rates"] == "measured 10-year Treasury"
    assert row["sources"]["iv_change"] == "stated"
    assert row["market"] == row["stated"]["returns"]["market"]


def test_a_replay_before_the_data_takes_what_is_stated_and_leaves_the_rest_unspecified(demo: Workshop) -> None:
    row = shocks(demo).loc[("financial_crisis_2008", "direct")]
    assert {row["sources"][name] for name in ("market", "value", "size", "rates")} == {"stated"}
    assert {row["sources"][name] for name in ("growth", "momentum", "quality", "low_volatility")} == {"unspecified"}
    assert row["market"] == -0.452
    assert row["growth"] == row["momentum"] == 0.0


def test_a_replay_before_the_calendar_is_not_measured(demo: Workshop) -> None:
    crash = Scenario(
        "crash_1929", "Crash of 1929", "historical", "extreme", returns={"market": -0.34}, replay=(date(1929, 9, 3), date(1929, 11, 13))
    )
    with reading(demo.database, demo.calendar) as reader:
        direct = shock_frame(reader, [LAST], [crash], lambda _: [("shipped", crash)]).set_index("mode").loc["direct"]
    assert (direct["market"], direct["sources"]["market"], direct["sources"]["value"]) == (-0.34, "stated", "unspecified")


def test_a_window_that_ends_after_the_session_uses_the_stated_values(demo: Workshop, calendar: SessionCalendar) -> None:
    """On 2022-10-11 the bear market of 2022 has no end yet; on 2022-10-12 it is measured."""
    before, after = date(2022, 10, 11), date(2022, 10, 12)
    for step in (materialize.factor_loadings, materialize.factor_covariance, materialize.scenario_shocks):
        step(demo, [before, after])
    stated, measured = (shocks(demo, day).loc[("rate_bear_2022", "direct")] for day in (before, after))
    assert stated["market"] == -0.245
    assert set(stated["sources"].values()) == {"stated"}
    assert measured["sources"]["market"] == "measured SP500"
    assert measured["market"] == pytest.approx(-0.254, abs=0.001)
    assert calendar.is_session(before)


def test_moves_on_a_session_do_not_depend_on_what_comes_later(demo: Workshop, calendar: SessionCalendar) -> None:
    """KNOWN_DEFECTS 39. Computed alone, long after, or in a batch that goes on: the same bytes."""
    early = risk_sessions(calendar)[1]
    assert materialize.scenario_shocks(demo, [early]).changed == 0
    assert materialize.stress_results(demo, [early]).changed == 0
    assert materialize.risk_metrics(demo, [early]).changed == 0
    assert materialize.pnl_attribution(demo, [early]).changed == 0


def test_adding_a_scenario_makes_results_stale_until_they_are_computed(demo: Workshop, calendar: SessionCalendar) -> None:
    sessions = risk_sessions(calendar)
    extra = Scenario("extra", "Extra", "custom", "mild", shocks={"market": 0.01})
    with demo.database.write() as connection:
        add_scenarios(connection, find_user(connection, OWNER), [extra], sessions[-1])
    stale = stale_rows(demo.database, calendar, demo.provider)
    assert set(stale["table"]) == {"scenario_shocks", "stress_results"}
    assert set(stale["session"].dt.date) == {sessions[-1]}
    run_risk(demo, sessions)
    assert stale_rows(demo.database, calendar, demo.provider).empty
    with demo.database.write() as connection:
        remove_scenario(connection, find_user(connection, OWNER), "extra")
    run_risk(demo, sessions)
    assert "extra" not in results(demo).index.get_level_values("scenario_id")


def test_a_private_asset_follows_the_proxy_that_its_owner_gives(demo: Workshop, calendar: SessionCalendar) -> None:
    sessions = risk_sessions(calendar)
    before = results(demo).loc[(WEALTHY, "market_down_10", "direct")]
    with demo.database.write() as connection:
        book = connection.execute(select(portfolios.c.id).where(portfolios.c.slug == WEALTHY)).scalar_one()
        with pytest.raises(NotFound, match="no private asset"):
            set_proxy(connection, PrivateProxy(book, "YACHT", "QUAL", Decimal(1)))
        with pytest.raises(LedgerRefused, match="--multiple"):
            set_proxy(connection, PrivateProxy(book, "PRIVATE_EQUITY_FUND", "QUAL", Decimal(0)))
        assert set_proxy(connection, PrivateProxy(book, "PRIVATE_EQUITY_FUND", "QUAL", Decimal("1.5")))
        assert not set_proxy(connection, PrivateProxy(book, "PRIVATE_EQUITY_FUND", "QUAL", Decimal("1.5")))
    assert set(stale_rows(demo.database, calendar, demo.provider)["table"]) == {"market_scenarios", "stress_results"}
    run_risk(demo, sessions)
    after = results(demo).loc[(WEALTHY, "market_down_10", "direct")]
    qual = results(demo).loc[(INDIVIDUAL, "market_down_10", "direct")]
    assert after["n_uncovered"] == before["n_uncovered"] - 1
    assert after["uncovered"] == pytest.approx(before["uncovered"] - 301_200)
    assert after["pnl"] - before["pnl"] == pytest.approx(after["pnl_private"])
    assert after["pnl_private"] == pytest.approx(1.5 * 301_200 * move_of(demo, "QUAL"), rel=1e-9)
    assert qual["pnl_private"] == 0.0
    with demo.database.write() as connection:
        remove_proxy(connection, book, "PRIVATE_EQUITY_FUND")
        assert proxies_of(connection, [book]) == []
    run_risk(demo, sessions)
    assert results(demo).loc[(WEALTHY, "market_down_10", "direct")]["pnl"] == before["pnl"]


def move_of(demo: Workshop, symbol: str) -> float:
    """−10 % of the market through a symbol's beta."""
    from sigmasight_assets.store.tables import factor_betas

    b = factor_betas.c
    rows = demo.database.frame(select(b.beta).where(b.session == LAST, b.symbol == symbol, b.factor == "market"))
    return -0.1 * float(rows["beta"].iloc[0])


def test_the_hedge_fund_has_no_private_asset(demo: Workshop) -> None:
    assert results(demo).loc[(HEDGE_FUND, "market_down_10", "direct")]["n_uncovered"] == 0
