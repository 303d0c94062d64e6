"""Sends an example of the OpenAPI document to the demonstration."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from filelock import FileLock

from sigmasight_api.app import PREFIX, create_app, openapi
from sigmasight_api.examples import Example, examples
from sigmasight_api.settings import ApiSettings
from tests.api.conftest import SECRET, logged_in, settings_for

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def described() -> dict[str, Any]:
    """The OpenAPI document, made once a process."""
    return openapi(ApiSettings(jwt_secret=SECRET))


def place_of(document: dict[str, Any], operation_id: str) -> tuple[str, str]:
    """(method, path) of an operation."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            if operations.get(method, {}).get("operationId") == operation_id:
                return method, path
    raise AssertionError(f"{operation_id} is no operation of the document")


def reads_and_writes() -> tuple[list[Example], list[Example]]:
    """Examples of what writes nothing (GETs and calculations), which any number of tests may send to one database, and of all else."""
    document = described()
    known = {operation["operationId"]: method for part in document["paths"].values() for method, operation in part.items()}
    reads = [one for one in examples().values() if known.get(one.operation) == "get" or one.operation.startswith("calculate_")]
    return reads, [example for example in examples().values() if example not in reads]


def send(database: Path, example: Example) -> Any:
    """The answer of the demonstration to an example; what it writes, it writes to a copy; work that it starts is not begun."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        shutil.copy(database, state / "sigmasight.db")
        with FileLock(state / "operations.lock"), TestClient(create_app(settings_for(state))) as client:
            return send_with(client, example)


def send_with(client: TestClient, example: Example) -> Any:
    """The answer of a running application to an example."""
    method, path = place_of(described(), example.operation)
    assert path.startswith((PREFIX, "/health", "/metrics"))
    user = logged_in(client, example.user) if example.user else client
    more = {"json": example.body} if example.body is not None else {"data": example.form} if example.form else {}
    return user.request(method.upper(), path.format(**example.path), params=example.query, **more)
