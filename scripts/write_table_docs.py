"""Write docs/tables.md from the tables themselves, and publish the reports' JSON schema: `python scripts/write_table_docs.py [--check]`.

`--check` writes nothing and exits 1 where a page differs from what the code says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import JSON, Column, Date, DateTime, Float, ForeignKeyConstraint, Integer, Numeric, String, Table, UniqueConstraint, Uuid

from sigmasight_assets.store.columns import ExactDecimal, UtcDateTime
from sigmasight_assets.store.gates import GATES
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, UNDATED, Window
from sigmasight_assets.store.tables import METADATA

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "sigmasight_assets" / "reports" / "schema" / "portfolio_report.schema.json"
_INTRODUCTION = """# Tables

Generated from the code by `make docs`; a test fails where this page differs. Conventions: [conventions.md](conventions.md).

Every computed column is double precision and NULL where its value is missing; the row's `status` and `reason` say why. Money is USD; rates,
volatilities, returns and shares are decimals (0.05 is 5 %). Exact decimals are NUMERIC on PostgreSQL and text on SQLite. `session` is a
trading day of the New York Stock Exchange. Which run and code version wrote a row set, and when it last changed, is in
[materializations](#materializations).
"""
_BOOKS = {
    "api_tokens": "one row per personal token",
    "activity": "one row per thing that somebody did",
    "operations": "one row per piece of work that was asked of the API",
    "check_results": "one row per table and check: what it said last",
    "users": "one row per user",
    "portfolios": "one row per portfolio",
    "instruments": "one row per symbol and asset class that any lot is of",
    "lots": "one row per lot",
    "tags": "one row per user and tag",
    "lot_tags": "one row per lot and tag",
    "flows": "one row per flow of money",
    "appraisals": "one row per portfolio, private asset and date of a mark",
    "imports": "one row per import that changed something",
    "ledger_changes": "one row per change of the books, for the runs that follow it",
    "materializations": "one row per table, session and portfolio: the provenance of the row set",
}
_TYPES = (
    (ExactDecimal, "exact decimal"),
    (UtcDateTime, "UTC timestamp"),
    (Uuid, "UUID"),
    (JSON, "JSON"),
    (Float, "double"),
    (Integer, "integer"),
    (Date, "date"),
    (DateTime, "timestamp"),
    (Numeric, "numeric"),
)


def pages() -> dict[Path, str]:
    """Path -> content of every generated page."""
    return {ROOT / "docs" / "tables.md": render(), ROOT / "docs" / SCHEMA.name: SCHEMA.read_text()}


def render() -> str:
    """All tables: the computed ones in the order in which they are made, then the books of record and the rest."""
    computed = [METADATA.tables[name] for name in LINEAGE]
    others = [table for name, table in sorted(METADATA.tables.items()) if name not in LINEAGE]
    lines = [_INTRODUCTION, "| table | one row per | made of |", "|---|---|---|"]
    for table in computed:
        made_of = ", ".join(dict.fromkeys(upstream.table for upstream in LINEAGE[table.name])) or "the provider"
        lines.append(f"| [{table.name}](#{table.name}) | {_grain(table).removeprefix('one row per ')} | {made_of} |")
    lines += [f"| [{table.name}](#{table.name}) | {_grain(table).removeprefix('one row per ')} | |" for table in others]
    lines += ["", "## Computed tables", ""]
    for table in computed:
        lines += _table(table)
    lines += ["## Books of record and bookkeeping", ""]
    for table in others:
        lines += _table(table)
    return "\n".join(lines).rstrip() + "\n"


def _grain(table: Table) -> str:
    return str(table.info.get("grain") or _BOOKS.get(table.name, ""))


def _table(table: Table) -> list[str]:
    facts = [f"Key: {', '.join(f'`{column.name}`' for column in table.primary_key.columns)}."]
    if _grain(table):
        facts.insert(0, f"{_grain(table).capitalize()}.")
    lines = [f"### {table.name}", "", " ".join(facts), ""]
    if table.name in LINEAGE:
        lines += _lineage(table.name)
    lines += _constraints(table)
    lines += ["| column | type | unit | may be NULL | meaning |", "|---|---|---|---|---|"]
    return [*lines, *(_column(column) for column in table.columns), ""]


def _lineage(name: str) -> list[str]:
    scope = "per portfolio" if name in BY_PORTFOLIO else "for everybody"
    dated = "not dated" if name in UNDATED else "by session"
    lines = [f"Row sets are kept {scope}, {dated}."]
    inputs = [f"`{upstream.name}` ({_window(upstream.window)})" for upstream in LINEAGE[name]]
    if inputs:
        lines.append(f"Reads, in sessions before and after its own: {', '.join(inputs)}.")
    rules = [f"{gate.rule} (`{gate.name}`)" for gate in GATES.get(name, ())]
    if rules:
        lines.append(f"Gates, whose rows are quarantined where they fail: {'; '.join(rules)}.")
    return [" ".join(lines), ""]


def _window(window: Window) -> str:
    if window.first == 0 and window.last == 0:
        return "the same session"
    first = "the first" if window.first is None else f"{window.first:+d}"
    last = "the last" if window.last is None else "its own" if window.last == 0 else f"{window.last:+d}"
    return f"{first} to {last}"


def _constraints(table: Table) -> list[str]:
    said = []
    for foreign in sorted(table.foreign_key_constraints, key=lambda key: [column.name for column in key.columns]):
        said.append(f"{_names(foreign)} refers to {', '.join(f'`{element.target_fullname}`' for element in foreign.elements)}")
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            said.append(f"{_names(constraint)} unique")
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        condition = index.dialect_options["sqlite"]["where"]
        where = "" if condition is None else f" where {condition.compile(compile_kwargs={'literal_binds': True})}"
        columns = ", ".join(f"`{column.name}`" for column in index.columns)
        said.append(f"{'unique index' if index.unique else 'index'} `{index.name}` on {columns}{where}")
    return [f"Also: {'; '.join(sorted(said))}.", ""] if said else []


def _names(constraint: ForeignKeyConstraint | UniqueConstraint) -> str:
    return ", ".join(f"`{column.name}`" for column in constraint.columns)


def _column(column: Column[object]) -> str:
    allowed = ", ".join(f"`{word}`" for word in column.info.get("allowed", ()))
    meaning = (column.comment or "").replace("|", "\\|")
    if allowed and not all(word in meaning.replace(",", " ").split() for word in column.info["allowed"]):
        meaning = f"{meaning}: {allowed}" if meaning else allowed
    cells = (f"`{column.name}`", _type(column), str(column.info.get("unit", "")), "yes" if column.nullable else "", meaning)
    return f"| {' | '.join(cells)} |"


def _type(column: Column[object]) -> str:
    for kind, name in _TYPES:
        if isinstance(column.type, kind):
            return name
    length = column.type.length if isinstance(column.type, String) else None
    return f"text, at most {length}" if length else "text"


def main() -> int:
    wrong = [path for path, content in pages().items() if not path.exists() or path.read_text() != content]
    if "--check" in sys.argv[1:]:
        print(f"out of date: {', '.join(path.name for path in wrong)}; run `make docs`" if wrong else "the pages are up to date")
        return 1 if wrong else 0
    for path, content in pages().items():
        path.write_text(content)
        print(f"{path.relative_to(ROOT)}: {len(content):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
