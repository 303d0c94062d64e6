"""What is computed on demand is what is stored, for the same inputs; other inputs give other numbers; bad ones are refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from sigmasight_api.access import to_json
from sigmasight_api.models import calculations as models
from sigmasight_assets.store.tables import factor_returns, option_greeks, position_values
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, ClientFor
from tests.api.risk_paths import PREFIX, SLUGS, portfolio_id, stored, url
from tests.dataflow.risk_demo import LAST

GREEKS, FACTOR_MATRIX = f"{PREFIX}/risk/greeks/calculate", f"{PREFIX}/risk/correlations/factors/calculate"
CORRELATIONS, FACTORS = f"{PREFIX}/risk/correlations/positions/calculate", f"{PREFIX}/factors/calculate"
POSITION = ("notional_exposure", "delta_dollars", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct")
SERIES = {"contracts": [{"symbol": "AAPL230120C00125000"}]}


def calculated(client: TestClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def without_meta(document: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in document.items() if name != "meta"}


def test_series_are_priced_as_they_are_stored_and_positions_are_those_of_the_lots(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    lots = [lot for lot in stored(client, position_values, HEDGE_FUND) if lot["asset_class"] == "option" and lot["event"] is None]
    with client.app.state.service.database.read() as connection:
        rows = connection.execute(select(option_greeks).where(option_greeks.c.session == LAST)).mappings()
        series = {row["symbol"]: orjson.loads(to_json({str(name): cell for name, cell in row.items()})) for row in rows}
    body = {"contracts": [{"symbol": lot["symbol"], "quantity": float(lot["quantity"])} for lot in lots]}
    answer = calculated(client, GREEKS, body)
    models.CalculatedGreeks.model_validate(answer)
    assert len(lots) > 5 and len(answer["contracts"]) == len(lots)
    for item, lot in zip(answer["contracts"], lots, strict=True):
        row = series[lot["symbol"]]
        for name in row.keys() - {"session"}:
            assert item[name] == row[name], (lot["symbol"], name)
        for name in POSITION:
            assert item["position"][name] == lot[name], (lot["symbol"], name)
        assert item["position"]["market_value"] == pytest.approx(float(lot["market_value"]), rel=1e-12)
    for name in POSITION:
        assert answer["totals"][name] == pytest.approx(math.fsum(lot[name] for lot in lots), rel=1e-12)
    assert (answer["meta"]["status"], answer["meta"]["coverage"], answer["meta"]["table"]) == ("ok", 1.0, "option_greeks")


def test_a_series_that_nobody_holds_is_priced_and_one_without_a_price_says_why(as_user: ClientFor) -> None:
    body = {"contracts": [{"symbol": "AAPL 230317P00120000", "quantity": -3}, {"symbol": "ZZZZ230120C00125000"}]}
    answer = calculated(as_user(NOBODY), GREEKS, body)
    models.CalculatedGreeks.model_validate(answer)
    priced, unknown = answer["contracts"]
    assert (priced["symbol"], priced["status"], priced["position"]["quantity"]) == ("AAPL230317P00120000", "ok", -3.0)
    assert -1.0 < priced["delta"] < 0.0 < priced["position"]["delta_dollars"]
    assert (unknown["status"], unknown["reason"], unknown["delta"]) == ("unavailable", "no_spot", None)
    assert (answer["totals"]["delta_dollars"], answer["meta"]["status"], answer["meta"]["coverage"]) == (None, "partial", 0.5)


def test_the_factors_over_the_stored_window_are_the_stored_ones(as_user: ClientFor) -> None:
    client = as_user(NOBODY)
    answer = calculated(client, FACTOR_MATRIX, {})
    models.CalculatedFactorMatrix.model_validate(answer)
    assert answer.pop("window") == 252
    assert without_meta(answer) == without_meta(client.get(f"{PREFIX}/risk/correlations/factors/matrix").json())


def test_the_factors_over_another_window_are_correlated_as_numpy_does(as_user: ClientFor) -> None:
    client, n = as_user(NOBODY), 100
    f = factor_returns.c
    query = select(f.session, f.series, f.value).where(f.kind == "factor", f.session <= LAST)
    returns = client.app.state.service.database.frame(query).pivot(index="session", columns="series", values="value").tail(n)
    answer = calculated(client, FACTOR_MATRIX, {"window": n})
    expected = np.corrcoef(returns["market"], returns["value"])[0, 1]
    assert answer["n_obs"] == n
    assert answer["etf_returns"][0]["correlations"]["value"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_correlations_by_the_stored_parameters_are_the_stored_ones(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    answer = calculated(client, CORRELATIONS, {})
    models.CalculatedCorrelations.model_validate(answer)
    assert (answer["filters"], answer["min_common"], answer["cluster_at"]) == ({"least_share": 0.01, "least_dollars": 10_000.0}, 30, 0.7)
    assert [view["view"] for view in answer["views"]] == ["portfolio", "longs", "shorts"]
    for view in answer["views"]:
        metrics, matrix = (
            client.get(f"{PREFIX}/risk/correlations/positions/{what}", params={"view": view["view"]}).json()
            for what in ("metrics", "matrix")
        )
        assert view["names"] == matrix["names"]
        shared = view.keys() & metrics.keys() - {"names"}
        assert {"average_correlation", "clusters", "concentration", "coverage", "window"} <= shared
        assert {name: view[name] for name in shared} == {name: metrics[name] for name in shared}


def test_a_size_alone_keeps_the_names_that_reach_it(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    (all_names,) = calculated(client, CORRELATIONS, {"view": "longs"})["views"]
    answer = calculated(client, CORRELATIONS, {"view": "longs", "least_dollars": 400_000, "window": 40, "cluster_at": 0.99})
    (view,) = answer["views"]
    assert answer["filters"] == {"least_share": None, "least_dollars": 400_000.0}
    kept = [one["name"] for one in view["names"]]
    assert kept == [one["name"] for one in all_names["names"] if abs(one["delta_dollars"]) >= 400_000.0]
    assert 1 < len(kept) < len(all_names["names"])
    assert (view["window"], view["n_obs"], view["n_clusters"]) == (40, 40, 0)


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_factor_exposures_are_the_stored_ones(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    answer = calculated(client, FACTORS, {})
    models.CalculatedFactors.model_validate(answer)
    there = client.get(url(client, "/factors/exposures/{portfolio_id}", email)).json()
    assert {name: answer[name] for name in ("session", "book", "factors")} == {name: there[name] for name in ("session", "book", "factors")}
    lots = client.get(url(client, "/factors/exposures/{portfolio_id}/positions", email), params={"limit": 500}).json()["items"]
    assert answer["positions"] == lots
    assert {name: answer["meta"][name] for name in ("status", "reason", "coverage", "code_version")} == {
        name: there["meta"][name] for name in ("status", "reason", "coverage", "code_version")
    }


@pytest.mark.parametrize(("path", "table"), [(CORRELATIONS, "position_values"), (FACTORS, "position_values"), (GREEKS, "prices")])
def test_a_session_that_has_no_inputs_is_said_to_have_none(as_user: ClientFor, path: str, table: str) -> None:
    body = {**(SERIES if path == GREEKS else {}), "as_of": "2019-12-30"}
    answer = as_user(HEDGE_FUND).post(path, json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["table"]) == (404, "not_materialized", table)


@pytest.mark.parametrize("path", [CORRELATIONS, FACTORS])
def test_another_users_book_does_not_exist(as_user: ClientFor, path: str) -> None:
    client = as_user(WEALTHY)
    for theirs in (portfolio_id(client, SLUGS[HEDGE_FUND]), "00000000-0000-0000-0000-000000000000"):
        answer = client.post(path, json={"portfolio_id": str(theirs)})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert as_user(NOBODY).post(path, json={}).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (GREEKS, {"contracts": []}, ["body", "contracts"]),
        (GREEKS, {"contracts": [{"symbol": "AAPL"}]}, ["body", "contracts", 0, "symbol"]),
        (GREEKS, {"contracts": [*SERIES["contracts"], {"symbol": "AAPL221216C00125000"}]}, ["body", "contracts", 1, "symbol"]),
        (GREEKS, {"contracts": [{"symbol": "AAPL230120C00125000", "quantity": "many"}]}, ["body", "contracts", 0, "quantity"]),
        (GREEKS, {"contracts": SERIES["contracts"] * 201}, ["body", "contracts"]),
        (GREEKS, {**SERIES, "spot": 100}, ["body", "spot"]),
        (FACTOR_MATRIX, {"window": 59}, ["body", "window"]),
        (CORRELATIONS, {"view": "both"}, ["body", "view"]),
        (CORRELATIONS, {"window": 20}, ["body", "min_common"]),
        (CORRELATIONS, {"least_share": 0}, ["body", "least_share"]),
        (FACTORS, {"portfolio_id": "mine"}, ["body", "portfolio_id"]),
        (FACTORS, {"as_of": "yesterday"}, ["body", "as_of"]),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_name(as_user: ClientFor, path: str, body: dict[str, Any], place: list[str | int]) -> None:
    answer = as_user(HEDGE_FUND).post(path, json=body)
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["errors"]] == [place]
