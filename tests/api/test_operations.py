"""Operations that nobody carries out: asked for, queued, found again by key, cancelled; what administrators see."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select, update

from sigmasight_api.access import Access, Caller, User
from sigmasight_api.app import create_app, openapi
from sigmasight_api.callers import Known
from sigmasight_api.models.operations import SingleOperation
from sigmasight_api.operations import register
from sigmasight_api.operations.asking import bring_up_to_date
from sigmasight_api.operations.events import events_of
from sigmasight_api.operations.watched import Streams
from sigmasight_api.routes.batch import BATCHES
from sigmasight_assets.ledger.changes import mark_processed, unprocessed
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.tables import operations, portfolios, users
from tests.api.conftest import ADMIN, INDIVIDUAL, NOBODY, WEALTHY, logged_in, settings_for
from tests.support.dagster_ui import free_port

PREFIX = "/api/v1"
DAY = {"session": "2022-12-28"}
OURS = {
    *(("POST", f"/admin/batch/{name}") for name in (
        "run-all", "market-data", "aggregations", "greeks", "factors",
        "risk-scenarios", "stress-tests", "snapshots", "correlations", "reports",
    )),
    ("GET", "/admin/batch/status"), ("GET", "/admin/batch/history"), ("GET", "/admin/batch/schedule"),
    ("GET", "/admin/lineage/{table}"), ("GET", "/admin/data-health"), ("GET", "/admin/activity"),
    ("GET", "/operations"), ("GET", "/operations/{id}"), ("GET", "/operations/{id}/events"),
    ("POST", "/operations/{id}/cancel"),
}  # fmt: skip


@pytest.fixture
def api(demo_file: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A server that leaves operations to another one, which there is not."""
    shutil.copy(demo_file, tmp_path / "sigmasight.db")
    settings = settings_for(tmp_path, book_start=date(2022, 12, 22))
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def database_of(client: TestClient) -> Database:
    found: Database = client.app.state.service.database  # type: ignore[attr-defined]
    return found


def ask(client: TestClient, name: str = "greeks", key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(f"{PREFIX}/admin/batch/{name}", json=body or DAY, headers=headers)


def test_the_paths_are_those_of_the_page() -> None:
    paths = openapi(settings_for(Path("unused")))["paths"]
    found = {(method.upper(), path.removeprefix(PREFIX)) for path, methods in paths.items() for method in methods}
    assert {one for one in found if one[1].startswith(("/admin", "/operations"))} == OURS


def test_only_administrators_start_batches_and_ask_about_the_deployment(api: TestClient) -> None:
    user = logged_in(api, INDIVIDUAL)
    for method, path in sorted(one for one in OURS if one[1].startswith("/admin")):
        for body, table in ((DAY, "prices"), ({"session": "no date"}, "no_table")):  # right or wrong: it is not looked at
            answer = user.request(method, PREFIX + path.replace("{table}", table), json=body if method == "POST" else None)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_admin"), path


def test_a_batch_is_queued_with_its_tables_and_says_what_it_leaves_stale(api: TestClient) -> None:
    admin = logged_in(api, ADMIN)
    for name, tables in BATCHES.items():
        answer = ask(admin, name, session="2022-12-28")
        assert answer.status_code == 202, answer.text
        found = SingleOperation.model_validate(answer.json())
        assert answer.headers["location"] == f"{PREFIX}/operations/{found.id}"
        assert (found.kind, found.state, found.owner) == (f"batch.{name}", "queued", ADMIN)
        assert sorted(table for run in found.runs for table in run.tables) == sorted(tables)
        assert {run.last for run in found.runs} == {date(2022, 12, 28)}
        assert not set(found.left_stale) & set(tables)
    assert SingleOperation.model_validate(ask(admin, "aggregations").json()).left_stale[-1] == "portfolio_reports"
    assert set(LINEAGE) == set(BATCHES["run-all"])


def test_downstream_plans_what_is_made_of_the_tables_too(api: TestClient) -> None:
    found = ask(logged_in(api, ADMIN), "correlations", first="2022-12-27", last="2022-12-28", downstream=True).json()
    (run,) = found["runs"]
    assert run["tables"][0] == "position_correlations"
    assert {"portfolio_snapshots", "risk_metrics", "portfolio_reports"} < set(run["tables"])
    assert "position_values" not in run["tables"]
    assert found["left_stale"] == []
    assert {one["sessions"] for one in found["progress"]} == {2}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, ["body"]),
        ({"session": "2022-12-28", "last": "2022-12-28"}, ["body"]),
        ({"first": "2022-12-28", "last": "2022-12-27"}, ["body"]),
        ({"session": "2022-12-26"}, ["body"]),  # a holiday
        ({"session": "2022-12-28", "sessions": 1}, ["body", "sessions"]),
        ({"session": "2022-12-28", "portfolios": [str(uuid.UUID(int=1))]}, ["body", "portfolios", 0]),
    ],
)
def test_a_batch_of_nothing_is_refused_by_name(api: TestClient, body: dict[str, Any], place: list[Any]) -> None:
    answer = logged_in(api, ADMIN).post(f"{PREFIX}/admin/batch/greeks", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, place)


def test_the_same_key_and_body_is_the_same_operation(api: TestClient) -> None:
    admin = logged_in(api, ADMIN)
    first, again = ask(admin, key="evening-1"), ask(admin, key="evening-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    other_body, other_path = ask(admin, key="evening-1", session="2022-12-27"), ask(admin, "factors", key="evening-1")
    for refused in (other_body, other_path):
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "key_reused")
    assert ask(admin).json()["id"] != ask(admin).json()["id"]  # without a key each is a new one


def test_operations_are_their_owners_and_administrators_see_all(api: TestClient) -> None:
    admin, user = logged_in(api, ADMIN), logged_in(api, WEALTHY)
    operation = ask(admin).json()["id"]
    for path in (f"{PREFIX}/operations/{operation}", f"{PREFIX}/operations/{operation}/events"):
        assert user.get(path).status_code == 404
    assert user.post(f"{PREFIX}/operations/{operation}/cancel").status_code == 404
    assert user.get(f"{PREFIX}/operations").json()["page"]["total"] == 0
    assert admin.get(f"{PREFIX}/operations?state=queued&kind=batch.greeks").json()["items"][0]["id"] == operation


def test_two_hundred_operations_wait_in_their_order(api: TestClient) -> None:
    admin = logged_in(api, ADMIN)
    asked = [ask(admin).json()["id"] for _ in range(20)]
    for number in range(180):
        with database_of(api).write() as connection:
            wanted = register.Wanted("batch.greeks", {"first": "2022-12-28", "number": number})
            asked.append(str(register.submit(connection, _user(connection, ADMIN), wanted)))
    status = admin.get(f"{PREFIX}/admin/batch/status").json()
    assert status["n_queued"] == 200
    assert [one["id"] for one in status["queued"][:20]] == asked[:20]
    taken = register.take_up(database_of(api))
    assert taken is not None and str(taken.id) == asked[0]
    still = register.take_up(database_of(api))
    assert still is not None and still.id == taken.id  # one after the other
    register.finish(database_of(api), taken, "succeeded", None, [])
    following = register.take_up(database_of(api))
    assert following is not None and str(following.id) == asked[1]


def test_an_operation_that_waits_is_cancelled_at_once_and_once(api: TestClient) -> None:
    admin = logged_in(api, ADMIN)
    operation = ask(admin).json()["id"]
    answer = admin.post(f"{PREFIX}/operations/{operation}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    again = admin.post(f"{PREFIX}/operations/{operation}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")
    streamed = admin.get(f"{PREFIX}/operations/{operation}/events")
    assert streamed.headers["content-type"].startswith("text/event-stream")
    event = streamed.text.split("\n")
    assert event[1] == "event: state"
    assert json.loads(event[2].removeprefix("data: "))["state"] == "cancelled"
    seen = event[0].removeprefix("id: ")
    assert admin.get(f"{PREFIX}/operations/{operation}/events", headers={"Last-Event-ID": seen}).text == ""
    did = admin.get(f"{PREFIX}/admin/activity?action=operations").json()["items"]
    assert [(one["action"], one["resource"], one["user"]) for one in did] == [("operations.cancel", f"operation:{operation}", ADMIN)]


def test_dagster_down_refuses_work_and_says_why_while_reads_go_on(demo_file: Path, tmp_path: Path) -> None:
    shutil.copy(demo_file, tmp_path / "sigmasight.db")
    port = free_port()
    with TestClient(create_app(settings_for(tmp_path, dagster_webserver=f"127.0.0.1:{port}"))) as client:
        admin = logged_in(client, ADMIN)
        refused = ask(admin)
        assert (refused.status_code, refused.json()["code"]) == (503, "dagster_unavailable")
        assert f"127.0.0.1:{port} does not answer" in refused.json()["detail"]
        assert int(refused.headers["retry-after"]) > 0
        assert admin.get(f"{PREFIX}/operations").json()["page"]["total"] == 0
        assert logged_in(client, INDIVIDUAL).get(f"{PREFIX}/risk/metrics").status_code == 200
        assert admin.get(f"{PREFIX}/admin/data-health").status_code == 200


def test_a_home_that_cannot_be_used_refuses_work_and_says_why(demo_file: Path, tmp_path: Path) -> None:
    shutil.copy(demo_file, tmp_path / "sigmasight.db")
    (tmp_path / "dagster").write_text("a file where the folder should be")
    with TestClient(create_app(settings_for(tmp_path))) as client:
        admin = logged_in(client, ADMIN)
        assert "cannot be written" in ask(admin).json()["detail"]
        status = admin.get(f"{PREFIX}/admin/batch/status").json()
    assert (status["dagster"]["available"], status["runs"]) == (False, [])


def test_changes_of_a_book_become_one_operation_until_it_is_taken_up(api: TestClient) -> None:
    database = database_of(api)
    with database.read() as connection:
        owned = connection.execute(select(portfolios.c.id, portfolios.c.owner_id).where(portfolios.c.slug.like("balanced%"))).one()

    def change(session: date) -> uuid.UUID:
        with database.write() as connection:
            caller = Caller(_access(api), connection, Known(User(owned.owner_id, INDIVIDUAL, None, "user"), [], None, None))
            return bring_up_to_date(caller, owned.id, session)

    first = change(date(2022, 12, 27))
    assert change(date(2022, 12, 23)) == first
    assert change(date(2022, 12, 28)) == first
    waiting = logged_in(api, INDIVIDUAL).get(f"{PREFIX}/operations/{first}").json()
    assert (waiting["kind"], waiting["first_session"]) == ("bring_up_to_date", "2022-12-23")
    assert register.take_up(database) is not None
    assert change(date(2022, 12, 28)) != first


def _user(connection: Connection, email: str) -> uuid.UUID:
    found: uuid.UUID = connection.execute(select(users.c.id).where(users.c.email == email)).scalar_one()
    return found


def _access(client: TestClient) -> Access:
    """A door that nobody came through: what is asked for is in its service."""

    class _Request:
        app = client.app

    return Access(_Request(), None)  # type: ignore[arg-type]


def test_other_tags_alone_recompute_what_is_called_by_them(api: TestClient) -> None:
    user = logged_in(api, INDIVIDUAL)
    lot = user.get(f"{PREFIX}/positions").json()["items"][0]["lot_id"]
    with database_of(api).write() as connection:
        mark_processed(connection, unprocessed(connection).last_id, utc_now())  # type: ignore[union-attr]
    user.put(f"{PREFIX}/positions/{lot}/tags", json={"tags": ["fresh"]})
    taken = register.take_up(database_of(api))
    assert taken is not None
    planner = api.app.state.service.operations.planner  # type: ignore[attr-defined]
    step = planner.next_step(taken)
    assert (step.tables, step.portfolios) == (["position_correlations"], [str(taken.portfolio_id)])
    user.patch(f"{PREFIX}/positions/{lot}", json={"quantity": 7})
    later = register.take_up(database_of(api))
    assert later is not None
    later.steps = []
    assert planner.next_step(later).tables[-1] == "portfolio_snapshots"


def test_events_tell_of_every_change_once_and_end_with_the_operation(api: TestClient) -> None:
    admin, database = logged_in(api, ADMIN), database_of(api)
    path = f"{PREFIX}/operations/{ask(admin).json()['id']}"

    def look() -> dict[str, Any]:
        found: dict[str, Any] = admin.get(path).json()
        return found

    async def watch(last: str | None) -> list[tuple[int, str, str]]:
        out = []
        first = look()
        async for event in events_of(Streams(), uuid.UUID(first["id"]), first, look, last):
            number, kind, data = (line.split(": ", 1)[1] for line in event.decode().strip().split("\n"))
            out.append((int(number), kind, json.loads(data)["state"]))
            taken = register.take_up(database)
            if taken is not None and taken.state == "running":
                register.finish(database, taken, "succeeded", None, [])
        return out

    seen = asyncio.run(watch(None))
    assert [(kind, state) for _, kind, state in seen] == [("state", "queued"), ("state", "running"), ("state", "succeeded")]
    assert [number for number, _, _ in seen] == sorted({number for number, _, _ in seen})
    assert asyncio.run(watch(str(seen[0][0]))) == [seen[-1]]


def test_an_operation_whose_process_is_gone_has_failed_with_the_reason(api: TestClient) -> None:
    operation = ask(logged_in(api, ADMIN)).json()["id"]
    database = database_of(api)
    taken = register.take_up(database)
    assert taken is not None
    taken.steps[0].state, taken.steps[0].run_id, taken.steps[0].started_at = "running", str(uuid.uuid4()), "2022-12-28T21:00:00+00:00"
    taken.process_id = 2**22 + 1  # Linux has no process of that number
    register.note_steps(database, taken)
    driver = api.app.state.service.operations  # type: ignore[attr-defined]
    driver._turn()  # the server that restarted looks at what was at work
    found = logged_in(api, ADMIN).get(f"{PREFIX}/operations/{operation}").json()
    assert found["state"] == "failed"
    assert "is gone: it was killed or the machine restarted. What it finished is kept." in found["error"]
    assert found["ended_at"] is not None


def test_activity_says_who_did_what_and_is_filtered(api: TestClient) -> None:
    admin = logged_in(api, ADMIN)
    api.post(f"{PREFIX}/auth/token", data={"username": NOBODY, "password": "a guess of mine"})
    ask(admin, "factors")
    found = admin.get(f"{PREFIX}/admin/activity").json()
    assert [(one["action"], one["outcome"], one["user"]) for one in found["items"]] == [
        ("batch.factors", "done", ADMIN),
        ("auth.log_in", "refused", NOBODY),
    ]
    assert admin.get(f"{PREFIX}/admin/activity?outcome=refused&user={NOBODY}&action=auth").json()["page"]["total"] == 1
    assert admin.get(f"{PREFIX}/admin/activity?since=2100-01-01T00:00:00Z").json()["items"] == []
    assert admin.get(f"{PREFIX}/admin/activity?since=2022-01-01T00:00:00").status_code == 422


def test_operations_of_a_user_that_is_deleted_are_deleted(api: TestClient) -> None:
    database = database_of(api)
    ask(logged_in(api, ADMIN))
    with database.write() as connection:
        connection.execute(update(users).where(users.c.email == ADMIN).values(email="gone@example.com"))
        connection.execute(users.delete().where(users.c.email == "gone@example.com"))
        assert connection.execute(select(operations.c.id)).all() == []
