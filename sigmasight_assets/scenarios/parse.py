"""Reading scenario files: every fault at once, each named with its scenario, its field, the value and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping
from datetime import date
from typing import Any

import yaml

from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.errors import InvalidFile
from sigmasight_assets.scenarios.definition import CATEGORIES, SEVERITIES, Scenario, ScenarioFile, SeverityBands

FIELDS = ("id", "name", "category", "severity", "shocks", "returns", "rates_bp", "iv_change", "replay")
MAX_BYTES = 1024 * 1024
MAX_SCENARIOS = 200
MAX_NAME = 100
_ID = re.compile(r"[a-z][a-z0-9_]{1,47}")
_LIMITS = {"shocks": (-1.0, 5.0), "returns": (-1.0, 10.0), "rates_bp": (-2000.0, 2000.0), "iv_change": (-1.0, 10.0)}
"""Field -> (lowest, highest), the lowest itself excluded."""
_UNITS = {
    "shocks": "a decimal (-0.35 is -35 %)",
    "returns": "a decimal (-0.35 is -35 %)",
    "rates_bp": "basis points (100 is one percentage point)",
    "iv_change": "a relative change above -1 (1.5 is +150 %)",
}


class _Faults:
    """Faults found so far."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, scenario: str, field: str | None, message: str) -> None:
        place = f"scenario {scenario}" + (f", field {field}" if field else "")
        self.found.append(f"{place}: {message}")

    def raise_any(self, source: str) -> None:
        if self.found:
            raise InvalidFile(f"{source} was refused, {len(self.found)} faults: {' · '.join(self.found)}")


def parse_file(content: bytes, source: str) -> ScenarioFile:
    """Scenarios of a YAML file.

    Raises
    ------
    InvalidFile
        Naming every fault; nothing of a faulty file is taken.
    """
    data = _yaml(content, source)
    faults = _Faults()
    if not isinstance(data, dict) or not isinstance(data.get("scenarios"), list):
        raise InvalidFile(f"{source} was refused: expected a mapping with a list `scenarios`, was {_kind(data)}.")
    for name in sorted(str(key) for key in data if key not in ("scenarios", "severity_bands")):
        faults.found.append(f"top level, field {name}: expected `scenarios` or `severity_bands`; remove the field")
    entries = data["scenarios"]
    if not 0 < len(entries) <= MAX_SCENARIOS:
        faults.found.append(f"top level, field scenarios: expected 1 to {MAX_SCENARIOS} scenarios, was {len(entries)}")
    scenarios = [_scenario(entry, f"#{i}", faults) for i, entry in enumerate(entries[:MAX_SCENARIOS], start=1)]
    known: set[str] = set()
    for scenario in scenarios:
        if scenario is not None and scenario.id in known:
            faults.add(scenario.id, "id", "expected an id that no other scenario of the file has; rename one of them")
        known.add(scenario.id if scenario else "")
    bands = _bands(data["severity_bands"], faults) if "severity_bands" in data else None
    faults.raise_any(source)
    return ScenarioFile(tuple(scenario for scenario in scenarios if scenario), bands)


def scenario_of(data: Mapping[str, Any], source: str) -> Scenario:
    """One scenario from JSON values; faults as `parse_file`."""
    faults = _Faults()
    scenario = _scenario(dict(data), "#1", faults)
    faults.raise_any(source)
    assert scenario is not None
    return scenario


class _UniqueKeys(yaml.SafeLoader):
    """YAML whose mappings may not state a key twice (plain YAML keeps the last silently), and whose dates stay texts."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = {str(key) for key in keys if keys.count(key) > 1}
        if doubled:
            raise yaml.constructor.ConstructorError(None, None, f"the key {', '.join(sorted(doubled))} is stated twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _yaml(content: bytes, source: str) -> Any:
    if len(content) > MAX_BYTES:
        raise InvalidFile(f"{source} was refused: expected at most {MAX_BYTES // 1024} KB, was {len(content) // 1024} KB.")
    try:
        return yaml.load(content.decode("utf-8-sig"), Loader=_UniqueKeys)
    except UnicodeDecodeError:
        raise InvalidFile(f"{source} was refused: it is not UTF-8 text; save it as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InvalidFile(f"{source} was refused: it is not valid YAML ({line}{error.problem}).") from None
    except yaml.YAMLError as error:
        raise InvalidFile(f"{source} was refused: it is not valid YAML ({error}).") from None


_UniqueKeys.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _scenario(entry: Any, place: str, faults: _Faults) -> Scenario | None:
    before = len(faults.found)
    if not isinstance(entry, dict):
        faults.add(place, None, f"expected a mapping with {', '.join(FIELDS[:4])} and what it states, was {_kind(entry)}")
        return None
    label = entry["id"] if isinstance(entry.get("id"), str) and entry["id"] else place
    for name in entry:
        if name not in FIELDS:
            faults.add(label, str(name), f"expected one of {', '.join(FIELDS)}; remove or rename the field")
    words = (
        _text(entry, "id", label, faults, lambda text: bool(_ID.fullmatch(text)), "2 to 48 of a-z, 0-9 and _, a letter first"),
        _text(entry, "name", label, faults, lambda text: 0 < len(text.strip()) <= MAX_NAME, f"1 to {MAX_NAME} characters"),
        _text(entry, "category", label, faults, lambda text: text in CATEGORIES, f"one of {', '.join(CATEGORIES)}"),
        _text(entry, "severity", label, faults, lambda text: text in SEVERITIES, f"one of {', '.join(SEVERITIES)}"),
    )
    shocks, returns = _moves(entry, "shocks", label, faults), _moves(entry, "returns", label, faults)
    for factor in sorted(set(shocks) & set(returns)):
        faults.add(label, f"returns.{factor}", "expected a shock or a return of a factor, not both; remove one of them")
    rates_bp, iv_change = (_number(entry.get(name), name, label, name, faults) for name in ("rates_bp", "iv_change"))
    replay = _replay(entry.get("replay"), label, faults) if "replay" in entry else None
    says_something = shocks or returns or rates_bp is not None or iv_change is not None or replay
    if not says_something and len(faults.found) == before:
        faults.add(label, None, "expected at least one of shocks, returns, rates_bp, iv_change and replay, was none")
    return Scenario(*words, shocks, returns, rates_bp, iv_change, replay) if len(faults.found) == before else None


def _text(entry: dict[str, Any], name: str, label: str, faults: _Faults, is_legal: Callable[[str], bool], expected: str) -> str:
    value = entry.get(name)
    if isinstance(value, str) and is_legal(value):
        return value
    faults.add(label, name, f"expected {expected}, was {_shown(value)}")
    return ""


def _moves(entry: dict[str, Any], name: str, label: str, faults: _Faults) -> dict[str, float]:
    given = entry.get(name, {})
    if not isinstance(given, dict):
        faults.add(label, name, f"expected a mapping of factors to numbers, was {_kind(given)}")
        return {}
    out = {}
    for factor, value in given.items():
        if factor not in FACTORS:
            faults.add(label, f"{name}.{factor}", f"expected a factor out of {', '.join(FACTORS)}")
            continue
        number = _number(value, f"{name}.{factor}", label, name, faults, required=True)
        if number is not None:
            out[str(factor)] = number
    return {factor: out[factor] for factor in FACTORS if factor in out}


def _number(value: Any, field: str, label: str, kind: str, faults: _Faults, *, required: bool = False) -> float | None:
    if value is None and not required:
        return None
    lowest, highest = _LIMITS[kind]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or not lowest < value <= highest:
        faults.add(label, field, f"expected {_UNITS[kind]}, above {lowest:g} and at most {highest:g}, was {_shown(value)}")
        return None
    return float(value)


def _replay(value: Any, label: str, faults: _Faults) -> tuple[date, date] | None:
    days = [_date(day) for day in value] if isinstance(value, list) else []
    if len(days) == 2 and days[0] is not None and days[1] is not None and days[0] < days[1]:
        return days[0], days[1]
    faults.add(label, "replay", f"expected [first close, last close] as YYYY-MM-DD, the first before the last, was {_shown(value)}")
    return None


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _bands(value: Any, faults: _Faults) -> SeverityBands | None:
    """Bands that meet: each begins where the one before ends, from 0 without end."""
    expected = "top level, field severity_bands: expected each of " + ", ".join(SEVERITIES)
    if not isinstance(value, dict) or tuple(value) != SEVERITIES or not all(isinstance(b, list) and len(b) == 2 for b in value.values()):
        faults.found.append(f"{expected}, in this order, with [lower, upper], was {_shown(value)}")
        return None
    lower, upper = [value[name][0] for name in SEVERITIES], [value[name][1] for name in SEVERITIES]
    numbers = all(isinstance(bound, (int, float)) and not isinstance(bound, bool) for bound in lower)
    if not numbers or lower[0] != 0 or upper[:-1] != lower[1:] or upper[-1] is not None or sorted(set(lower)) != lower:
        faults.found.append(f"{expected} to begin where the one before ends, from 0 to null, was {_shown(value)}")
        return None
    return SeverityBands(tuple(float(bound) for bound in lower))


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value if not isinstance(value, list) else [str(part) for part in value])[:80]
