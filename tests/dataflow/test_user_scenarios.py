"""Users' own scenarios on the demonstration books."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.ledger.accounts import find_user
from sigmasight_assets.ledger.user_scenarios import add_scenarios, remove_scenario, user_scenarios_of
from sigmasight_assets.scenarios.definition import Scenario
from sigmasight_assets.scenarios.parse import parse_file
from sigmasight_assets.sessions import SessionCalendar
from tests.dataflow.risk_demo import INDIVIDUAL, LAST, computed_demo, results, risk_sessions, shocks
from tests.support.books import run_risk

OWNER = "demo_individual@sigmasight.com"
MINE = b"""
scenarios:
  - {id: nothing, name: Nothing happens, category: custom, severity: mild, shocks: {market: 0.0}, rates_bp: 0, iv_change: 0.0}
  - {id: volatility_only, name: Volatility alone, category: custom, severity: mild, iv_change: 0.5}
  - id: everything
    name: All eight stated
    category: custom
    severity: severe
    shocks: {market: -0.1, value: 0.02, growth: -0.03, momentum: 0.01, quality: 0.02, size: -0.04, low_volatility: 0.03}
    rates_bp: 40
  - {id: growth_fund, name: A growth fund falls, category: custom, severity: mild, returns: {growth: -0.2}}
"""


def own_scenarios() -> tuple[Scenario, ...]:
    return parse_file(MINE, "mine.yaml").scenarios


@pytest.fixture(scope="module")
def demo(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Iterator[Workshop]:
    """The demo's books, and the individual investor's own scenarios from the last but one session on."""
    shop = computed_demo(sqlite_template, tmp_path_factory.mktemp("own"), calendar)
    with shop.database.write() as connection:
        add_scenarios(connection, find_user(connection, OWNER), own_scenarios(), risk_sessions(calendar)[-2])
    run_risk(shop, risk_sessions(calendar))
    yield shop
    shop.database.dispose()


def test_zero_shock_is_exactly_zero(demo: Workshop) -> None:
    for mode in ("direct", "correlated"):
        row = results(demo).loc[(INDIVIDUAL, "nothing", mode)]
        assert (row["pnl"], row["pnl_linear"]) == (0.0, 0.0)
        assert np.all(row["position_pnl"] == 0.0)
        assert row["mahalanobis"] == 0.0


def test_stating_all_eight_variables_makes_correlated_equal_direct(demo: Workshop) -> None:
    direct, correlated = (shocks(demo).loc[("everything", mode)] for mode in ("direct", "correlated"))
    names = [*FACTORS, "rates_surprise", "rates_bp"]
    np.testing.assert_allclose(correlated[names].to_numpy(dtype=float), direct[names].to_numpy(dtype=float), rtol=1e-9, atol=1e-12)
    rows = results(demo).loc[INDIVIDUAL].loc["everything"]
    assert rows["pnl"].iloc[0] == pytest.approx(rows["pnl"].iloc[1], rel=1e-9)
    assert rows.loc["correlated", "pnl_deviation"] == pytest.approx(0.0, abs=1e-3)


def test_volatility_alone_moves_no_factor_and_no_share(demo: Workshop) -> None:
    row = shocks(demo).loc[("volatility_only", "correlated")]
    assert row[list(FACTORS)].to_numpy(dtype=float).tolist() == [0.0] * 7
    assert results(demo).loc[(INDIVIDUAL, "volatility_only", "direct")]["pnl"] == 0.0


def test_a_total_return_alone_is_a_fact_about_three_factors(demo: Workshop) -> None:
    """Direct: the growth factor alone. Correlated: the fund falls as far, most of it by the market, as it usually does."""
    direct, correlated = (shocks(demo).loc[("growth_fund", mode)] for mode in ("direct", "correlated"))
    assert direct["growth"] == pytest.approx(-0.2)
    assert direct["market"] == 0.0
    assert correlated["market"] < -0.1


def test_a_users_scenarios_are_the_users_alone_and_from_their_first_session_on(demo: Workshop, calendar: SessionCalendar) -> None:
    sessions = risk_sessions(calendar)
    for day, expected in ((sessions[-3], 0), (sessions[-2], 4), (sessions[-1], 4)):
        names = results(demo, day).reset_index()
        mine = names[names["scenario_id"].isin([one.id for one in own_scenarios()]) & (names["mode"] == "direct")]
        assert len(mine) == expected
        assert set(mine["slug"]) <= {INDIVIDUAL}


def test_the_same_file_twice_changes_nothing_and_another_definition_is_refused(demo: Workshop) -> None:
    with demo.database.write() as connection:
        owner = find_user(connection, OWNER)
        again = add_scenarios(connection, owner, own_scenarios(), LAST)
        assert (again.added, again.changed, len(again.unchanged)) == ((), (), 4)
        other = Scenario("nothing", "Something", "custom", "mild", shocks={"market": 0.5})
        with pytest.raises(LedgerRefused, match="--replace"):
            add_scenarios(connection, owner, [other], LAST)
        with pytest.raises(LedgerRefused, match="shipped"):
            add_scenarios(connection, owner, [Scenario("market_up_10", "Mine", "custom", "mild", iv_change=0.1)], LAST)
        with pytest.raises(NotFound, match="own scenarios: everything"):
            remove_scenario(connection, owner, "no_such")
        assert len(user_scenarios_of(connection, owner)) == 4
