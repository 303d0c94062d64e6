"""Calculations within a request: the assets' own functions on stored inputs, and `meta` of what they gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.responses import Response

from sigmasight_api.access import Access, Book, Caller, to_json
from sigmasight_api.provenance import RowSet
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.versions import CODE_VERSIONS

if TYPE_CHECKING:
    import pandas as pd


def reader_of(caller: Caller) -> Reader:
    """What a calculation reads with, in the caller's moment of the store."""
    return Reader(caller.service.database, caller.connection, caller.service.calendar)


@contextmanager
def book_to_calculate(door: Access, portfolio_id: UUID | None) -> Iterator[tuple[Book, Reader]]:
    """One portfolio of the caller, and what a calculation reads with."""
    with door.reading_of(portfolio_id) as book:
        yield book, reader_of(book)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as Python has them: None for missing, sessions as dates."""
    columns: dict[str, list[Any]] = {}
    for column in frame.columns:
        name, values = str(column), frame[column]
        if values.dtype.kind == "M":
            columns[name] = values.to_numpy().astype("datetime64[D]").tolist()
        elif values.dtype.kind == "f":
            columns[name] = [None if value != value else value for value in values.tolist()]
        else:
            columns[name] = values.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def calculated_meta(
    caller: Caller, table: str, inputs: RowSet, coverage: float | None = None, status: str = "ok", reason: str | None = None
) -> dict[str, Any]:
    """`meta` of an answer that nobody stored: as the table's own, computed now; it is stale where what it is made of is."""
    return {
        "table": table,
        "as_of": inputs.session,
        "computed_at": caller.service.clock(),
        "changed_at": None,
        "run_id": None,
        "code_version": CODE_VERSIONS[table],
        "status": status,
        "reason": reason,
        "coverage": coverage,
        "stale": inputs.stale,
        "stale_reason": inputs.stale_reason,
    }


def answered(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer that is not kept."""
    return Response(to_json(document), status, headers, "application/json")


def lowest(values: Sequence[float | None]) -> float | None:
    """The least of the known values."""
    return min((value for value in values if value is not None), default=None)
