"""The scenarios that the product ships, and the severity bands of this deployment."""

from __future__ import annotations

from functools import cache
from importlib import resources

from sigmasight_assets.scenarios.definition import Scenario, ScenarioFile, SeverityBands
from sigmasight_assets.scenarios.parse import parse_file

FILE = "scenarios.yaml"


@cache
def _file() -> ScenarioFile:
    return parse_file(resources.files("sigmasight_assets.scenarios").joinpath(FILE).read_bytes(), FILE)


def shipped_scenarios() -> tuple[Scenario, ...]:
    """In the file's order."""
    return _file().scenarios


def severity_bands() -> SeverityBands:
    bands = _file().severity_bands
    assert bands is not None, f"{FILE} has no severity_bands"
    return bands
