"""How answers are put together: meta of row sets, pages, and what every operation's documentation says of errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement, asc, desc

from sigmasight_api.errors import PROBLEM_JSON, invalid
from sigmasight_api.models.base import AsOfDate, OwnPortfolio, ProblemDocument, Query
from sigmasight_api.provenance import RowSet

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 500


class Paged(Query):
    """Where a page begins and how long it is."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_LIMIT, description="Rows of the page")] = DEFAULT_LIMIT
    offset: Annotated[int, Field(ge=0, le=10_000_000, description="Rows before it")] = 0


class AsOf(Query):
    """As of when."""

    as_of: AsOfDate = None


class OfPortfolio(Query):
    """Which portfolio, and as of when."""

    portfolio_id: OwnPortfolio = None
    as_of: AsOfDate = None


def meta_of(row_set: RowSet, coverage: float | None = None, status: str | None = None, reason: str | None = None) -> dict[str, Any]:
    """`meta` of an analytic answer; status and reason of a row go before those of its row set."""
    return {
        "table": row_set.table,
        "as_of": row_set.session,
        "computed_at": row_set.computed_at,
        "changed_at": row_set.changed_at,
        "run_id": row_set.run_id,
        "code_version": row_set.code_version,
        "status": status or row_set.status,
        "reason": reason if status else row_set.reason,
        "coverage": coverage,
        "stale": row_set.stale,
        "stale_reason": row_set.stale_reason,
    }


def collection(rows: list[dict[str, Any]], page: Paged, meta: Mapping[str, Any], total: int) -> dict[str, Any]:
    """The envelope of a page of a collection that has `total` rows."""
    return {"items": rows, "page": {"limit": page.limit, "offset": page.offset, "total": total}, "meta": dict(meta)}


def ordered(sort: str | None, columns: Mapping[str, ColumnElement[Any]], default: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """ORDER BY of `sort=field,-field`, missing values last, then the default, so that pages do not overlap.

    Raises
    ------
    Problem
        422 for a field that is not one to sort by.
    """
    out: list[ColumnElement[Any]] = []
    for part in (sort or "").split(","):
        name = part.strip()
        if not name:
            continue
        column = columns.get(name.removeprefix("-"))
        if column is None:
            raise invalid(("query", "sort"), f"expected fields out of {', '.join(columns)}", name, "unknown_field")
        out.append((desc(column) if name.startswith("-") else asc(column)).nulls_last())
    return [*out, *default]


SCHEMAS = "#/components/schemas/"
_REASONS = {
    401: "No token, or one that is not valid",
    403: "Needs the role admin",
    404: "Does not exist for this caller, or is not computed yet (`not_materialized`)",
    409: "Conflicts with what is stored",
    412: "Changed since it was read (`If-Match`)",
    422: "A value cannot be used; `errors` says which",
    428: "`If-Match` is needed",
    429: "Too many requests",
    503: "The database, or what computes, does not answer",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of an operation's errors: these, and those that every operation has."""
    wanted: Iterable[int] = sorted({401, 422, 429, 503, *statuses})
    content = {PROBLEM_JSON: {"schema": {"$ref": f"{SCHEMAS}ProblemDocument"}}}
    return {status: {"description": _REASONS[status], "content": content} for status in wanted}


def add_problem_schema(document: dict[str, Any]) -> None:
    """Put what `problems` refers to into an OpenAPI document."""
    schema = ProblemDocument.model_json_schema(ref_template=SCHEMAS + "{model}")
    found = document["components"]["schemas"] | schema.pop("$defs") | {ProblemDocument.__name__: schema}
    document["components"]["schemas"] = dict(sorted(found.items()))
