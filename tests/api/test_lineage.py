"""Why a number is stale, and what is missing, by the store's own provenance."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update

from sigmasight_api.models.admin import Activity, BatchStatus, DataHealth, LineageAnswer, Schedule
from sigmasight_assets.ledger.changes import record_change
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.tables import materializations, portfolios
from tests.api.conftest import ADMIN, ClientFor, logged_in

LAST = date(2022, 12, 28)
LINEAGE_PATH = "/api/v1/admin/lineage"


def book_of(client: TestClient, slug: str) -> uuid.UUID:
    database: Database = client.app.state.service.database  # type: ignore[attr-defined]
    with database.read() as connection:
        found: uuid.UUID = connection.execute(select(portfolios.c.id).where(portfolios.c.slug == slug)).scalar_one()
    return found


def lineage(client: TestClient, table: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"{LINEAGE_PATH}/{table}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    LineageAnswer.model_validate(found)
    return found


@pytest.mark.parametrize("table", [table for table in LINEAGE if table != "portfolio_reports"])
def test_the_chain_holds_every_table_that_a_table_is_made_of(as_user: ClientFor, table: str) -> None:
    found = lineage(as_user(ADMIN), table)
    assert (found["stale"], found["because"], found["remedy"]) == (False, [], None)
    above = {table}
    for name in reversed(LINEAGE):
        if name in above:
            above |= {upstream.table for upstream in LINEAGE[name]} & set(LINEAGE)
    assert {one["table"] for one in found["chain"]} == above
    assert found["chain"][0]["table"] == table
    assert [one["input"] for one in found["chain"][0]["inputs"]] == [upstream.name for upstream in LINEAGE[table]]


def test_windows_are_those_of_the_lineage(as_user: ClientFor) -> None:
    found = {one["input"]: one for one in lineage(as_user(ADMIN), "factor_betas")["chain"][0]["inputs"]}
    assert (found["prices"]["first"], found["prices"]["last"]) == ("2021-12-28", "2022-12-28")  # 252 sessions before, up to its own
    assert (found["factor_returns"]["first"], found["factor_returns"]["last"]) == ("2021-12-29", "2022-12-28")


def test_a_change_of_the_book_is_found_at_the_end_of_the_way(own_client: TestClient) -> None:
    admin, portfolio = logged_in(own_client, ADMIN), book_of(own_client, "balanced-individual-investor")
    with own_client.app.state.service.database.write() as connection:  # type: ignore[attr-defined]
        record_change(connection, portfolio, LAST, "a lot")
    found = lineage(admin, "risk_metrics", portfolio_id=str(portfolio))
    assert found["stale"]
    assert found["remedy"] == "sigmasight run --stale"
    assert found["because"][0]["table"] == "risk_metrics"
    assert (found["because"][-1]["cause"], found["because"][-1]["input"]) == ("input_changed", "ledger.book")
    assert found["because"][-1]["input_session"] == "2022-12-28"
    values = next(one for one in found["chain"] if one["table"] == "position_values")
    newer = [one["input"] for one in values["inputs"] if one["is_newer"]]
    assert newer == ["ledger.book"]
    other = lineage(admin, "risk_metrics", portfolio_id=str(book_of(own_client, "sophisticated-high-net-worth")))
    assert not other["stale"]


def test_a_price_corrected_in_the_past_is_named_with_its_session(own_client: TestClient) -> None:
    admin, m = logged_in(own_client, ADMIN), materializations.c
    with own_client.app.state.service.database.write() as connection:  # type: ignore[attr-defined]
        is_corrected = (m.table_name == "prices") & (m.session == date(2022, 3, 15))
        connection.execute(update(materializations).where(is_corrected).values(changed_at=utc_now(), computed_at=utc_now()))
    found = lineage(admin, "factor_betas")
    assert [(one["cause"], one["input"], one["input_session"]) for one in found["because"]] in (
        [("input_changed", "prices", "2022-03-15")],
        [("input_stale", "factor_returns", "2022-03-16"), ("input_changed", "prices", "2022-03-15")],
    )


def test_what_does_not_exist_is_said(as_user: ClientFor) -> None:
    admin = as_user(ADMIN)
    unknown = admin.get(f"{LINEAGE_PATH}/betas")
    assert unknown.status_code == 404
    assert "factor_betas" in unknown.json()["detail"]
    early = admin.get(f"{LINEAGE_PATH}/portfolio_snapshots", params={"session": "2021-12-31"})
    assert (early.status_code, early.json()["code"], early.json()["table"]) == (404, "not_materialized", "portfolio_snapshots")
    nobody = admin.get(f"{LINEAGE_PATH}/portfolio_snapshots", params={"portfolio_id": str(uuid.UUID(int=1))})
    assert nobody.json()["errors"][0]["loc"] == ["query", "portfolio_id"]


def test_health_counts_what_is_missing_stale_and_quarantined(own_client: TestClient) -> None:
    admin, m = logged_in(own_client, ADMIN), materializations.c
    portfolio = book_of(own_client, "balanced-individual-investor")
    before = admin.get("/api/v1/admin/data-health").json()
    DataHealth.model_validate(before)
    assert (before["stale"], before["quarantined"]) == ([], [])
    assert {(one["slug"], one["session"]) for one in before["coverage"]} == {
        ("balanced-individual-investor", "2022-12-28"),
        ("long-short-equity-hedge-fund-style", "2022-12-28"),
        ("sophisticated-high-net-worth", "2022-12-28"),
    }
    market = [one for one in before["missing"] if one["table"] in ("prices", "treasury_yields")]
    assert market == []  # every session of the data is stored
    with own_client.app.state.service.database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(delete(materializations).where(m.table_name == "prices", m.session == date(2020, 3, 16)))
        is_held = (m.table_name == "position_values") & (m.session == LAST) & (m.portfolio_id == portfolio)
        connection.execute(update(materializations).where(is_held).values(status="quarantined", reason="nav_identity"))
        record_change(connection, portfolio, LAST, "a lot")
    after = admin.get("/api/v1/admin/data-health").json()
    assert [(one["missing"], one["expected"]) for one in after["missing"] if one["table"] == "prices"] == [(1, 755)]
    assert [(one["table"], one["session"], one["reason"]) for one in after["quarantined"]] == [
        ("position_values", "2022-12-28", "nav_identity")
    ]
    stale = {(one["table"], one["input"]): one for one in after["stale"]}
    assert stale["position_values", "ledger.book"]["portfolios"] == [str(portfolio)]
    assert after["n_stale"] == sum(one["row_sets"] for one in after["stale"])
    assert not after["is_healthy"]


def test_status_and_schedule_are_answered_where_nothing_runs(as_user: ClientFor) -> None:
    admin = as_user(ADMIN)
    status = admin.get("/api/v1/admin/batch/status").json()
    BatchStatus.model_validate(status)
    assert (status["running"], status["queued"], status["runs"]) == ([], [], [])
    schedule = admin.get("/api/v1/admin/batch/schedule").json()
    Schedule.model_validate(schedule)
    assert len(schedule["items"]) == 10
    assert all(one["session"] is None for one in schedule["items"])
    assert "sample data end 2022-12-28" in {one["skipped"] for one in schedule["items"]}
    for one in admin.get("/api/v1/admin/activity").json()["items"]:
        Activity.model_validate(one)
