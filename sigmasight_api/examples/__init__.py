"""Examples of the OpenAPI document: requests as a person would send them on the demonstration, and what it answers.

`requests.yaml` is written by hand; `responses.json` by `make docs` from the demonstration's database, lists cut to their first items. A
test sends every request to the demonstration and compares.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

LONGEST_LIST = 2
VOLATILE = (
    "computed_at",
    "operation",
    "changed_at",
    "created_at",
    "run_id",
    "request_id",
    "access_token",
    "token",
    "hint",
    "at",
    "started_at",
)
"""Fields that are others in every deployment: an example shows one, and is compared without."""


@dataclass(frozen=True)
class Example:
    """One request on the demonstration."""

    operation: str
    user: str | None
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    form: dict[str, str] | None = None
    status: int = 200
    volatile: tuple[str, ...] = ()


@cache
def examples() -> dict[str, Example]:
    """Operation id -> its example."""
    listed = yaml.safe_load(resources.files(__name__).joinpath("requests.yaml").read_text(encoding="utf-8"))
    return {operation: Example(operation, **request) for operation, request in listed.items()}


@cache
def responses() -> dict[str, Any]:
    """Operation id -> what the demonstration answered, shortened."""
    text = resources.files(__name__).joinpath("responses.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def shortened(value: Any) -> Any:
    """A document with its lists cut."""
    if isinstance(value, dict):
        return {name: shortened(part) for name, part in value.items()}
    return [shortened(part) for part in value[:LONGEST_LIST]] if isinstance(value, list) else value


def add_examples(document: dict[str, Any]) -> None:
    """Put the examples where an OpenAPI document has them."""
    for path, operations in document["paths"].items():
        del path
        for operation in operations.values():
            example = examples().get(operation.get("operationId", ""))
            if example is not None:
                _add(operation, example)


def _add(operation: dict[str, Any], example: Example) -> None:
    for parameter in operation.get("parameters", ()):
        given = {"path": example.path, "query": example.query}.get(parameter["in"], {})
        if parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]
    for kind, value in (("application/json", example.body), ("application/x-www-form-urlencoded", example.form)):
        content = operation.get("requestBody", {}).get("content", {})
        if value is not None and kind in content:
            content[kind]["example"] = value
    answered = operation["responses"].get(str(example.status), {}).get("content", {}).get("application/json")
    if answered is not None and example.operation in responses():
        answered["example"] = responses()[example.operation]
