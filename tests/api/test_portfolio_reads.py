"""Portfolios and their series: what the tables hold, what reports say, and nobody else's."""

from __future__ import annotations

import math
import uuid
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Table, select

from sigmasight_api.answer_cache import AnswerCache
from sigmasight_api.models import portfolios as models
from sigmasight_api.models.base import AnalyticCollection, Collection
from sigmasight_api.provenance import ProvenanceShelf
from sigmasight_api.service import Service
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.json_writer import document
from sigmasight_assets.store.tables import pnl_attribution, portfolio_snapshots, risk_metrics
from tests.api.conftest import HEDGE_FUND, INDIVIDUAL, NOBODY, WEALTHY, ClientFor
from tests.support.counted_queries import counted_queries

OWN = uuid.UUID("c1af1b52-35bf-559e-9811-fdbe0382874b")
LAST = date(2022, 12, 28)
READS = {
    "/portfolio": models.PortfolioSummary,
    "/portfolio/exposures": AnalyticCollection[models.Exposures],
    "/portfolio/performance": models.Performance,
    "/portfolio/attribution": models.Attribution,
    "/portfolios": Collection[models.ListedPortfolio],
    f"/portfolios/{OWN}": models.PortfolioDocument,
    f"/portfolios/{OWN}/flows": Collection[models.Flow],
    f"/portfolios/{OWN}/appraisals": Collection[models.Appraisal],
}


def read(client: TestClient, path: str, **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def stored(client: TestClient, table: Table, portfolio_id: uuid.UUID = OWN) -> list[dict[str, Any]]:
    """The rows of a portfolio, in order of session."""
    with client.app.state.service.database.read() as connection:
        query = select(table).where(table.c.portfolio_id == portfolio_id).order_by(table.c.session)
        return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]


def plain(value: Any) -> Any:
    return str(value) if isinstance(value, (date, uuid.UUID)) else value


@pytest.mark.parametrize("path", READS)
def test_the_answer_is_as_the_document_says(as_user: ClientFor, path: str) -> None:
    READS[path].model_validate(read(as_user(HEDGE_FUND), path))


def forget(service: Service) -> None:
    """Nothing is kept from requests before, as after a commit."""
    service.provenance, service.answers = ProvenanceShelf(service.database), AnswerCache(1_000_000)


@pytest.mark.parametrize("path", READS)
def test_a_read_is_three_queries_at_most(as_user: ClientFor, path: str) -> None:
    client = as_user(HEDGE_FUND)
    service = client.app.state.service
    forget(service)
    with counted_queries(service.database) as seen:
        read(client, path)
    assert 1 <= len(seen) <= 3, seen


def test_the_summary_is_the_row_of_the_table(as_user: ClientFor) -> None:
    answer = read(as_user(HEDGE_FUND), "/portfolio")
    row = stored(as_user(HEDGE_FUND), portfolio_snapshots)[-1]
    assert {name: answer[name] for name in row} == {name: plain(value) for name, value in row.items()}
    assert (answer["slug"], answer["cash_balance"]) == ("long-short-equity-hedge-fund-style", 631600)


def test_table_report_and_answer_show_one_value(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    report = document(collect(client.app.state.service.database, OWN, LAST))["groups"]
    summary, performance = read(client, "/portfolio"), read(client, "/portfolio/performance")
    attribution = read(client, "/portfolio/attribution")["items"][0]
    shown = {"portfolio_snapshots": summary, "exposures": summary, "risk_metrics": performance, "pnl_attribution": attribution}
    pairs = [(answer[name], value) for group, answer in shown.items() for name, value in report[group]["metrics"].items() if name in answer]
    pairs += [
        (point[name], value)
        for point, row in zip(performance["series"]["items"], report["pnl_history"]["tables"]["history"], strict=False)
        for name, value in row.items()
        if name in point
    ]
    assert len(pairs) > 60
    assert all(answered == reported for answered, reported in pairs)


def test_exposures_are_the_snapshots_newest_first(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    rows = stored(client, portfolio_snapshots)
    items = read(client, "/portfolio/exposures", limit=500)["items"]
    assert [item["session"] for item in items] == [str(row["session"]) for row in rows[::-1]]
    for item, row in zip(items, rows[::-1], strict=True):
        assert item == {name: plain(row[name]) for name in item}
        for family in ("market_value", "notional", "delta"):
            assert item[f"{family}_long"] + item[f"{family}_short"] == item[f"{family}_net"]


def test_a_page_of_a_range_is_a_slice_of_it(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    sessions = [str(row["session"]) for row in stored(client, portfolio_snapshots)]
    for path, place in (("/portfolio/exposures", None), ("/portfolio/performance", "series"), ("/portfolio/attribution", None)):
        answer = read(client, path, **{"from": sessions[1], "to": sessions[3], "sort": "session", "limit": 1, "offset": 1})
        part = answer[place] if place else answer
        assert [item["session"] for item in part["items"]] == [sessions[2]]
        assert part["page"] == {"limit": 1, "offset": 1, "total": 3}
        assert answer["meta"]["as_of"] == sessions[3]
    past = read(client, "/portfolio/exposures", offset=9999)
    assert (past["items"], past["page"]["total"]) == ([], len(sessions))


def test_performance_is_of_the_last_session_of_the_range(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    snapshots, metrics = stored(client, portfolio_snapshots), stored(client, risk_metrics)
    answer = read(client, "/portfolio/performance", to=str(snapshots[-2]["session"]), limit=500)
    for name in models.DAY:
        assert answer[name] == plain(snapshots[-2][name])
    for name in (*models.RATIOS, "missing"):
        assert answer[name] == plain(metrics[-2][name])
    assert [point["nav"] for point in answer["series"]["items"]] == [row["nav"] for row in snapshots[-2::-1]]


def test_attribution_adds_up_twice_on_every_session_and_over_the_range(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    rows = stored(client, pnl_attribution)
    answer = read(client, "/portfolio/attribution", **{"from": "2022-01-01", "limit": 500})
    for item, row in zip(answer["items"], rows[::-1], strict=True):
        assert item == {name: plain(row[name]) for name in item}
    totals = answer["totals"]
    for item in [*answer["items"], totals]:
        by_greeks, by_factor = ([item[name] or 0.0 for name in names] for names in (models.EXPLAINED, models.BY_FACTOR))
        rounding = 1e-9 * max(1.0, math.fsum(map(abs, by_factor)))
        assert math.fsum(by_greeks) == pytest.approx(item["pnl"], abs=rounding)
        assert math.fsum(by_factor) == pytest.approx(item["pnl"], abs=rounding)
    assert totals["factor_market"] == math.fsum(row["factor_market"] for row in rows)
    without_yields = [row for row in rows if row["factor_rates_surprise"] is None]
    assert totals["n_unknown"] == len(without_yields) > 0
    assert (totals["n_sessions"], totals["first_session"]) == (len(rows), str(rows[0]["session"]))


def test_attribution_without_a_range_is_of_the_last_session(as_user: ClientFor) -> None:
    answer = read(as_user(HEDGE_FUND), "/portfolio/attribution", as_of="2022-12-27")
    assert [item["session"] for item in answer["items"]] == ["2022-12-27"]
    assert answer["totals"]["pnl"] == answer["items"][0]["pnl"]


@pytest.mark.parametrize("path", ["/portfolio", "/portfolio/exposures", "/portfolio/performance", "/portfolio/attribution"])
def test_what_is_not_computed_is_named(as_user: ClientFor, path: str) -> None:
    answer = as_user(HEDGE_FUND).get(f"/api/v1{path}", params={"as_of": "2021-06-01"})
    assert answer.status_code == 404
    assert (answer.json()["code"], answer.json()["session"]) == ("not_materialized", "2021-06-01")


def test_a_range_that_ends_before_it_begins_is_refused(as_user: ClientFor) -> None:
    answer = as_user(HEDGE_FUND).get("/api/v1/portfolio/exposures", params={"from": "2022-12-28", "to": "2022-12-01"})
    assert answer.status_code == 422
    assert "from on or before to" in answer.json()["detail"]


def test_a_user_sees_their_own_portfolios_alone(as_user: ClientFor) -> None:
    items = read(as_user(HEDGE_FUND), "/portfolios")["items"]
    row = stored(as_user(HEDGE_FUND), portfolio_snapshots)[-1]
    assert [item["id"] for item in items] == [str(OWN)]
    assert (items[0]["nav"], items[0]["session"], items[0]["n_lots"]) == (row["nav"], "2022-12-28", 32)
    assert read(as_user(NOBODY), "/portfolios") == {"items": [], "page": {"limit": 50, "offset": 0, "total": 0}, "meta": {}}


@pytest.mark.parametrize("email", [INDIVIDUAL, NOBODY])
@pytest.mark.parametrize("path", [path for path in READS if path != "/portfolios"])
def test_another_users_portfolio_does_not_exist(as_user: ClientFor, email: str, path: str) -> None:
    parameters = {} if str(OWN) in path else {"portfolio_id": str(OWN)}
    assert as_user(email).get(f"/api/v1{path}", params=parameters).status_code == 404


def test_marks_are_given_last_first(as_user: ClientFor) -> None:
    wealthy = read(as_user(WEALTHY), "/portfolios")["items"][0]["id"]
    items = read(as_user(WEALTHY), f"/portfolios/{wealthy}/appraisals")["items"]
    assert (items[0]["symbol"], items[0]["date"], items[0]["price_per_unit"]) == ("CRYPTO_WALLET", "2022-12-01", 15100)
    assert len(items) == 5
