"""What all answers share: the envelope of collections, `meta`, and problems; and models made from the tables' own columns."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model
from sqlalchemy import JSON, Boolean, Column, Date, Float, Integer, Numeric, Table, Uuid

from sigmasight_assets.store.columns import STATUSES, ExactDecimal, UtcDateTime

Item = TypeVar("Item")


class Document(BaseModel):
    """A part of an answer: documented by its model, and not validated by it, so that a validator is made when one is asked for."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), defer_build=True)


class Body(BaseModel):
    """A request body: a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, protected_namespaces=())


class Query(BaseModel):
    """Query parameters: one that is not known is refused."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


AsOfDate = Annotated[date | None, Field(description="The last session on or before this date; without it the latest computed")]
OwnPortfolio = Annotated[uuid.UUID | None, Field(description="May be left out by who owns one portfolio alone")]


class StaleReason(Document):
    """Why rows are stale."""

    cause: str = Field(description="input_changed, code_version or input_stale")
    input: str = Field(description="The table or ledger facet that is to blame")
    detail: str


class Meta(Document):
    """Of which session the numbers are, who computed them when, and what they are worth."""

    table: str = Field(description="The table that was read")
    as_of: date | None = Field(description="Session of the numbers")
    computed_at: datetime | None = Field(description="When the inputs of the last computation were read")
    changed_at: datetime | None = Field(description="When the numbers last became different")
    run_id: str | None = Field(description="The run that computed them last")
    code_version: str | None
    status: str = Field(description=", ".join(STATUSES))
    reason: str | None = Field(description="Why the status is not ok")
    coverage: float | None = Field(description="Share of the book that the numbers are of; null where it has no meaning")
    stale: bool = Field(description="Whether an input, or the code, changed after they were computed")
    stale_reason: StaleReason | None


class Page(Document):
    """Where a page stands in its collection."""

    limit: int
    offset: int
    total: int


class Collection(Document, Generic[Item]):
    """A page of a collection that no engine computed."""

    items: list[Item]
    page: Page
    meta: dict[str, Any]


class AnalyticCollection(Document, Generic[Item]):
    """A page of computed rows."""

    items: list[Item]
    page: Page
    meta: Meta


class Fault(Document):
    """One value that cannot be used."""

    loc: list[str | int] = Field(description="Where it stands: query, path or body, then names and positions")
    code: str
    message: str
    value: Any = Field(None, description="What it was; never a secret")


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow", defer_build=True)
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="One word for programs")
    request_id: str | None
    errors: list[Fault]


_TYPES: tuple[tuple[type, Any], ...] = (
    (ExactDecimal, float),
    (UtcDateTime, datetime),
    (Uuid, uuid.UUID),
    (JSON, Any),
    (Boolean, bool),
    (Float, float),
    (Numeric, float),
    (Integer, int),
    (Date, date),
)


def field_of(column: Column[Any], *, optional: bool = False) -> tuple[Any, Any]:
    """Type and field of a column: its comment, its unit, and null where the column may be NULL."""
    kind = next((python for sql, python in _TYPES if isinstance(column.type, sql)), str)
    unit = column.info.get("unit")
    allowed = column.info.get("allowed")
    words = (
        (column.comment or column.name.replace("_", " ")) + (f" [{unit}]" if unit else "") + (f": {', '.join(allowed)}" if allowed else "")
    )
    extra = {"x-unit": unit} if unit else None
    return (kind | None if column.nullable or optional else kind), Field(description=words, json_schema_extra=extra)


def model_of(
    name: str,
    doc: str,
    table: Table,
    *,
    leave_out: Sequence[str] = (),
    only: Sequence[str] | None = None,
    base: type[BaseModel] = Document,
    optional: bool = False,
    **more: tuple[Any, Any],
) -> Any:
    """A model with a table's columns, in its order, and further fields.

    Parameters
    ----------
    optional : bool
        Whether every column may be null, as on the far side of an outer join.
    """
    names = [column.name for column in table.columns if column.name not in leave_out and (only is None or column.name in only)]
    fields: Mapping[str, Any] = {column: field_of(table.c[column], optional=optional) for column in names}
    return create_model(name, __base__=base, __doc__=doc, __module__=__name__, **fields, **more)
