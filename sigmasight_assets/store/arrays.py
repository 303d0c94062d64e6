"""Driver rows as arrays, a whole column at a time: what frames are made of, and what is read without pandas.

Floats are float64 with NaN, dates datetime64[s] with NaT, moments datetime64[us] in UTC with NaT, ids `uuid.UUID`, exact decimals
`Decimal`, texts object with None; whole numbers and truths are float64 and object where any is missing, int64 and bool where none is.
"""

from __future__ import annotations

import gc
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import JSON, Boolean, Date, Float, Integer, String, Uuid
from sqlalchemy.types import TypeEngine

from sigmasight_assets.store.columns import ExactDecimal, PackedFloats, UtcDateTime, decimal_text, unpack

AnyArray = npt.NDArray[Any]
Columns = dict[str, AnyArray]
ObjectArray = npt.NDArray[np.object_]


@contextmanager
def uncollected() -> Iterator[None]:
    """Many rows at once without the search for cycles: rows have none, and their number alone makes Python search all that it holds."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def arrays_of(rows: Sequence[Sequence[Any]], columns: Sequence[tuple[str, TypeEngine[Any]]]) -> Columns:
    """Driver rows as typed arrays; `columns` are (name, SQL type) in the rows' order."""
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return {name: _from_driver(values, kind) for (name, kind), values in zip(columns, cells, strict=True)}


def _from_driver(values: Sequence[Any], kind: TypeEngine[Any]) -> AnyArray:
    if isinstance(kind, Float):
        return np.array(values, dtype=np.float64)
    if isinstance(kind, Date):
        days = {value: np.datetime64(value or "NaT", "D").astype("datetime64[s]") for value in set(values)}
        return np.fromiter(map(days.__getitem__, values), dtype="datetime64[s]", count=len(values))
    if isinstance(kind, UtcDateTime):
        known = {value: _moment(value) for value in set(values)}
        return np.fromiter(map(known.__getitem__, values), dtype="datetime64[us]", count=len(values))
    if isinstance(kind, Boolean):
        missing = any(value is None for value in values)
        return np.array([None if value is None else bool(value) for value in values], dtype=object if missing else bool)
    if isinstance(kind, Integer):
        missing = any(value is None for value in values)
        return np.array(values, dtype=np.float64 if missing else np.int64)
    if isinstance(kind, PackedFloats):
        return objects(None if value is None else unpack(value) for value in values)
    if isinstance(kind, Uuid):
        return _mapped(identifier, values) if str in set(map(type, values)) else np.fromiter(values, dtype=object, count=len(values))
    if isinstance(kind, String):
        first: dict[Any, Any] = {}
        return _mapped(first.setdefault, values, values)  # equal texts are one object
    return by_distinct(values, _reader(kind))


def _mapped(convert: Callable[..., Any], *values: Sequence[Any]) -> ObjectArray:
    return np.fromiter(map(convert, *values), dtype=object, count=len(values[0]))


def objects(values: Iterable[Any]) -> ObjectArray:
    """Values as they are: arrays among them never become a table of their elements."""
    listed = list(values)
    cells = np.empty(len(listed), dtype=object)
    for i, value in enumerate(listed):
        cells[i] = value
    return cells


def by_distinct(values: Sequence[Any], convert: Callable[[Any], Any]) -> ObjectArray:
    """Convert each distinct value once, so that equal ones are one object; None stays None."""
    try:
        known = {value: convert(value) for value in set(values) - {None}}
    except TypeError:  # JSON that the driver has read already: it has no hash
        return _mapped(lambda value: None if value is None else convert(value), values)
    known[None] = None
    return _mapped(known.__getitem__, values)


def by_object(values: Sequence[Any], convert: Callable[[Any], Any]) -> ObjectArray:
    """Convert each object once: for ids, of which rows share one object, and whose hash is Python's and slow."""
    names = list(map(id, values))
    objects = dict(zip(names, values, strict=True))
    known = {name: convert(value) for name, value in objects.items()}
    return _mapped(known.__getitem__, names)


def _moment(value: str | datetime | None) -> np.datetime64:
    """SQLite's text, which is UTC, or PostgreSQL's datetime, which says its zone."""
    if value is None:
        return np.datetime64("NaT", "us")
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return np.datetime64(moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None), "us")


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, ExactDecimal):
        return lambda value: Decimal(decimal_text(Decimal(value)))
    if isinstance(kind, JSON):
        return lambda value: orjson.loads(value) if isinstance(value, str) else value
    return lambda value: value


@lru_cache(maxsize=131_072)
def identifier(value: Any) -> uuid.UUID | None:
    """The same lots and portfolios are read table after table: an id is parsed once a process, while there are not too many."""
    return uuid.UUID(value) if isinstance(value, str) else value
