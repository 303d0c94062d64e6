"""Collections whose rows are in memory already: sorted, paged and put into the envelope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from sigmasight_api.answers import Paged, collection
from sigmasight_api.errors import invalid


class Sorted(Paged):
    """A page of a sorted collection."""

    sort: Annotated[str | None, Field(description="Fields to sort by, comma-separated, `-` before a descending one", max_length=200)] = None


def listed(rows: Sequence[dict[str, Any]], page: Paged, meta: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of a page of some rows."""
    return collection(list(rows[page.offset : page.offset + page.limit]), page, meta, len(rows))


def sorted_rows(rows: Sequence[dict[str, Any]], sort: str | None, fields: Sequence[str]) -> list[dict[str, Any]]:
    """Rows by `sort=field,-field`, missing values last, ties in the order that they came in.

    Raises
    ------
    Problem
        422 for a field that is not one to sort by.
    """
    out = list(rows)
    for part in reversed([name.strip() for name in (sort or "").split(",") if name.strip()]):
        name, descending = part.removeprefix("-"), part.startswith("-")
        if name not in fields:
            raise invalid(("query", "sort"), f"expected fields out of {', '.join(fields)}", part, "unknown_field")
        known = [row for row in out if row[name] is not None]
        known.sort(key=lambda row: row[name], reverse=descending)
        out = known + [row for row in out if row[name] is None]
    return out
