"""Reports: listed with their files, downloaded as written or made from the tables, and never anything else."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update

from sigmasight_api import report_files
from sigmasight_api.app import create_app
from sigmasight_api.models.reports import Reports, ReportStatus
from sigmasight_api.routes.reports import HTML_POLICY
from sigmasight_assets.reports import html_writer
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.writer import FORMATS
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolio_reports
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, logged_in, settings_for
from tests.api.risk_paths import PREFIX, SLUGS, portfolio_id
from tests.dataflow.risk_demo import LAST

REPORTS = f"{PREFIX}/reports"
SLUG = SLUGS[HEDGE_FUND]
ID = f"{SLUG}_{LAST}"
NOT_INDEXED = date(2022, 12, 23)


@pytest.fixture(scope="module")
def desk(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An API on the demonstration, whose reports of the last session are written; one of 23 December is not in the index."""
    folder = tmp_path_factory.mktemp("reports")
    shutil.copy(demo_file, folder / "sigmasight.db")
    shutil.copytree(demo_file.parent / "reports", folder / "reports")
    database = Database(f"sqlite:///{folder / 'sigmasight.db'}")
    with database.write() as connection:
        connection.execute(delete(portfolio_reports).where(portfolio_reports.c.session == NOT_INDEXED))
    database.dispose()
    with TestClient(create_app(settings_for(folder)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(desk: TestClient) -> TestClient:
    return logged_in(desk, HEDGE_FUND)


@pytest.fixture
def folder(desk: TestClient) -> Path:
    found: Path = desk.app.state.service.settings.reports_dir
    return found


def test_formats_and_names_are_those_of_the_writer() -> None:
    assert tuple(report_files.MEDIA_TYPES) == tuple(FORMATS)
    for kind, (name, _) in FORMATS.items():
        assert report_files.file_name(kind, SLUG, LAST) == name.format(slug=SLUG, session=LAST)
    assert HTML_POLICY.startswith(html_writer.POLICY)


def test_reports_are_listed_newest_first_with_their_files(client: TestClient, folder: Path) -> None:
    answer = client.get(REPORTS)
    Reports.model_validate_json(answer.content)
    items = answer.json()["items"]
    assert [item["id"] for item in items[:3]] == [ID, f"{SLUG}_2022-12-27", f"{SLUG}_2022-12-22"]
    assert answer.json()["page"]["total"] == 248
    assert [file["is_written"] for file in items[1]["files"]] == [False] * 4
    for file in items[0]["files"]:
        content = (folder / ID / file["file_name"]).read_bytes()
        assert (file["n_bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_reports_are_filtered_sorted_and_paged(client: TestClient) -> None:
    mine, theirs = portfolio_id(client, SLUG), portfolio_id(client, SLUGS[WEALTHY])
    for params, sessions in (
        ({"portfolio_id": str(mine), "limit": 2}, ["2022-12-28", "2022-12-27"]),
        ({"session": "2022-12-27"}, ["2022-12-27"]),
        ({"is_written": True}, ["2022-12-28"]),
        ({"is_written": False, "limit": 1}, ["2022-12-27"]),
        ({"sort": "session", "limit": 2}, ["2022-01-03", "2022-01-04"]),
        ({"limit": 1, "offset": 1}, ["2022-12-27"]),
        ({"status": "quarantined"}, []),
    ):
        assert [item["session"] for item in client.get(REPORTS, params=params).json()["items"]] == sessions, params
    assert client.get(REPORTS, params={"portfolio_id": str(theirs)}).status_code == 404
    beyond = client.get(REPORTS, params={"offset": 500}).json()
    assert (beyond["items"], beyond["page"]["total"]) == ([], 248)
    assert client.get(REPORTS, params={"sort": "files"}).status_code == 422


def test_nobody_elses_reports_are_listed_or_given(desk: TestClient, client: TestClient) -> None:
    assert logged_in(desk, NOBODY).get(REPORTS).json()["items"] == []
    for path in ("status", "download"):
        answer = client.get(f"{REPORTS}/{SLUGS[WEALTHY]}_{LAST}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_status_says_whether_files_are_whole(client: TestClient, folder: Path) -> None:
    answer = client.get(f"{REPORTS}/{ID}/status")
    ReportStatus.model_validate_json(answer.content)
    assert (answer.json()["state"], answer.json()["status"], answer.json()["meta"]["table"]) == ("written", "ok", "portfolio_reports")
    assert {section["name"] for section in answer.json()["sections"]} >= {"portfolio_snapshots", "stress_results", "risk_metrics"}
    assert client.get(f"{REPORTS}/{SLUG}_2022-12-27/status").json()["state"] == "on_demand"
    path = folder / ID / report_files.file_name("md", SLUG, LAST)
    content = path.read_bytes()
    path.write_text("edited")
    assert client.get(f"{REPORTS}/{ID}/status").json()["state"] == "on_demand"
    path.write_bytes(content)


def test_a_session_without_an_index_row_can_be_had(client: TestClient) -> None:
    answer = client.get(f"{REPORTS}/{SLUG}_{NOT_INDEXED}/status").json()
    assert (answer["state"], answer["sections"], answer["meta"]["table"]) == ("on_demand", [], "portfolio_snapshots")
    assert client.get(f"{REPORTS}/{SLUG}_{NOT_INDEXED}/download").text.startswith("# Long/Short")


@pytest.mark.parametrize("kind", list(FORMATS))
def test_a_download_is_the_written_file(client: TestClient, folder: Path, kind: str) -> None:
    answer = client.get(f"{REPORTS}/{ID}/download", params={"format": kind})
    name = report_files.file_name(kind, SLUG, LAST)
    assert answer.content == (folder / ID / name).read_bytes()
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["content-type"] == report_files.MEDIA_TYPES[kind]
    again = client.get(f"{REPORTS}/{ID}/download", params={"format": kind}, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_downloaded_json_is_that_of_the_tables(client: TestClient) -> None:
    document: dict[str, Any] = json.loads(client.get(f"{REPORTS}/{ID}/download", params={"format": "json"}).content)
    metrics = client.get(f"{PREFIX}/risk/metrics").json()
    assert document["groups"]["risk_metrics"]["metrics"]["var_95"] == metrics["var_95"]


@pytest.mark.parametrize("kind", list(FORMATS))
def test_without_a_file_it_is_made_from_the_tables(desk: TestClient, client: TestClient, kind: str) -> None:
    report = collect(desk.app.state.service.database, SLUG, date(2022, 12, 27))
    place = f"{REPORTS}/{SLUG}_2022-12-27/download"
    first, kept = (client.get(place, params={"format": kind}).content for _ in range(2))
    assert first == kept == FORMATS[kind][1](report).encode()


def test_an_edited_file_is_not_given(client: TestClient, folder: Path) -> None:
    path = folder / ID / report_files.file_name("md", SLUG, LAST)
    content = path.read_bytes()
    for wrong in (b"edited", b"x" * len(content)):
        path.write_bytes(wrong)
        assert client.get(f"{REPORTS}/{ID}/download").text.startswith("# Long/Short")
    path.unlink()
    assert client.get(f"{REPORTS}/{ID}/download").text.startswith("# Long/Short")
    path.write_bytes(content)


@pytest.mark.parametrize("place", ["../secret", "/etc/hostname", "x/../../secret", "link/secret"])
def test_a_path_never_leaves_the_folder(tmp_path: Path, place: str) -> None:
    folder, secret = tmp_path / "reports", tmp_path / "secret"
    folder.mkdir()
    secret.write_text("secret")
    (folder / "link").symlink_to(tmp_path)
    entry = {"path": place, "bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
    assert report_files.stored_file(folder, {"md": entry}, "md") is None
    (folder / "inside").write_text("secret")
    assert report_files.stored_file(folder, {"md": entry | {"path": "inside"}}, "md") == b"secret"


@pytest.mark.parametrize(
    "report_id",
    ["x", SLUG, f"{SLUG}_2022-13-28", f"{SLUG.upper()}_{LAST}", f"..%2F{ID}", f"{SLUG}_{LAST}.md", "_2022-12-28", f"{'a' * 101}_{LAST}"],
)
def test_what_is_no_id_has_no_report(client: TestClient, report_id: str) -> None:
    for path in ("status", "download"):
        assert client.get(f"{REPORTS}/{report_id}/{path}").status_code == 404


def test_a_session_that_is_not_computed_names_what_is_missing(client: TestClient) -> None:
    for path in ("status", "download"):
        answer = client.get(f"{REPORTS}/{SLUG}_2022-12-24/{path}")
        assert (answer.status_code, answer.json()["code"], answer.json()["table"]) == (404, "not_materialized", "portfolio_snapshots")
    assert client.get(f"{REPORTS}/{ID}/download", params={"format": "pdf"}).status_code == 422


def test_a_recorded_place_that_was_tampered_with_is_not_read(desk: TestClient, client: TestClient, folder: Path) -> None:
    (folder.parent / "secret").write_text("secret")
    database: Database = desk.app.state.service.database
    mine = (portfolio_reports.c.session == LAST) & (portfolio_reports.c.portfolio_id == portfolio_id(client, SLUG))
    with database.write() as connection:
        before = connection.execute(select(portfolio_reports.c.files).where(mine)).scalar_one()
        entry = {"path": "../secret", "bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
        connection.execute(update(portfolio_reports).where(mine).values(files={**before, "md": entry}))
    assert client.get(f"{REPORTS}/{ID}/download").text.startswith("# Long/Short")
    with database.write() as connection:
        connection.execute(update(portfolio_reports).where(mine).values(files=before))
