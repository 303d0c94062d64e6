"""Scenario files: what is accepted, and every fault named with its scenario, field, value and remedy."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from sigmasight_assets.errors import InvalidFile
from sigmasight_assets.scenarios.parse import parse_file, scenario_of
from sigmasight_assets.scenarios.shipped import severity_bands, shipped_scenarios


def refusal(text: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        parse_file(text.encode(), "mine.yaml")
    return str(caught.value)


def one(fields: str) -> str:
    return f"scenarios:\n  - {{id: mine, name: Mine, category: custom, severity: mild, {fields}}}\n"


def test_the_shipped_file_is_the_least_set_of_the_design() -> None:
    scenarios = {scenario.id: scenario for scenario in shipped_scenarios()}
    assert len(scenarios) == 19
    assert scenarios["market_crash_35"].shocks == {"market": -0.35}
    assert scenarios["market_crash_35"].iv_change == 1.0
    assert scenarios["rate_bear_2022"].replay == (date(2022, 1, 3), date(2022, 10, 12))
    assert scenarios["financial_crisis_2008"].returns == {"market": -0.452, "value": -0.494, "size": -0.519}
    assert severity_bands().lower == (0.0, 0.05, 0.15, 0.35)


def test_a_scenario_survives_being_stored_as_data() -> None:
    for scenario in shipped_scenarios():
        assert scenario_of(scenario.as_data(), "stored") == scenario


def test_volatility_alone_is_a_scenario() -> None:
    (scenario,) = parse_file(one("iv_change: 0.5").encode(), "mine.yaml").scenarios
    assert (scenario.shocks, scenario.iv_change) == ({}, 0.5)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ("shocks: {market: -35}", "shocks.market"),
        ("shocks: {market: -1}", "shocks.market"),
        ("shocks: {market: ten}", "shocks.market"),
        ("shocks: {market: true}", "shocks.market"),
        ("shocks: {market: .nan}", "shocks.market"),
        ("shocks: {market: null}", "shocks.market"),
        ("shocks: {oil: 0.1}", "shocks.oil"),
        ("shocks: [0.1]", "shocks"),
        ("returns: {value: 11}", "returns.value"),
        ("shocks: {size: 0.1}, returns: {size: 0.1}", "returns.size"),
        ("rates_bp: 5000", "rates_bp"),
        ("rates_bp: '100'", "rates_bp"),
        ("iv_change: -1", "iv_change"),
        ("replay: 2020-01-02", "replay"),
        ("replay: [2020-03-02, 2020-01-02]", "replay"),
        ("replay: [2020-01-02, 2020-02-30]", "replay"),
        ("shock: {market: 0.1}", "shock"),
        ("iv_change: 0.1, severity_bands: 1", "severity_bands"),
    ],
)
def test_a_fault_names_scenario_and_field(fields: str, field: str) -> None:
    assert f"scenario mine, field {field}: expected" in refusal(one(fields))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenarios: 5", "a list `scenarios`"),
        ("- 1", "a list `scenarios`"),
        ("", "a list `scenarios`"),
        ("scenarios: []", "1 to 200 scenarios, was 0"),
        ("scenarios: [7]", "scenario #1: expected a mapping"),
        ("scenarios: [{name: A, category: custom, severity: mild, iv_change: 1}]", "scenario #1, field id: expected 2 to 48"),
        ("scenarios: [{id: a b, name: A, category: custom, severity: mild, iv_change: 1}]", "field id"),
        ("scenarios: [{id: ab, name: '', category: custom, severity: mild, iv_change: 1}]", "scenario ab, field name"),
        ("scenarios: [{id: ab, name: A, category: odd, severity: mild, iv_change: 1}]", "scenario ab, field category"),
        ("scenarios: [{id: ab, name: A, category: custom, severity: bad, iv_change: 1}]", "scenario ab, field severity"),
        ("scenarios: [{id: ab, name: A, category: custom, severity: mild}]", "expected at least one of"),
        ("scenarios: [{id: ab, id: cd}]", "the key id is stated twice"),
        ("scenarios: [", "not valid YAML (line"),
        (one("iv_change: 1") + "other: 1", "top level, field other"),
        (one("iv_change: 1") + "severity_bands: {mild: [0, 0.1]}", "severity_bands: expected each of mild"),
        (
            one("iv_change: 1") + "severity_bands: {mild: [0, .1], moderate: [.2, .3], severe: [.3, .4], extreme: [.4, null]}",
            "begin where the one before ends",
        ),
    ],
)
def test_a_faulty_file_is_refused_with_the_reason(text: str, said: str) -> None:
    assert said in refusal(text)


def test_every_fault_of_a_file_is_told_at_once() -> None:
    text = refusal(one("rates_bp: x") + "  - {id: other, name: Other, category: custom, severity: mild, shocks: {market: -35}}\n")
    assert "2 faults" in text
    assert "scenario mine, field rates_bp" in text
    assert "scenario other, field shocks.market" in text


def test_two_scenarios_of_one_id_are_refused() -> None:
    entry = "  - {id: mine, name: Again, category: custom, severity: mild, iv_change: 1}\n"
    assert "scenario mine, field id: expected an id that no other scenario" in refusal(one("iv_change: 1") + entry)


def test_a_file_that_is_not_text_or_too_large_is_refused() -> None:
    with pytest.raises(InvalidFile, match="UTF-8"):
        parse_file(b"\xff\xfe\x00", "mine.yaml")
    with pytest.raises(InvalidFile, match="at most"):
        parse_file(b"#" * 2_000_000, "mine.yaml")


def test_the_file_in_the_documentation_is_accepted() -> None:
    page = (Path(__file__).parents[3] / "docs" / "stress-and-var.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert [scenario.id for scenario in parse_file(block.encode(), "page").scenarios] == ["taper_tantrum", "summer_2022"]
