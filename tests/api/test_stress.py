"""Scenarios are those of the file and the ledger; stress results are the rows of the table, taken apart by name."""

from __future__ import annotations

from datetime import date

import pytest
from fastapi.testclient import TestClient

from sigmasight_assets.calculations.packing import positions_key
from sigmasight_assets.ledger.accounts import find_user
from sigmasight_assets.ledger.user_scenarios import add_scenarios
from sigmasight_assets.scenarios.definition import Scenario
from sigmasight_assets.scenarios.shipped import shipped_scenarios
from sigmasight_assets.store.tables import stress_results
from sigmasight_assets.store.tables.risk import ASSET_CLASSES, PNL_TERMS
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, ClientFor, logged_in
from tests.api.risk_paths import PREFIX, report_groups, stored, url

SCENARIOS, RESULTS = f"{PREFIX}/risk/stress-testing/scenarios", "/risk/stress-testing/results/{portfolio_id}"
OWN = Scenario("oil_shock", "Oil shock", "custom", "severe", shocks={"market": -0.12}, rates_bp=40.0)


def test_shipped_scenarios_are_those_of_the_file(as_user: ClientFor) -> None:
    answer = as_user(NOBODY).get(SCENARIOS, params={"scope": "shipped"}).json()
    assert [one["id"] for one in answer["items"]] == [scenario.id for scenario in shipped_scenarios()]
    for one, scenario in zip(answer["items"], shipped_scenarios(), strict=True):
        assert (one["scope"], one["shocks"], one["rates_bp"], one["iv_change"]) == (
            "shipped",
            dict(scenario.shocks),
            scenario.rates_bp,
            scenario.iv_change,
        )
    bands = {band["band"]: (band["lower"], band["upper"]) for band in answer["severity_bands"]}
    assert bands == {"mild": (0.0, 0.05), "moderate": (0.05, 0.15), "severe": (0.15, 0.35), "extreme": (0.35, None)}


def test_a_users_own_scenarios_are_theirs_alone(own_client: TestClient) -> None:
    mine, theirs = logged_in(own_client, HEDGE_FUND), logged_in(own_client, WEALTHY)
    with own_client.app.state.service.database.write() as connection:
        add_scenarios(connection, find_user(connection, HEDGE_FUND), [OWN], date(2022, 12, 28))
    (own,) = mine.get(SCENARIOS, params={"scope": "own"}).json()["items"]
    assert (own["id"], own["scope"], own["shocks"], own["first_session"]) == ("oil_shock", "own", {"market": -0.12}, "2022-12-28")
    assert mine.get(SCENARIOS).json()["page"]["total"] == len(shipped_scenarios()) + 1
    assert theirs.get(SCENARIOS, params={"scope": "own"}).json()["items"] == []
    assert "oil_shock" not in theirs.get(SCENARIOS).text


def test_scenarios_are_filtered_and_paged(as_user: ClientFor) -> None:
    answer = as_user(NOBODY).get(SCENARIOS, params={"category": "historical", "severity": "extreme", "limit": 2, "offset": 2}).json()
    assert (answer["page"]["total"], [one["id"] for one in answer["items"]]) == (3, ["dotcom_crash_2000"])


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_results_are_the_rows_of_the_table(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    items = client.get(url(client, RESULTS, email), params={"limit": 500}).json()["items"]
    rows = {(row["scenario_id"], row["mode"]): row for row in stored(client, stress_results, email)}
    assert [(item["scenario_id"], item["mode"]) for item in items] == sorted(rows)
    assert len(items) == 2 * len(shipped_scenarios())
    for item in items:
        row = rows[item["scenario_id"], item["mode"]]
        assert {name: item[name] for name in row if name in item} == {name: row[name] for name in row if name in item}
        assert item["by_factor"] == [{"name": name, "pnl": row[f"pnl_{name}"]} for name in PNL_TERMS]
        assert item["by_asset_class"] == [{"name": name, "pnl": row[f"pnl_{name}"]} for name in ASSET_CLASSES]
        packed = [None if value != value else value for value in row["position_pnl"]]
        assert [one["pnl"] for one in item["by_position"]] == packed


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_the_parts_of_a_gain_add_up(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    for item in client.get(url(client, RESULTS, email), params={"limit": 500}).json()["items"]:
        for parts in ("by_factor", "by_asset_class", "by_position"):
            known = [one["pnl"] for one in item[parts] if one["pnl"] is not None]
            assert sum(known) == pytest.approx(item["pnl"], rel=1e-9, abs=1e-6), (item["scenario_id"], item["mode"], parts)


def test_positions_are_named_by_the_lots_that_the_gains_are_of(as_user: ClientFor) -> None:
    from uuid import UUID

    client = as_user(HEDGE_FUND)
    (item,) = client.get(url(client, RESULTS, HEDGE_FUND), params={"scenario_id": "market_down_10", "mode": "direct"}).json()["items"]
    (row,) = stored(client, stress_results, HEDGE_FUND, scenario_id="market_down_10", mode="direct")
    assert positions_key([UUID(one["lot_id"]) for one in item["by_position"]]) == row["positions_key"]
    market = next(move for move in item["moves"]["factors"] if move["factor"] == "market")
    assert (market["move"], market["deviation"]) == (-0.10, None)
    assert item["moves"]["sources"]["market"] == "stated"
    assert item["moves"]["stated"] == {"shocks": {"market": -0.1}}


def test_results_are_those_of_the_report(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    shown = report_groups(client, HEDGE_FUND)["stress_results"]["tables"]["scenarios"]
    items = client.get(url(client, RESULTS, HEDGE_FUND), params={"limit": 500}).json()["items"]
    by_mode = {(item["scenario_id"], item["mode"]): item for item in items}
    for row in shown:
        direct, correlated = by_mode[row["scenario_id"], "direct"], by_mode[row["scenario_id"], "correlated"]
        assert (row["direct"], row["direct_share"], row["impact_band"]) == (direct["pnl"], direct["pnl_share"], direct["impact_band"])
        assert (row["correlated"], row["deviation"]) == (correlated["pnl"], correlated["pnl_deviation"])
    worst = client.get(url(client, RESULTS, HEDGE_FUND), params={"mode": "direct", "sort": "pnl", "limit": 1, "positions": False}).json()
    assert worst["items"][0]["scenario_id"] == shown[0]["scenario_id"]
    assert worst["items"][0]["by_position"] is None
    assert worst["page"] == {"limit": 1, "offset": 0, "total": 19}


def test_a_correlated_move_has_its_deviation(as_user: ClientFor) -> None:
    client = as_user(WEALTHY)
    (item,) = client.get(url(client, RESULTS, WEALTHY), params={"scenario_id": "rates_up_100bp", "mode": "correlated"}).json()["items"]
    deviations = {move["factor"]: move["deviation"] for move in item["moves"]["factors"]}
    assert all(value > 0.0 for name, value in deviations.items() if name != "rates_surprise")
    assert item["moves"]["rates_bp"] == pytest.approx(100.0)
