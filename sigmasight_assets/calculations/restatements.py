"""Values that a source changed after they were stored: kept in `restatements`, in the transaction that replaces them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, insert, select

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.provenance import Computation
from sigmasight_assets.store.tables import option_quotes, prices, restatements, treasury_yields
from sigmasight_assets.store.writing import BeforeReplacing

FIELDS: dict[str, tuple[str, ...]] = {
    "prices": ("close", "adj_close", "dividend", "split_ratio"),
    "treasury_yields": ("par_yield",),
    "option_quotes": ("bid", "ask", "close", "iv"),
}
"""Table -> columns whose changes are kept."""
TABLES: dict[str, Table] = {table.name: table for table in (prices, treasury_yields, option_quotes)}
RESCALED = 1e-9
"""Relative difference below which two changes of adjusted closes are one and the same factor."""


@dataclass(frozen=True)
class _Changes:
    """Old and new values of one field, each array of shape (n,), ordered by symbol and session."""

    session: np.ndarray
    symbol: np.ndarray
    old: np.ndarray
    new: np.ndarray


def recorder(database: Database, table: str, computation: Computation) -> BeforeReplacing:
    """What `store.writing.replace` calls before it replaces rows of a market table."""

    def record(connection: Connection, frame: pd.DataFrame, sessions: Sequence[date]) -> None:
        rows = _changed(database, connection, table, frame, sessions)
        if rows:
            stamp = {"table_name": table, "seen_at": computation.inputs_read_at, "run_id": computation.run_id}
            connection.execute(insert(restatements), [{**row, **stamp} for row in rows])

    return record


def _changed(
    database: Database, connection: Connection, table: str, frame: pd.DataFrame, sessions: Sequence[date]
) -> list[dict[str, object]]:
    """Rows of `restatements`; nothing for symbols of a session that were not stored before."""
    columns, key = TABLES[table].c, _key(table)
    query = select(columns.session, columns[key], *(columns[name] for name in FIELDS[table])).where(
        columns.session.between(min(sessions), max(sessions)), columns.session.in_(list(sessions))
    )
    stored = database.frame(query, connection)
    if stored.empty:
        return []
    both = stored.merge(frame[["session", key, *FIELDS[table]]], on=["session", key], how="left", suffixes=("_old", "_new"))
    both = both.sort_values([key, "session"], ignore_index=True)
    out: list[dict[str, object]] = []
    for field in FIELDS[table]:
        old, new = (both[f"{field}_{age}"].to_numpy(dtype=np.float64) for age in ("old", "new"))
        differs = (old != new) & ~(np.isnan(old) & np.isnan(new))
        if field == "adj_close":
            differs &= ~_same_factor(both[key].to_numpy(), old, new)
        for i in np.flatnonzero(differs).tolist():
            out.append(
                {
                    "session": both["session"].iloc[i].date(),
                    "symbol": _symbol(table, both[key].iloc[i]),
                    "field": field,
                    "old_value": None if np.isnan(old[i]) else float(old[i]),
                    "new_value": None if np.isnan(new[i]) else float(new[i]),
                }
            )
    return out


def _same_factor(symbol: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Rows on which adjusted closes changed by the factor of the session before.

    Vendors rescale all earlier adjusted closes at every dividend: the returns stay what they were, and one record says so.
    """
    factor = new / old
    same = np.zeros(len(factor), dtype=bool)
    same[1:] = (symbol[1:] == symbol[:-1]) & (np.abs(factor[1:] / factor[:-1] - 1.0) <= RESCALED)
    return same


def _key(table: str) -> str:
    return "tenor_months" if table == "treasury_yields" else "symbol"


def _symbol(table: str, key: object) -> str:
    return f"m{key}" if table == "treasury_yields" else str(key)
