"""Markdown for people: rounding happens here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sigmasight_assets.reports.model import Report, Section, Table, Value

NUMERIC = ("USD", "share", "decimal", "price", "count")


def render(report: Report) -> str:
    """The whole report."""
    lines = [f"# {escape(report.name)}", "", f"Portfolio `{report.slug}`, close of {report.session}. Amounts in USD.", ""]
    for section in report.sections:
        lines += _section(section)
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section) -> list[str]:
    lines = [f"## {section.title}", ""]
    if section.status == "not_available":
        return [*lines, f"N/A: {section.reason}.", ""]
    if section.status != "ok":
        covered = "" if section.coverage is None else f", covering {section.coverage:.1%} of the book"
        lines += [f"**Status: {section.status}** ({section.reason or 'no reason given'}){covered}.", ""]
    lines += [f"- {note}" for note in section.notes] + ([""] if section.notes else [])
    if section.metrics and not (section.tables and section.name == "exposures"):
        rows = [(metric.column.label, shown(metric.value, metric.column.unit)) for metric in section.metrics]
        lines += [*_grid(("", ""), rows, (False, True)), ""]
    for table in section.tables:
        lines += [f"### {table.title}", "", *_table(table), ""]
    return lines


def _table(table: Table) -> list[str]:
    if not table.rows:
        return ["None."]
    labels = [column.label for column in table.columns]
    rows = [[shown(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    return _grid(labels, rows, [column.unit.startswith(NUMERIC) for column in table.columns])


def _grid(labels: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """A table whose columns line up as text, too."""
    widths = [max(3, len(label), *(len(row[i]) for row in rows)) for i, label in enumerate(labels)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.rjust(width) if r else cell.ljust(width) for cell, width, r in zip(cells, widths, right, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = "|".join(f"{'-' * (width + 1)}:" if r else "-" * (width + 2) for width, r in zip(widths, right, strict=True))
    return [line(labels), f"|{rule}|", *(line(row) for row in rows)]


def shown(value: Value, unit: str) -> str:
    """A value as people read it; N/A where there is none."""
    if value is None:
        return "N/A"
    if isinstance(value, (str, date)):
        return escape(str(value))
    if unit.startswith(("share", "decimal")):
        return f"{value:.2%}"
    if unit == "price":
        return f"{value:,.4f}"
    if unit == "count":
        return f"{value:,.10g}"
    return f"{value:,.0f}"


def escape(text: str) -> str:
    """Text that cannot break a table or pass as markup."""
    for sign in ("\\", "|", "<", ">", "*", "`", "[", "]"):
        text = text.replace(sign, "\\" + sign)
    return text.replace("\n", " ").replace("\r", " ")
