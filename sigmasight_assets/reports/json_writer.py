"""JSON for machines and language models: a group per engine, flat metrics inside, nothing rounded, small enough to hand over whole."""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from typing import Any

from sigmasight_assets.reports.model import Report, Section, Value

SCHEMA_VERSION = "1"
MAX_BYTES = 60_000


def document(report: Report) -> dict[str, Any]:
    """The report as JSON values; see schema/portfolio_report.schema.json. Larger than `MAX_BYTES` as text, tables lose their last rows."""
    whole: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "portfolio": {"id": str(report.portfolio_id), "slug": report.slug, "name": report.name, "currency": "USD"},
        "session": report.session.isoformat(),
        "groups": {section.name: _group(section) for section in report.sections},
    }
    _shorten(whole["groups"], MAX_BYTES - len(_text(whole).encode()))
    return whole


def _group(section: Section) -> dict[str, Any]:
    units = {metric.column.name: metric.column.unit for metric in section.metrics}
    for table in section.tables:
        units |= {f"{table.name}.{column.name}": column.unit for column in table.columns if column.unit not in ("text", "date")}
    return {
        "title": section.title,
        "status": section.status,
        "reason": section.reason,
        "as_of": None if section.as_of is None else section.as_of.isoformat(),
        "coverage": section.coverage,
        "notes": list(section.notes),
        "units": units,
        "metrics": {metric.column.name: _value(metric.value) for metric in section.metrics},
        "tables": {
            table.name: [{column.name: _value(cell) for column, cell in zip(table.columns, row, strict=True)} for row in table.rows]
            for table in section.tables
        },
        "truncated": {table.name: {"rows": len(table.rows), "of": table.of} for table in section.tables if table.of is not None},
    }


def _shorten(groups: dict[str, Any], spare: int) -> None:
    """Drop last rows, each time of the table that takes most bytes, until `spare` is not negative; `truncated` says of which."""
    sizes = {
        (group, table): [len(_text(row).encode()) for row in rows]
        for group, content in groups.items()
        for table, rows in content["tables"].items()
    }
    while spare < 0:
        place = max(sizes, key=lambda key: sum(sizes[key]), default=None)
        if place is None or not sizes[place]:
            return
        spare += sizes[place].pop()
        group, table = place
        rows, said = groups[group]["tables"][table], groups[group]["truncated"]
        if table not in said:
            spare -= len(f'"{table}":{{"rows":{len(rows)},"of":{len(rows)}}},'.encode())
            said[table] = {"of": len(rows)}
        rows.pop()
        said[table] = {"rows": len(rows), "of": said[table]["of"]}


def _value(value: Value) -> float | int | str | None:
    return value.isoformat() if isinstance(value, date) else value


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def render(report: Report) -> str:
    """Compact JSON text, the same bytes for the same rows."""
    return _text(document(report))


def schema() -> dict[str, Any]:
    """The published JSON Schema."""
    text = resources.files("sigmasight_assets.reports").joinpath("schema/portfolio_report.schema.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded
