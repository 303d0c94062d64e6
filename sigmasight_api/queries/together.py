"""Several selections as one query: a request has so few queries that those on one moment of the store share one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, cast, literal, null, select, union_all

Rows = list[dict[str, Any]]


def rows_together(connection: Connection, parts: Mapping[str, Select[Any]]) -> dict[str, Rows]:
    """The rows of each selection by column name, in one query.

    It is the union of the selections, each with its own columns and NULL in those of the others: meant for a few rows, of a book on a
    session. Rows come in any order.
    """
    columns = [(part, column) for part, query in parts.items() for column in query.selected_columns]
    selections = []
    for number, (part, query) in enumerate(parts.items()):
        inner = query.subquery(part)
        cells = [
            (inner.c[column.name] if owner == part else cast(null(), column.type)).label(f"c{i}")
            for i, (owner, column) in enumerate(columns)
        ]
        selections.append(select(literal(number), *cells))
    names = list(parts)
    where, place = {}, 1
    for part, query in parts.items():
        keys = [str(column.name) for column in query.selected_columns]
        where[part] = (keys, slice(place, place + len(keys)))
        place += len(keys)
    out: dict[str, Rows] = {part: [] for part in parts}
    for row in connection.execute(union_all(*selections)):
        part = names[row[0]]
        keys, cells_of = where[part]
        out[part].append(dict(zip(keys, row[cells_of], strict=True)))
    return out
