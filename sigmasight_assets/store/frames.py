"""Columns between pandas and the drivers, whole columns at a time.

Frames use float64 with NaN, datetime64[s] with NaT, `uuid.UUID`, `Decimal` and object texts with None. Drivers get what they take
fastest: None for missing, ISO dates, 32 hexadecimal digits for ids on SQLite.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
from sqlalchemy import JSON, Boolean, Date, Float, Integer, Table, Uuid
from sqlalchemy.types import TypeEngine

from sigmasight_assets.store.arrays import AnyArray, Columns, ObjectArray, arrays_of, by_distinct, by_object, objects
from sigmasight_assets.store.columns import ExactDecimal, PackedFloats, decimal_text, pack


def frame_of(columns: Columns) -> pd.DataFrame:
    """Arrays of `store.arrays` as a frame: alike, but for moments, which carry UTC."""
    return pd.DataFrame({name: _series(values) for name, values in columns.items()})


def columns_to_frame(rows: Sequence[Sequence[Any]], columns: Sequence[tuple[str, TypeEngine[Any]]]) -> pd.DataFrame:
    """Driver rows as a typed frame; `columns` are (name, SQL type) in the rows' order."""
    return frame_of(arrays_of(rows, columns))


def _series(values: AnyArray) -> pd.Series:
    column = pd.Series(values, dtype=values.dtype)
    return column.dt.tz_localize("UTC") if values.dtype == "datetime64[us]" else column


def to_driver(series: pd.Series, kind: TypeEngine[Any]) -> ObjectArray:
    """A column as the values both drivers accept: None, float, int, ISO date, hex id, canonical JSON text."""
    missing = series.isna().to_numpy()
    if isinstance(kind, (Float, Integer)):
        out = series.to_numpy(dtype=np.float64, na_value=np.nan) if isinstance(kind, Float) else series.to_numpy()
        cells = np.array(out, dtype=object)
        if isinstance(kind, Integer):
            cells = np.array([None if gone else int(cell) for cell, gone in zip(cells, missing, strict=True)], dtype=object)
    elif isinstance(kind, Date):
        cells = _iso_dates(series)
    elif isinstance(kind, PackedFloats):
        cells = np.array([None if gone else pack(cell) for cell, gone in zip(series, missing, strict=True)], dtype=object)
    elif isinstance(kind, Uuid):
        cells = by_object(series.to_numpy(dtype=object).tolist(), _writer(kind))
    else:
        cells = by_distinct(series.to_numpy(dtype=object).tolist(), _writer(kind))
    cells[missing] = None
    return cells


_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def copy_text(columns: Sequence[ObjectArray]) -> str:
    """Driver cells in PostgreSQL's COPY text format, one array a column: NULL is `\\N`, which no escaped text can be."""
    lines = zip(*(_copied(cells.tolist()) for cells in columns), strict=True)
    return "".join(["\t".join(line) + "\n" for line in lines])


def _copied(cells: list[Any]) -> list[str]:
    kinds = set(map(type, cells))
    if str in kinds or bytes in kinds:
        texts = {cell: _text_or_bytes(cell) for cell in set(cells)}
        return list(map(texts.__getitem__, cells))
    return ["\\N" if cell is None else repr(cell) for cell in cells] if type(None) in kinds else list(map(repr, cells))


def _text_or_bytes(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.translate(_COPY_ESCAPES)
    return "\\N" if cell is None else f"\\\\x{cell.hex()}" if isinstance(cell, bytes) else repr(cell)


def _writer(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, Uuid):
        return lambda value: f"{value.int:032x}" if isinstance(value, uuid.UUID) else value
    if isinstance(kind, ExactDecimal):
        return lambda value: decimal_text(value) if isinstance(value, Decimal) else value
    if isinstance(kind, Boolean):
        return lambda value: None if value is None else bool(value)
    if isinstance(kind, JSON):
        return lambda value: _canonical_json(value) if isinstance(value, (dict, list)) else value
    return lambda value: value


def _canonical_json(value: Any) -> str:
    """The one text of a JSON value; NaN and infinity are refused, as PostgreSQL does."""
    text = orjson.dumps(value, default=_plain_float, option=orjson.OPT_SORT_KEYS)
    if b"null" in text:  # which stands for None, and would for NaN
        _require_finite(value)
    return text.decode()


def _plain_float(value: Any) -> float:
    """NumPy's float is Python's; its arrays and other numbers have no place in JSON."""
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"JSON has no form for {type(value).__name__}")


def _require_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"JSON has no number for {value}")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    for part in parts:
        _require_finite(part)


def _iso_dates(series: pd.Series) -> ObjectArray:
    if series.dtype == object:
        return by_distinct(list(series), lambda value: value.isoformat()[:10] if isinstance(value, date) else value)
    days = series.to_numpy().astype("datetime64[D]")
    distinct, place = np.unique(days, return_inverse=True)
    return np.asarray(np.datetime_as_string(distinct).astype(object)[place])


def session_array(sessions: Sequence[date]) -> npt.NDArray[np.datetime64]:
    """Dates as the frames' dtype, shape (n_sessions,)."""
    return np.array(sessions, dtype="datetime64[D]").astype("datetime64[s]")


def records_to_frame(records: Sequence[Mapping[str, Any]], table: Table) -> pd.DataFrame:
    """Rows given as mappings, as `cells_to_frame`; a key that is no column is left out, a column that a record lacks is missing."""
    return cells_to_frame({column.name: [record.get(column.name) for record in records] for column in table.columns}, table)


def cells_to_frame(cells: Mapping[str, Sequence[Any] | AnyArray], table: Table) -> pd.DataFrame:
    """Columns of Python values or arrays, with exactly the table's columns and the types that `Database.frame` would give them."""
    return pd.DataFrame({column.name: _cells(cells[column.name], column.type) for column in table.columns})


def _cells(values: Sequence[Any] | AnyArray, kind: TypeEngine[Any]) -> pd.Series:
    if isinstance(kind, Float):
        is_right = isinstance(values, np.ndarray) and values.dtype == np.float64
        return pd.Series(values if is_right else np.array([np.nan if value is None else value for value in values], dtype=np.float64))
    if isinstance(kind, Date):
        return pd.Series(np.array(values, dtype="datetime64[D]").astype("datetime64[s]"))
    if isinstance(kind, Integer):
        return pd.Series(np.array(values, dtype=np.int64))
    return pd.Series(values if isinstance(values, np.ndarray) and values.dtype == object else objects(values))
