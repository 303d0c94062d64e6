"""What `materializations` knows: content hashes of rows, and the record of who computed what when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Boolean, Float, Integer, Table
from sqlalchemy.types import TypeEngine

from sigmasight_assets.store.arrays import ObjectArray
from sigmasight_assets.store.columns import STATUSES

Key = tuple[Any, ...]
"""(session or None, portfolio or None), in the driver's form (ISO text, hex)."""

_HASH_KEYS = ("sigmasight-rows0", "sigmasight-rows1")

FACETS: dict[str, dict[str, tuple[str, ...]]] = {
    "prices": {"actions": ("dividend", "split_ratio")},
    "position_values": {"ended": ("event", "realized_pnl")},
    "position_correlations": {"average": ("average_correlation", "reason")},
}
"""Parts of a table that are judged on their own: table -> facet -> columns. `prices.actions` changes when a dividend or split does:
quantities depend on all of them since entry, values only on the last few closes. `position_values.ended` changes when a lot ends or
its proceeds do: cash depends on all of them so far. `position_correlations.average` does not change when a cluster is called otherwise."""
_FACET_DEFAULTS: dict[str, float] = {"dividend": 0.0, "split_ratio": 1.0}
NO_ROWS = "0" * 32
"""The content hash of a row set without rows."""
_MISSING = "\0"
"""Stands for NULL in hashed texts: a character that no stored text has (the schema gate refuses it)."""


@dataclass(frozen=True)
class Computation:
    """Who computes: stamped on every row set that is written.

    Attributes
    ----------
    run_id : str
        The run's id, so that a number leads back to its log.
    code_version : str
        The engine's VERSION.
    inputs_read_at : datetime
        A moment before the first input was read: a later change of an input makes the rows stale.
    """

    run_id: str
    code_version: str
    inputs_read_at: datetime


def key_columns(table: Table) -> list[str]:
    """The columns that a row set is addressed by: session, portfolio, both or none."""
    return [name for name in ("session", "portfolio_id") if name in table.primary_key.columns]


def row_hashes(
    table: Table, cells: dict[str, ObjectArray]
) -> tuple[np.ndarray[Any, np.dtype[np.uint64]], np.ndarray[Any, np.dtype[np.uint64]]]:
    """Two independent 64-bit hashes of every row of driver cells; equal cells give equal hashes, whatever rows they come with."""
    frame = pd.DataFrame({name: _hashable(values, table.c[name].type) for name, values in cells.items()})
    first, second = (np.asarray(pd.util.hash_pandas_object(frame, index=False, hash_key=key), dtype=np.uint64) for key in _HASH_KEYS)
    return first, second


def _hashable(cells: ObjectArray, kind: TypeEngine[Any]) -> pd.Series:
    """Cells in the one form of their SQL type: numbers as float64 with NaN for NULL and one zero, all else as texts."""
    if isinstance(kind, (Float, Integer, Boolean)):
        return pd.Series(np.array(cells, dtype=np.float64) + 0.0)
    code, distinct = pd.factorize(cells)  # -1 where it is NULL; each distinct text is hashed once
    words = pd.Index([*distinct, _MISSING], dtype=object)
    return pd.Series(pd.Categorical.from_codes(np.where(code < 0, len(distinct), code), words))


def content_hashes(table: Table, cells: dict[str, ObjectArray], keys: Sequence[Key], group: np.ndarray[Any, Any]) -> list[dict[str, str]]:
    """Hash of each row set and of its facets, independent of row order.

    Parameters
    ----------
    cells : dict of arrays of shape (n_rows,)
    keys : sequence of (session, portfolio)
    group : ndarray of shape (n_rows,)
        Index into `keys` of every row.

    Returns
    -------
    list of dict
        For each key: table or `table.facet` -> 32 hexadecimal digits.
    """
    out: list[dict[str, str]] = [{} for _ in keys]
    _add_hashes(out, table, table.name, cells, group)
    for facet, columns in FACETS.get(table.name, {}).items():
        trivial = np.ones(len(group), dtype=bool)
        for name in columns:
            trivial &= (cells[name] == _FACET_DEFAULTS.get(name)) | (cells[name] == None)  # noqa: E711 - elementwise
        trivial |= cells["status"] == "quarantined"  # nobody reads those
        chosen = {name: cells[name][~trivial] for name in (*_identity(table), *columns)}
        _add_hashes(out, table, f"{table.name}.{facet}", chosen, group[~trivial])
    return out


def _identity(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def _add_hashes(out: list[dict[str, str]], table: Table, name: str, cells: dict[str, ObjectArray], group: np.ndarray[Any, Any]) -> None:
    totals = np.zeros((2, len(out)), dtype=np.uint64)
    if len(group):
        for total, hashes in zip(totals, row_hashes(table, cells), strict=True):
            np.add.at(total, group, hashes)  # sums wrap: the order of rows does not matter
    for i, digest in enumerate(out):
        digest[name] = f"{int(totals[0, i]):016x}{int(totals[1, i]):016x}"


def rolled_up_status(statuses: Sequence[str]) -> str:
    """The status of a row set: quarantined if any row is, unavailable only if all are, else the worst with `partial` for some."""
    present = set(statuses)
    if "quarantined" in present:
        return "quarantined"
    if present == {"unavailable"}:
        return "unavailable"
    if "unavailable" in present:
        return "partial"
    return max(present, key=STATUSES.index, default="ok")
