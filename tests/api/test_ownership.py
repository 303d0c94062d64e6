"""Nobody reads or changes what is not theirs: every operation of the OpenAPI document, as another user, as nobody, as no admin."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from sigmasight_api.app import PREFIX, create_app, openapi
from sigmasight_api.examples import examples
from sigmasight_api.settings import ApiSettings
from sigmasight_assets.store.tables import lots, portfolios, tags
from tests.api.conftest import HEDGE_FUND, NOBODY, ClientFor, logged_in, settings_for
from tests.api.example_requests import METHODS

DOCUMENT = openapi(ApiSettings(jwt_secret="a secret of the tests that is long enough"))
OPERATIONS = [
    (method, path, operation[method]) for path, operation in DOCUMENT["paths"].items() for method in METHODS if method in operation
]
OPEN = {"health_live", "health_ready", "metrics", "log_in"}
PROTECTED = [entry for entry in OPERATIONS if entry[2]["operationId"] not in OPEN]
ADMIN_ONLY = [entry for entry in PROTECTED if "/admin/" in entry[1]]


def named(entry: tuple[str, str, Any]) -> str:
    return str(entry[2]["operationId"]) if isinstance(entry, tuple) else ""


OWN_IDS = {"portfolios": "portfolio_id", "positions": "position_id", "tags": "tag_id", "reports": "report_id"}
"""What `{id}` means, by a path's first part."""


def request_of(entry: tuple[str, str, Any], ids: dict[str, str]) -> tuple[str, str, dict[str, Any]]:
    """Method, path and arguments of an operation's example, with somebody's ids in its path and query."""
    method, path, operation = entry
    example = examples().get(operation["operationId"])
    values = {**(example.path if example else {})}
    for name in re.findall(r"{(\w+)}", path):
        known_as = OWN_IDS.get(path.removeprefix(PREFIX).split("/")[1], name) if name == "id" else name
        values[name] = ids.get(known_as, values.get(name, str(uuid.uuid4())))
    query = dict(example.query) if example else {}
    if "portfolio_id" in {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}:
        query["portfolio_id"] = ids["portfolio_id"]
    arguments: dict[str, Any] = {"params": query}
    if example is not None and example.body is not None:
        arguments["json"] = example.body
    elif example is None and "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        arguments["json"] = DOCUMENT["components"]["schemas"][schema]["examples"][0]
    return method.upper(), path.format(**values), arguments


@pytest.fixture(scope="module")
def demo_client(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """On a copy of its own: nobody's requests make things too."""
    folder = tmp_path_factory.mktemp("ownership")
    shutil.copy(demo_file, folder / "sigmasight.db")
    shutil.copytree(demo_file.parent / "reports", folder / "reports")
    with TestClient(create_app(settings_for(folder)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def as_user(demo_client: TestClient) -> ClientFor:
    return lambda email: logged_in(demo_client, email)


@pytest.fixture(scope="module")
def foreign_ids(demo_client: TestClient) -> dict[str, str]:
    """Ids of what the long/short fund owns."""
    with demo_client.app.state.service.database.read() as connection:
        c = portfolios.c
        portfolio = connection.execute(select(c.id, c.owner_id, c.slug).where(c.slug.like("long-short%"))).one()
        lot = connection.execute(select(lots.c.id).where(lots.c.portfolio_id == portfolio.id)).scalars().first()
        tag = connection.execute(select(tags.c.id).where(tags.c.owner_id == portfolio.owner_id)).scalars().first()
    report = f"{portfolio.slug}_2022-12-28"
    return {"portfolio_id": str(portfolio.id), "position_id": str(lot), "tag_id": str(tag), "report_id": report}


@pytest.mark.parametrize("entry", PROTECTED, ids=named)
def test_without_a_login_every_operation_is_refused(demo_client: TestClient, foreign_ids: dict[str, str], entry: Any) -> None:
    method, path, arguments = request_of(entry, foreign_ids)
    assert demo_client.request(method, path, **arguments).status_code == 401


@pytest.mark.parametrize("entry", PROTECTED, ids=named)
def test_another_user_finds_nothing_of_it(as_user: ClientFor, foreign_ids: dict[str, str], entry: Any) -> None:
    """Whatever names something of the fund's is not found, or refused; what names nothing shows nothing of it."""
    method, path, arguments = request_of(entry, foreign_ids)
    answer = as_user(NOBODY).request(method, path, **arguments)
    names_something = any(value in path or value in str(arguments) for value in foreign_ids.values())
    if names_something:
        assert answer.status_code in (403, 404), answer.text
    assert not any(value in answer.text.replace(path, "") for value in foreign_ids.values()) or answer.status_code == 404


@pytest.mark.parametrize("entry", ADMIN_ONLY, ids=named)
def test_only_an_admin_administrates(as_user: ClientFor, foreign_ids: dict[str, str], entry: Any) -> None:
    method, path, arguments = request_of(entry, foreign_ids)
    assert as_user(HEDGE_FUND).request(method, path, **arguments).status_code == 403
