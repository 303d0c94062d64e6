"""`schemathesis` over the whole document: no server error, and no answer that the document does not describe."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from sigmasight_api.app import create_app, openapi
from sigmasight_api.settings import ApiSettings
from tests.api.conftest import ADMIN, HEDGE_FUND, SECRET, logged_in, settings_for
from tests.api.example_requests import METHODS

CASES = 5
"""Requests an operation."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
STREAMS = "/events"
OPERATIONS = [
    (method, path)
    for path, operations in openapi(ApiSettings(jwt_secret=SECRET))["paths"].items()
    for method in METHODS
    if method in operations and not path.endswith(STREAMS)
]


@pytest.fixture(scope="module")
def fuzzed(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An application on a copy of the demonstration, which the requests may change; work that they start waits for another server."""
    folder = tmp_path_factory.mktemp("fuzzed")
    shutil.copy(demo_file, folder / "sigmasight.db")
    shutil.copytree(demo_file.parent / "reports", folder / "reports")
    application = create_app(settings_for(folder))
    with FileLock(folder / "operations.lock"), TestClient(application, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def tokens(fuzzed: TestClient) -> dict[str, dict[str, str]]:
    """The `Authorization` headers of an owner and of the administrator."""
    return {email: {"Authorization": logged_in(fuzzed, email).headers["Authorization"]} for email in (HEDGE_FUND, ADMIN)}


@pytest.fixture(scope="module")
def described(fuzzed: TestClient) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", fuzzed.app)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_breaks_the_server_or_the_document(
    described: schemathesis.BaseSchema, tokens: dict[str, dict[str, str]], method: str, path: str
) -> None:
    """Whatever is sent is answered as the document says."""
    token = tokens[ADMIN if "/admin/" in path else HEDGE_FUND]

    operation = described[path][method]
    valid, invalid = (operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    @given(case=valid | invalid)
    @settings(max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def send(case: schemathesis.Case) -> None:
        case.validate_response(case.call(headers=token), checks=CHECKS)

    send()
