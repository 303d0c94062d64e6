"""HTML for browsers: one page that needs nothing else, with the sections of the Markdown and pictures of their tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from sigmasight_assets.reports import markdown
from sigmasight_assets.reports.model import Report, Section, Table, Value
from sigmasight_assets.reports.pictured import picture
from sigmasight_assets.reports.texts import one_line
from sigmasight_assets.reports.words import explained

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load for the page: nothing; no script runs in it."""
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:78rem;padding:1.5rem}
h1{margin:0 0 .2rem}h2{margin:2.4rem 0 .6rem;border-bottom:1px solid var(--line)}h3{margin:1.4rem 0 .4rem}
nav{columns:3;margin:1rem 0}nav a{display:block}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:.18rem .6rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
th{background:var(--soft)}th.figure,td.figure{text-align:right}
.wide{overflow-x:auto}.status{font-weight:600}.of{font-size:13px}
svg{display:block;width:100%;max-width:46rem;margin:.6rem 0;font:11px system-ui,sans-serif}svg .title{font-weight:600}
@media print{nav{display:none}h2{break-after:avoid}svg,tr{break-inside:avoid}}
"""


def render(report: Report) -> str:
    """The whole report; the same bytes for the same rows."""
    title = f"{_safe(report.name)}, {report.session}"
    links = "".join(f'<a href="#{_safe(section.name)}">{_safe(section.title)}</a>' for section in report.sections)
    head = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
    )
    intro = f"<h1>{_safe(report.name)}</h1><p>Close of {report.session}. Portfolio <code>{_safe(report.slug)}</code>. Amounts in USD.</p>"
    sections = "\n".join(_section(section, report.session) for section in report.sections)
    return f"{head}<body>{intro}<nav>{links}</nav>\n{sections}\n</body></html>\n"


def _section(section: Section, session: date) -> str:
    parts = [f'<section id="{_safe(section.name)}"><h2>{_safe(section.title)}</h2>']
    if section.status == "not_available":
        return "".join([*parts, f"<p>N/A: {_safe(section.reason or 'no reason given')}.</p></section>"])
    if section.status != "ok":
        covered = "" if section.coverage is None else f" The figures cover {section.coverage:.2%} of the book."
        parts.append(f'<p><span class="status">Status: {_safe(section.status)}</span>: {_safe(explained(section.reason))}.{covered}</p>')
    if section.as_of is not None and section.as_of != session:
        parts.append(f"<p>As of {section.as_of}.</p>")
    if section.notes:
        parts.append(f"<ul>{''.join(f'<li>{_safe(note)}</li>' for note in section.notes)}</ul>")
    if section.metrics and not section.metrics_are_in_tables:
        rows = [(_safe(metric.column.label), _cell(metric.value, metric.column.unit)) for metric in section.metrics]
        parts.append(_grid(("Measure", "Value"), rows, (False, True)))
    for table in section.tables:
        parts.append(f"<h3>{_safe(table.title)}</h3>{picture(section, table)}{_table(table)}")
    return "".join([*parts, "</section>"])


def _table(table: Table) -> str:
    if not table.rows:
        return "<p>None.</p>"
    labels = [_safe(column.label) for column in table.columns]
    rows = [[_cell(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    grid = _grid(labels, rows, [column.unit not in markdown.TEXTS for column in table.columns])
    return grid if table.of is None else f'{grid}<p class="of">The first {len(rows):,} of {table.of:,} rows.</p>'


def _grid(labels: Sequence[str], rows: Sequence[Sequence[str]], is_figure: Sequence[bool]) -> str:
    kinds = [' class="figure"' if figure else "" for figure in is_figure]
    head = "".join(f"<th{kind}>{label}</th>" for label, kind in zip(labels, kinds, strict=True))
    body = "".join(f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(row, kinds, strict=True))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Value, unit: str) -> str:
    """A value rounded as in Markdown; a text as it is."""
    return _safe(str(value)) if isinstance(value, (str, date)) else markdown.shown(value, unit)


def _safe(text: str) -> str:
    """Text that cannot pass as markup or reorder what stands beside it."""
    return escape(one_line(text))
