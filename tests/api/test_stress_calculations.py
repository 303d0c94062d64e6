"""Stress tests on demand are the stored ones for shipped scenarios; a user's own are added, computed and removed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from sigmasight_api.models.stress_calculations import CreatedScenario, DeletedScenario, StressCalculation
from sigmasight_api.routes.own_scenarios import MOST_OWN
from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.scenarios.shipped import shipped_scenarios
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import activity, ledger_changes
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, ClientFor, logged_in
from tests.api.risk_paths import PREFIX, SLUGS, portfolio_id, url
from tests.dataflow.risk_demo import LAST

STRESS = f"{PREFIX}/risk/stress-testing"
SCENARIOS, COMPREHENSIVE = f"{STRESS}/scenarios", f"{STRESS}/comprehensive"
OWN = {"id": "oil_shock", "name": "Oil shock", "severity": "severe", "shocks": {"market": -0.12, "value": 0.03}, "rates_bp": 40}


def calculated(client: TestClient, body: dict[str, Any], path: str = COMPREHENSIVE) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    StressCalculation.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def stored_items(client: TestClient, email: str) -> dict[tuple[str, str], dict[str, Any]]:
    answer = client.get(url(client, "/risk/stress-testing/results/{portfolio_id}", email), params={"limit": 500})
    return {(item["scenario_id"], item["mode"]): item for item in answer.json()["items"]}


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_shipped_scenarios_give_what_is_stored(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    answer, there = calculated(client, {}), stored_items(client, email)
    assert [(item["scenario_id"], item["mode"]) for item in answer["results"]] == [
        (scenario.id, mode) for scenario in shipped_scenarios() for mode in ("direct", "correlated")
    ]
    for item in answer["results"]:
        assert item == there[item["scenario_id"], item["mode"]], item["scenario_id"]
    assert (answer["meta"]["table"], answer["meta"]["as_of"], answer["meta"]["stale"]) == ("stress_results", str(LAST), False)


def test_one_mode_is_a_part_of_both(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    body = {"scenarios": ["covid_crash_2020", "market_down_10"], "positions": False, "as_of": "2022-12-27"}
    both = calculated(client, body)
    for mode, path in (("direct", "direct-impact"), ("correlated", "correlated-impact")):
        one = calculated(client, body, f"{STRESS}/{path}")
        assert one["session"] == "2022-12-27"
        assert one["results"] == [item for item in both["results"] if item["mode"] == mode]
        assert one["summary"] == [part for part in both["summary"] if part["mode"] == mode]
        assert [item["scenario_id"] for item in one["results"]] == body["scenarios"]
        assert [item["by_position"] for item in one["results"]] == [None, None]


def test_the_summary_is_of_the_results(as_user: ClientFor) -> None:
    answer = calculated(as_user(HEDGE_FUND), {"positions": False})
    for part in answer["summary"]:
        items = [item for item in answer["results"] if item["mode"] == part["mode"]]
        worst, best = (choose(items, key=lambda item: item["pnl"]) for choose in (min, max))
        assert (part["worst_scenario"], part["worst_pnl"], part["worst_share"]) == (worst["scenario_id"], worst["pnl"], worst["pnl_share"])
        assert (part["best_scenario"], part["best_pnl"], part["best_share"]) == (best["scenario_id"], best["pnl"], best["pnl_share"])
        assert (part["n_scenarios"], part["n_losing"]) == (len(items), sum(item["pnl"] < 0.0 for item in items))


def test_a_given_definition_is_computed_as_the_shipped_one_of_the_same_shocks(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    given = {"id": "ten", "name": "Ten", "category": "market", "severity": "moderate", "shocks": {"market": -0.10}}
    answer = calculated(client, {"scenarios": ["market_down_10", given]})
    shipped, inline = answer["results"][:2], answer["results"][2:]
    for one, other in zip(shipped, inline, strict=True):
        assert (one["scope"], other["scope"]) == ("shipped", "inline")
        named = ("scenario_id", "name", "scope")
        assert {k: v for k, v in one.items() if k not in named} == {k: v for k, v in other.items() if k not in named}


def test_an_own_scenario_is_computed_by_the_assets_as_on_demand(own_client: TestClient, tmp_path: Path, calendar: SessionCalendar) -> None:
    mine = logged_in(own_client, HEDGE_FUND)
    answer = mine.post(SCENARIOS, json=OWN)
    assert answer.status_code == 201, answer.text
    created = CreatedScenario.model_validate_json(answer.content)
    assert (created.scope, created.first_session, created.updating.stale_from) == ("own", LAST, LAST)
    assert answer.headers["Location"] == f"{SCENARIOS}/oil_shock"
    (operation,) = mine.get(f"{PREFIX}/operations").json()["items"]
    assert ([operation["id"]], operation["kind"]) == ([str(one) for one in created.updating.operations], "bring_up_to_date")
    assert mine.get(SCENARIOS, params={"scope": "own"}).json()["items"] == [{k: v for k, v in answer.json().items() if k != "updating"}]
    on_demand = calculated(mine, {"scenarios": ["oil_shock"]})["results"]
    assert [item["scope"] for item in on_demand] == ["own", "own"]
    there = mine.get(url(mine, "/risk/stress-testing/results/{portfolio_id}", HEDGE_FUND)).json()
    assert (there["meta"]["stale"], there["page"]["total"]) == (True, 2 * len(shipped_scenarios()))

    database = Database(f"sqlite:///{tmp_path}/sigmasight.db")
    shop = Workshop(database, calendar, SampleProvider(), "test")
    materialize.scenario_shocks(shop, [LAST])
    materialize.stress_results(shop, [LAST])
    database.dispose()
    items = stored_items(mine, HEDGE_FUND)
    for item in on_demand:
        assert item == items["oil_shock", item["mode"]]
    theirs = logged_in(own_client, WEALTHY)
    assert not any(scenario == "oil_shock" for scenario, _ in stored_items(theirs, WEALTHY))


def test_an_own_scenario_is_its_owners_alone(own_client: TestClient) -> None:
    mine, theirs = logged_in(own_client, HEDGE_FUND), logged_in(own_client, WEALTHY)
    assert mine.post(SCENARIOS, json=OWN).status_code == 201
    answer = theirs.post(COMPREHENSIVE, json={"scenarios": ["market_down_10", "oil_shock"]})
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "scenarios", 1])
    assert theirs.delete(f"{SCENARIOS}/oil_shock").status_code == 404
    assert theirs.post(SCENARIOS, json={**OWN, "rates_bp": 10}).status_code == 201
    deleted = mine.delete(f"{SCENARIOS}/oil_shock")
    assert DeletedScenario.model_validate_json(deleted.content).updating.stale_from == LAST
    assert [mine.delete(f"{SCENARIOS}/{name}").status_code for name in ("oil_shock", "market_down_10")] == [404, 404]
    (left,) = theirs.get(SCENARIOS, params={"scope": "own"}).json()["items"]
    assert left["rates_bp"] == 10.0


def test_writes_are_recorded_and_an_id_is_given_once(own_client: TestClient) -> None:
    mine = logged_in(own_client, HEDGE_FUND)
    assert mine.post(SCENARIOS, json={**OWN, "first_session": "2022-12-24"}).json()["first_session"] == "2022-12-27"
    for taken in (OWN, {**OWN, "id": "market_down_10"}):
        answer = mine.post(SCENARIOS, json=taken)
        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")
    assert mine.delete(f"{SCENARIOS}/oil_shock").status_code == 200
    c, a = ledger_changes.c, activity.c
    with own_client.app.state.service.database.read() as connection:
        changes = select(c.facet, c.first_session, c.what).where(c.portfolio_id == portfolio_id(mine, SLUGS[HEDGE_FUND])).order_by(c.id)
        assert connection.execute(changes).all()[-2:] == [
            ("scenarios", date(2022, 12, 27), "scenario oil_shock added"),
            ("scenarios", date(2022, 12, 27), "scenario oil_shock removed"),
        ]
        done = connection.execute(select(a.action, a.resource).where(a.action.like("scenario.%")).order_by(a.id)).all()
    assert done == [("scenario.create", "scenario:oil_shock"), ("scenario.delete", "scenario:oil_shock")]


def test_a_user_has_at_most_a_hundred_scenarios(own_client: TestClient) -> None:
    client = logged_in(own_client, NOBODY)
    answers = [client.post(SCENARIOS, json={**OWN, "id": f"shock_{i}"}) for i in range(MOST_OWN + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {201}
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (409, "too_many")


def test_another_users_book_does_not_exist(as_user: ClientFor) -> None:
    client = as_user(WEALTHY)
    theirs = str(portfolio_id(client, SLUGS[HEDGE_FUND]))
    for path in ("direct-impact", "correlated-impact", "comprehensive"):
        answer = client.post(f"{STRESS}/{path}", json={"portfolio_id": theirs})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert as_user(NOBODY).post(COMPREHENSIVE, json={}).status_code == 404
    early = client.post(COMPREHENSIVE, json={"as_of": "2019-12-30"})
    assert (early.status_code, early.json()["table"]) == (404, "portfolio_snapshots")


@pytest.mark.parametrize(
    ("scenarios", "code"),
    [
        ([], "too_short"),
        (["no_such_scenario"], "unknown_scenario"),
        (["market_down_10", "market_down_10"], "repeated"),
        ([{**OWN, "shocks": {}, "rates_bp": None}], "invalid_scenario"),
        ([{**OWN, "returns": {"market": -0.1}}], "invalid_scenario"),
        ([{**OWN, "replay": ["2022-06-01", "2022-01-03"]}], "invalid_scenario"),
        ([{**OWN, "shocks": {"oil": -0.5}}], "literal_error"),
        ([{**OWN, "shocks": {"market": -1.0}}], "greater_than"),
        ([{**OWN, "severity": "awful"}], "literal_error"),
        ([{**OWN, "id": "Oil"}], "string_pattern_mismatch"),
    ],
)
def test_a_scenario_that_cannot_be_used_is_refused_by_place(as_user: ClientFor, scenarios: list[Any], code: str) -> None:
    client = as_user(HEDGE_FUND)
    answer = client.post(COMPREHENSIVE, json={"scenarios": scenarios})
    assert answer.status_code == 422
    assert code in {fault["code"] for fault in answer.json()["errors"]}
    assert all(fault["loc"][:2] == ["body", "scenarios"] for fault in answer.json()["errors"])
    if scenarios and isinstance(scenarios[0], dict):
        refused = client.post(SCENARIOS, json=scenarios[0])
        assert (refused.status_code, code in {fault["code"] for fault in refused.json()["errors"]}) == (422, True)
