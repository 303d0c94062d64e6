"""Every example of the OpenAPI document works on the demonstration and is answered as the document says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sigmasight_api.examples import LONGEST_LIST, VOLATILE, Example, examples, responses
from tests.api.example_requests import METHODS, reads_and_writes, send, send_with

READS, WRITES = reads_and_writes()
WITHOUT_EXAMPLE = {
    "metrics",
    "log_in",
    "delete_token",
    "rename_tag",
    "remove_tag",
    "remove_flow",
    "remove_appraisal",
    "delete_scenario",
    "read_operation",
    "stream_operation",
    "cancel_operation",
}
"""No JSON; a password that is another one in every demonstration; ids that are others in every demonstration, or that it
does not have."""


def named(example: Example) -> str:
    return example.operation


@pytest.mark.parametrize("example", READS, ids=named)
def test_a_read_is_answered_as_the_document_says(demo_client: TestClient, example: Example) -> None:
    compare(send_with(demo_client, example), example)


@pytest.mark.parametrize("example", WRITES, ids=named)
def test_a_write_is_answered_as_the_document_says(demo_file: Path, example: Example) -> None:
    compare(send(demo_file, example), example)


def test_every_operation_has_an_example(demo_client: TestClient) -> None:
    document = demo_client.app.openapi()
    operations = {part[method]["operationId"] for part in document["paths"].values() for method in METHODS if method in part}
    assert operations - examples().keys() == WITHOUT_EXAMPLE


def compare(answer: Any, example: Example) -> None:
    assert answer.status_code == example.status, answer.text
    if example.operation in responses():
        compare_parts(answer.json(), responses()[example.operation], example.operation, {*VOLATILE, *example.volatile})


def compare_parts(found: Any, stated: Any, where: str, volatile: set[str]) -> None:
    """The answer is the stated one, lists as far as they are stated, and nothing but their kind of what is volatile."""
    if isinstance(stated, dict):
        assert isinstance(found, dict) and found.keys() == stated.keys(), where
        for name, part in stated.items():
            if name in volatile:
                assert type(found[name]) is type(part), f"{where}.{name}"
            else:
                compare_parts(found[name], part, f"{where}.{name}", volatile)
    elif isinstance(stated, list):
        assert len(found) >= len(stated) and (len(stated) == LONGEST_LIST or len(found) == len(stated)), where
        for i, part in enumerate(stated):
            compare_parts(found[i], part, f"{where}[{i}]", volatile)
    elif isinstance(stated, float):
        assert found == pytest.approx(stated, rel=1e-9, abs=1e-9), where
    else:
        assert found == stated, where
