"""Markdown for people: rounding happens here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sigmasight_assets.reports.model import Report, Section, Table, Value
from sigmasight_assets.reports.texts import escape, padded, width
from sigmasight_assets.reports.words import explained

TEXTS = ("text", "date")
"""Units whose cells stand on the left; all others are figures, on the right."""


def render(report: Report) -> str:
    """The whole report."""
    lines = [f"# {escape(report.name)}", "", f"Close of {report.session}. Portfolio `{report.slug}`. Amounts in USD.", ""]
    for section in report.sections:
        lines += _section(section, report.session)
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section, session: date) -> list[str]:
    lines = [f"## {section.title}", ""]
    if section.status == "not_available":
        return [*lines, f"N/A: {escape(section.reason or 'no reason given')}.", ""]
    if section.status != "ok":
        covered = "" if section.coverage is None else f" The figures cover {section.coverage:.2%} of the book."
        lines += [f"**Status: {section.status}**: {escape(explained(section.reason))}.{covered}", ""]
    if section.as_of is not None and section.as_of != session:
        lines += [f"As of {section.as_of}.", ""]
    lines += [f"- {escape(note)}" for note in section.notes] + ([""] if section.notes else [])
    if section.metrics and not section.metrics_are_in_tables:
        rows = [(metric.column.label, shown(metric.value, metric.column.unit)) for metric in section.metrics]
        lines += [*_grid(("Measure", "Value"), rows, (False, True)), ""]
    for table in section.tables:
        lines += [f"### {escape(table.title)}", "", *_table(table), ""]
    return lines


def _table(table: Table) -> list[str]:
    if not table.rows:
        return ["None."]
    labels = [column.label for column in table.columns]
    rows = [[shown(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    lines = _grid(labels, rows, [column.unit not in TEXTS for column in table.columns])
    return lines if table.of is None else [*lines, "", f"The first {len(rows):,} of {table.of:,} rows."]


def _grid(labels: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """A table whose columns line up as text, too."""
    widths = [max(3, width(label), *(width(row[i]) for row in rows)) for i, label in enumerate(labels)]

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(padded(cell, size, right=r) for cell, size, r in zip(cells, widths, right, strict=True))} |"

    rule = "|".join(f"{'-' * (size + 1)}:" if r else "-" * (size + 2) for size, r in zip(widths, right, strict=True))
    return [line(labels), f"|{rule}|", *(line(row) for row in rows)]


def shown(value: Value, unit: str) -> str:
    """A value as people read it: N/A for a figure or a date that is missing, nothing for a text that is."""
    if value is None:
        return "" if unit == "text" else "N/A"
    if isinstance(value, (str, date)):
        return escape(str(value))
    text = _number(float(value), unit.split(" ")[0])
    return text.removeprefix("-") if text.startswith("-") and not any(sign in text for sign in "123456789") else text


def _number(value: float, kind: str) -> str:
    if kind in ("share", "decimal"):
        return f"{value:,.2%}"
    if kind == "price":
        return f"{value:,.4f}"
    if kind == "count":
        return f"{value:,.10g}"
    if kind == "USD" or abs(value) >= 1000.0:
        return f"{value:,.0f}"
    return f"{value:.4g}"
