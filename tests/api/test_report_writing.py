"""A report is asked for by its owner, and becomes an operation; tests/api/test_operations_at_work.py has one written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from sigmasight_api.app import create_app
from sigmasight_api.models.operations import SingleOperation
from sigmasight_assets.store.tables import activity
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, logged_in, settings_for
from tests.api.risk_paths import PREFIX, SLUGS, portfolio_id

GENERATE = f"{PREFIX}/reports/generate"


@pytest.fixture(scope="module")
def api(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that carries no operations out."""
    folder = tmp_path_factory.mktemp("report_writing")
    shutil.copy(demo_file, folder / "sigmasight.db")
    application = create_app(settings_for(folder, book_start=date(2022, 12, 22)))
    with TestClient(application, raise_server_exceptions=False) as client:
        yield client


def test_a_report_becomes_an_operation_of_its_owner(api: TestClient) -> None:
    mine, theirs = logged_in(api, HEDGE_FUND), logged_in(api, WEALTHY)
    book = portfolio_id(mine, SLUGS[HEDGE_FUND])
    answer = mine.post(GENERATE, json={"portfolio_id": str(book), "session": "2022-12-27"}, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 202, answer.text
    found = SingleOperation.model_validate_json(answer.content)
    assert answer.headers["location"] == f"{PREFIX}/operations/{found.id}"
    (run,) = found.runs
    assert (run.tables, run.first, run.last, run.portfolios) == (["portfolio_reports"], date(2022, 12, 27), date(2022, 12, 27), [book])
    assert (found.kind, found.state, found.portfolio_id, found.owner) == ("reports.generate", "queued", book, HEDGE_FUND)
    again = mine.post(GENERATE, json={"session": "2022-12-27"}, headers={"Idempotency-Key": "once"})
    assert again.json()["id"] == str(found.id)
    assert mine.get(answer.headers["location"]).json()["id"] == str(found.id)
    assert theirs.get(answer.headers["location"]).status_code == 404
    other = mine.post(GENERATE, json={}, headers={"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "key_reused")
    with api.app.state.service.database.read() as connection:  # type: ignore[attr-defined]
        done = connection.execute(select(activity.c.detail).where(activity.c.action == "reports.generate")).scalars().all()
    assert done[0] == f"{SLUGS[HEDGE_FUND]} of 2022-12-27"


def test_without_a_session_it_is_the_last_one(api: TestClient) -> None:
    answer = logged_in(api, WEALTHY).post(GENERATE, json={}).json()
    assert (answer["request"]["first"], answer["request"]["portfolios"]) == (
        "2022-12-28",
        [str(portfolio_id(api, SLUGS[WEALTHY]))],
    )


@pytest.mark.parametrize(
    ("email", "body", "status", "code"),
    [
        (WEALTHY, {"session": "2022-12-26"}, 404, "not_materialized"),  # a holiday
        (WEALTHY, {"session": "2023-01-03"}, 404, "not_materialized"),
        (WEALTHY, {"session": "2021-01-04"}, 404, "not_materialized"),
        (WEALTHY, {"session": "soon"}, 422, "invalid_request"),
        (WEALTHY, {"format": "pdf"}, 422, "invalid_request"),
        (WEALTHY, {"portfolio_id": "c1af1b52-35bf-559e-9811-fdbe0382874b"}, 404, "not_found"),
        (NOBODY, {}, 404, "not_found"),
    ],
)
def test_what_cannot_be_written_is_refused(api: TestClient, email: str, body: dict[str, Any], status: int, code: str) -> None:
    client, place = logged_in(api, email), f"{PREFIX}/operations"
    before = client.get(place).json()["page"]["total"]
    answer = client.post(GENERATE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get(place).json()["page"]["total"] == before
