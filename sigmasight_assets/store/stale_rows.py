"""Stale row sets as a frame, one row each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, UNDATED
from sigmasight_assets.store.staleness import Grid, Judged, explained, judged_row_sets

COLUMNS = ["table", "session", "portfolio_id", "cause", "input", "detail"]


def stale_row_sets(database: Database, grid: Grid, code_versions: Mapping[str, str], tables: Collection[str] | None = None) -> pd.DataFrame:
    """Every stale row set that exists, of some tables or all.

    Parameters
    ----------
    grid : Grid
        All market sessions, in order, and the portfolios to judge.
    code_versions : mapping
        Table -> current code version.
    tables : collection of str, optional
        Only these are listed, and only they and what they are made of are read.

    Returns
    -------
    DataFrame
        Columns `table`, `session` (NaT for undated tables), `portfolio_id` (None for market tables), `cause` (`input_changed`,
        `code_version`, `input_stale`), `input` (the upstream's name) and `detail`; in lineage order.
    """
    wanted = set(LINEAGE if tables is None else tables)
    with database.read() as connection:
        judged = judged_row_sets(database, connection, grid, code_versions, wanted)
    out = [_listed(table, judged[table], grid) for table in LINEAGE if table in wanted]
    return pd.concat(out, ignore_index=True)[COLUMNS] if out else pd.DataFrame(columns=COLUMNS)


def _listed(table: str, judged: Judged, grid: Grid) -> pd.DataFrame:
    where = np.argwhere(judged.stale & judged.exists)
    rows, columns = where[:, 0].tolist(), where[:, 1].tolist()
    causes = [explained(str(text), table) for text in judged.cause[rows, columns]]
    sessions: list[Any] = [None if table in UNDATED else grid.sessions[i] for i in rows]
    return pd.DataFrame(
        {
            "table": pd.Series([table] * len(rows), dtype=object),
            "session": np.array(sessions, dtype="datetime64[D]").astype("datetime64[s]"),
            "portfolio_id": pd.Series([grid.portfolios[j] if table in BY_PORTFOLIO else None for j in columns], dtype=object),
            "cause": pd.Series([cause for cause, _, _ in causes], dtype=object),
            "input": pd.Series([name for _, name, _ in causes], dtype=object),
            "detail": pd.Series([detail for _, _, detail in causes], dtype=object),
        }
    )
