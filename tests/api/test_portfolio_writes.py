"""Portfolios are made, changed and deleted: exactly, recorded, and by their owners alone."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from sigmasight_api.models import portfolios as models
from sigmasight_assets.ledger.changes import INCEPTION
from sigmasight_assets.store.tables import METADATA, activity, ledger_changes, lots, portfolio_reports, portfolio_snapshots, portfolios
from tests.api.conftest import HEDGE_FUND, INDIVIDUAL, ClientFor, logged_in
from tests.api.test_portfolio_reads import OWN

PORTFOLIOS = "/api/v1/portfolios"


def rows(client: TestClient, query: Any) -> list[Any]:
    with client.app.state.service.database.read() as connection:
        return list(connection.execute(query).all())


def test_a_new_portfolio_is_there_at_once_and_its_cash_is_exact(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    body = '{"name": "Second book", "cash_balance": 100000.123456789012, "cash_as_of": "2022-12-28"}'
    answer = client.post(PORTFOLIOS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    models.ChangedPortfolio.model_validate(answer.json())
    made = uuid.UUID(answer.json()["portfolio"]["id"])
    assert answer.json()["stale_from"] == "2022-01-03"
    assert answer.headers["location"] == f"{PORTFOLIOS}/{made}"
    stored = rows(client, select(portfolios.c.cash_balance).where(portfolios.c.id == made))
    assert stored == [(Decimal("100000.123456789012"),)]
    assert rows(client, select(ledger_changes.c.first_session).where(ledger_changes.c.portfolio_id == made)) == [(INCEPTION,)]
    noted = rows(client, select(activity.c.action, activity.c.resource).where(activity.c.action == "portfolio.create"))
    assert noted == [("portfolio.create", f"portfolio:{made}")]
    assert [item["id"] for item in client.get(PORTFOLIOS).json()["items"]] == [str(OWN), str(made)]
    missing = client.get("/api/v1/portfolio", params={"portfolio_id": str(made)})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_materialized")
    assert client.get("/api/v1/positions", params={"portfolio_id": str(made)}).json()["items"] == []
    assert client.get("/api/v1/portfolio").json()["code"] == "portfolio_ambiguous"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "EUR"}, "currency"),
        ({"cash_balance": "1e5"}, "cash_balance"),
        ({"cash_balance": "1,000"}, "cash_balance"),
        ({"cash_balance": True}, "cash_balance"),
        ({"cash_balance": "0.1234567890123"}, "cash_balance"),
        ({"cash_balance": "1" * 16}, "cash_balance"),
        ({"cash_as_of": "28/12/2022"}, "cash_as_of"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"owner_id": str(uuid.uuid4())}, "owner_id"),
    ],
)
def test_what_cannot_be_a_portfolio_is_refused_by_field(as_user: ClientFor, change: dict[str, Any], field: str) -> None:
    client = as_user(HEDGE_FUND)
    answer = client.post(PORTFOLIOS, json={"name": "Second", "cash_balance": 0, "cash_as_of": "2022-12-28"} | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", field]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1E-400", "-1e60"])
def test_numbers_that_no_ledger_keeps_are_refused(as_user: ClientFor, number: str) -> None:
    client = as_user(HEDGE_FUND)
    body = f'{{"name": "Second", "cash_balance": {number}, "cash_as_of": "2022-12-28"}}'
    assert client.post(PORTFOLIOS, content=body, headers={"Content-Type": "application/json"}).status_code == 422


def test_cash_after_the_last_prices_and_a_name_that_is_taken_are_refused(as_user: ClientFor) -> None:
    client = as_user(INDIVIDUAL)
    late = client.post(PORTFOLIOS, json={"name": "Second", "cash_balance": 0, "cash_as_of": "2023-01-03"})
    assert (late.status_code, late.json()["code"]) == (422, "refused")
    assert "2022-12-28" in late.json()["detail"]
    name = "Long/Short Equity Hedge Fund Style"  # its slug is somebody else's
    taken = client.post(PORTFOLIOS, json={"name": name, "cash_balance": 0, "cash_as_of": "2022-12-28"})
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")


def test_restated_cash_makes_every_number_old_and_a_name_none(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    path = f"{PORTFOLIOS}/{OWN}"
    named = client.patch(path, json={"name": "Renamed"})
    assert (named.status_code, named.json()["portfolio"]["name"], named.json()["stale_from"]) == (200, "Renamed", None)
    assert not client.get("/api/v1/portfolio").json()["meta"]["stale"]
    restated = client.patch(path, json={"cash_balance": "700000.10"})
    assert restated.json()["stale_from"] == "2022-01-03"
    assert restated.json()["portfolio"]["cash_as_of"] == "2022-12-28"
    summary = client.get("/api/v1/portfolio").json()
    assert (summary["cash_balance"], summary["name"], summary["meta"]["stale"]) == (700000.1, "Renamed", True)
    assert summary["meta"]["stale_reason"]["input"] == "ledger.book"
    same = client.patch(path, json={"cash_balance": 700000.1})
    assert same.json()["stale_from"] is None
    assert client.patch(path, json={"cash_balance": None}).json()["errors"][0]["loc"] == ["body", "cash_balance"]


def test_the_second_of_two_writers_is_told(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    path = f"{PORTFOLIOS}/{OWN}"
    tag = client.get(path).headers["etag"]
    first = client.patch(path, json={"name": "First"}, headers={"If-Match": tag})
    second = client.patch(path, json={"name": "Second"}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 412, "changed")
    assert client.patch(path, json={"name": "Third"}, headers={"If-Match": first.headers["etag"]}).status_code == 200
    assert client.delete(path, headers={"If-Match": tag}).status_code == 412
    assert client.get(path).json()["name"] == "Third"


def test_of_a_deleted_portfolio_nothing_is_left(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    lot_ids = [lot for (lot,) in rows(client, select(lots.c.id).where(lots.c.portfolio_id == OWN))]
    others = rows(client, select(func.count()).select_from(portfolio_snapshots).where(portfolio_snapshots.c.portfolio_id != OWN))
    answer = client.delete(f"{PORTFOLIOS}/{OWN}")
    assert (answer.status_code, answer.json()["n_lots"]) == (200, 32)
    models.DeletedPortfolio.model_validate(answer.json())
    for table in METADATA.sorted_tables:
        if "portfolio_id" in table.c:
            assert rows(client, select(func.count()).select_from(table).where(table.c.portfolio_id == OWN)) == [(0,)], table.name
        if "lot_id" in table.c:
            assert rows(client, select(func.count()).select_from(table).where(table.c.lot_id.in_(lot_ids))) == [(0,)], table.name
    assert rows(client, select(func.count()).select_from(portfolio_snapshots)) == others
    assert client.get(f"{PORTFOLIOS}/{OWN}").status_code == client.delete(f"{PORTFOLIOS}/{OWN}").status_code == 404
    waiting = select(ledger_changes.c.facet, ledger_changes.c.first_session).order_by(ledger_changes.c.id.desc()).limit(1)
    assert [(facet, str(day)) for facet, day in rows(client, waiting)] == [("contracts", "2022-07-18")]


def test_nobody_changes_or_deletes_what_is_not_theirs(as_user: ClientFor) -> None:
    client = as_user(INDIVIDUAL)
    assert client.patch(f"{PORTFOLIOS}/{OWN}", json={"name": "Mine"}).status_code == 404
    assert client.delete(f"{PORTFOLIOS}/{OWN}").status_code == 404
    assert rows(client, select(portfolios.c.name).where(portfolios.c.id == OWN)) == [("Long/Short Equity Hedge Fund Style Portfolio",)]


def test_reports_of_a_deleted_portfolio_leave_the_disk(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    folder = client.app.state.service.settings.reports_dir
    written = rows(client, select(portfolio_reports.c.portfolio_id, portfolio_reports.c.files))
    files = {folder / file["path"]: portfolio for portfolio, by_format in written if by_format for file in by_format.values()}
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("what it was worth")
    assert OWN in files.values()
    assert client.delete(f"{PORTFOLIOS}/{OWN}").status_code == 200
    assert [file for file in files if not file.exists()] == [file for file, portfolio in files.items() if portfolio == OWN]
    assert not [folder for folder in {file.parent for file, portfolio in files.items() if portfolio == OWN} if folder.exists()]
