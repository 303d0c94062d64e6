"""Which numbers are old, and why: one function for the API, the command line, the checks and the sensor.

A row set (table, session, portfolio) is stale when an input in its window changed after the inputs of its last computation were
read, when its code version is not the current one, or when an input is itself stale. Windows are those of `store.lineage`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LEDGER_FACETS, LINEAGE, UNDATED, Upstream
from sigmasight_assets.store.tables import ledger_changes, materializations

NEVER = np.iinfo(np.int64).min
Moments = npt.NDArray[np.int64]
"""Microseconds since 1970 UTC; NEVER where there is no row set."""


@dataclass(frozen=True)
class Grid:
    """The sessions and portfolios on which row sets are judged.

    Attributes
    ----------
    as_of : sequence of date, optional
        For each portfolio the date of its stated cash; without it the last session.
    """

    sessions: Sequence[date]
    portfolios: Sequence[uuid.UUID]
    as_of: Sequence[date] | None = None

    def shape(self, table: str) -> tuple[int, int]:
        return (1 if table in UNDATED else len(self.sessions)), (len(self.portfolios) if table in BY_PORTFOLIO else 1)

    @property
    def as_of_row(self) -> npt.NDArray[np.intp]:
        """Index into `sessions` of each portfolio's stated cash: the last session on or before its date, else the first."""
        if self.as_of is None:
            return np.full(len(self.portfolios), len(self.sessions) - 1, dtype=np.intp)
        days = np.array(self.sessions, dtype="datetime64[D]")
        return np.maximum(np.searchsorted(days, np.array(self.as_of, dtype="datetime64[D]"), side="right") - 1, 0)


@dataclass
class _Judged:
    changed: Moments  # (n_sessions or 1, n_portfolios or 1)
    stale: npt.NDArray[np.bool_]
    cause: npt.NDArray[np.object_]


COLUMNS = ["table", "session", "portfolio_id", "cause", "input", "detail"]


def stale_row_sets(database: Database, grid: Grid, code_versions: Mapping[str, str], tables: Sequence[str] | None = None) -> pd.DataFrame:
    """Every stale row set that exists, of some tables or all.

    Parameters
    ----------
    grid : Grid
        All market sessions, in order, and the portfolios to judge.
    code_versions : mapping
        Table -> current code version.

    Returns
    -------
    DataFrame
        Columns `table`, `session` (NaT for undated tables), `portfolio_id` (None for market tables), `cause` (`input_changed`,
        `code_version`, `input_stale`), `input` (the upstream's name) and `detail`; in lineage order.
    """
    lineage = LINEAGE if tables is None else {table: LINEAGE[table] for table in LINEAGE if table in _needed(tables)}
    names = {*lineage, *(upstream.name for upstreams in lineage.values() for upstream in upstreams)}
    m = materializations.c
    query = select(m.table_name, m.session, m.portfolio_id, m.changed_at, m.computed_at, m.code_version)
    with database.read() as connection:
        records = database.frame(query.where(m.table_name.in_(sorted(names))), connection)
        changes = database.frame(
            select(ledger_changes.c.facet, ledger_changes.c.portfolio_id, ledger_changes.c.first_session, ledger_changes.c.changed_at),
            connection,
        )
    column = {portfolio: i for i, portfolio in enumerate(grid.portfolios)}
    judged: dict[str, _Judged] = _ledger(changes, grid, column)
    for facet in (name for name in records["table_name"].unique() if "." in name):
        moments, _ = _arrays(records[records["table_name"] == facet], facet.split(".")[0], grid, column, "changed_at")
        judged[facet] = _Judged(moments, np.zeros(moments.shape, dtype=bool), np.full(moments.shape, None, dtype=object))
    out = []
    for table, upstreams in lineage.items():
        own = records[records["table_name"] == table]
        changed, _ = _arrays(own, table, grid, column, "changed_at")
        computed, versions = _arrays(own, table, grid, column, "computed_at")
        judged[table] = _judge(table, upstreams, judged, changed, computed, versions, code_versions.get(table), grid)
        if tables is None or table in tables:
            out.append(_listed(table, judged[table], computed != NEVER, grid))
    return pd.concat(out, ignore_index=True)[COLUMNS]


def _needed(tables: Sequence[str]) -> set[str]:
    """Tables with all that they are made of."""
    needed: set[str] = set()
    found = set(tables)
    while found:
        needed |= found
        found = {upstream.table for table in found for upstream in LINEAGE[table] if upstream.table in LINEAGE} - needed
    return needed


def _judge(
    table: str,
    upstreams: Sequence[Upstream],
    judged: Mapping[str, _Judged],
    changed: Moments,
    computed: Moments,
    versions: npt.NDArray[np.object_],
    current: str | None,
    grid: Grid,
) -> _Judged:
    shape = grid.shape(table)
    stale = np.zeros(shape, dtype=bool)
    cause = np.full(shape, None, dtype=object)
    exists = computed != NEVER

    def mark(where: npt.NDArray[np.bool_], text: str) -> None:
        fresh = where & ~stale & exists
        cause[fresh] = text
        stale[fresh] = True

    for upstream in upstreams:
        source = judged.get(upstream.name)
        if source is not None:
            mark(_over_window(source.changed, upstream, table, grid, NEVER) > computed, f"input_changed {upstream.name}")
    if current is not None:
        mark(versions != current, f"code_version {table}")
    for upstream in upstreams:
        source = judged.get(upstream.name)
        if source is not None:
            mark(_over_window(source.stale.astype(np.int64), upstream, table, grid, 0) > 0, f"input_stale {upstream.name}")
    return _Judged(changed, stale, cause)


def _over_window(values: Moments, upstream: Upstream, table: str, grid: Grid, nothing: int) -> Moments:
    """The maximum of an upstream's values over the window of each row set of a table, in the table's shape.

    A market table reads the maximum over portfolios; a portfolio table reads its own portfolio, or the market's one value.
    """
    shape, window = grid.shape(table), upstream.window
    if shape[1] == 1 and values.shape[1] > 1:
        values = values.max(axis=1, keepdims=True, initial=nothing)
    if not values.shape[0]:
        out = np.full((1, values.shape[1]), nothing)
    elif upstream.table in UNDATED:
        out = values
    elif window.last is None and table in BY_PORTFOLIO:
        out = _until_as_of(values, grid)
    elif window.last is None or table in UNDATED:
        out = values.max(axis=0, keepdims=True, initial=nothing)
    else:
        out = _by_session(values, window.first, window.last, nothing)
    return np.broadcast_to(out, shape)


def _until_as_of(values: Moments, grid: Grid) -> Moments:
    """Maximum over the sessions up to each portfolio's as-of session, shape (1, n_portfolios)."""
    so_far = np.maximum.accumulate(values, axis=0)
    row = grid.as_of_row
    column = np.arange(len(row)) if values.shape[1] > 1 else np.zeros(len(row), dtype=np.intp)
    return np.asarray(so_far[row, column][None, :])


def _by_session(values: Moments, first: int | None, last: int, nothing: int) -> Moments:
    """Maximum over the rows t + first … t + last of every row t, those outside left out; `first` None: from the first row on."""
    rows = len(values)
    if first is None:
        at = np.minimum(np.arange(rows) + last, rows - 1)
        so_far = np.maximum.accumulate(values, axis=0)
        return np.where((at < 0)[:, None], nothing, so_far[np.maximum(at, 0)])
    before, after = (np.full((n, values.shape[1]), nothing, dtype=np.int64) for n in (-first, max(last, 0)))
    return _trailing_maximum(np.concatenate([before, values, after]), last - first + 1)[:rows]


def _trailing_maximum(values: Moments, width: int) -> Moments:
    """Maximum of each `width` consecutive rows, shape (n - width + 1, n_columns), by doubling."""
    span = 1
    while span * 2 <= width:
        values = np.maximum(values[span:], values[:-span])
        span *= 2
    rest = width - span
    return np.maximum(values[rest:], values[: len(values) - rest]) if rest else values


def _arrays(
    records: pd.DataFrame, table: str, grid: Grid, column: Mapping[uuid.UUID, int], name: str
) -> tuple[Moments, npt.NDArray[np.object_]]:
    """A moment of every row set, and its code version, shape of the table's grid."""
    shape = grid.shape(table)
    moments = np.full(shape, NEVER, dtype=np.int64)
    versions = np.full(shape, None, dtype=object)
    if len(records):
        rows = np.zeros(len(records), dtype=np.intp)
        columns = np.zeros(len(records), dtype=np.intp)
        if table not in UNDATED:
            rows = _places(records["session"], grid)
        if table in BY_PORTFOLIO:
            columns = np.array([column.get(portfolio, -1) for portfolio in records["portfolio_id"]], dtype=np.intp)
        inside = (rows >= 0) & (columns >= 0)
        moments[rows[inside], columns[inside]] = _microseconds(records[name])[inside]
        versions[rows[inside], columns[inside]] = records["code_version"].to_numpy()[inside]
    return moments, versions


def _places(sessions: pd.Series, grid: Grid) -> npt.NDArray[np.intp]:
    """Row of each session in the grid; -1 for one that is not in it."""
    known, wanted = np.array(grid.sessions, dtype="datetime64[D]"), sessions.to_numpy().astype("datetime64[D]")
    place = np.searchsorted(known, wanted)
    found = place < len(known)
    found[found] = known[place[found]] == wanted[found]
    return np.where(found, place, -1)


def _ledger(changes: pd.DataFrame, grid: Grid, column: Mapping[uuid.UUID, int]) -> dict[str, _Judged]:
    """When each session of each portfolio's book last changed: a change counts from its first session on."""
    out: dict[str, _Judged] = {}
    first = np.searchsorted(np.array(grid.sessions, dtype="datetime64[D]"), changes["first_session"].to_numpy().astype("datetime64[D]"))
    moments = _microseconds(changes["changed_at"])
    portfolios: list[uuid.UUID] = list(changes["portfolio_id"])
    for facet, by_portfolio in LEDGER_FACETS.items():
        changed = np.full((len(grid.sessions), len(column) if by_portfolio else 1), NEVER, dtype=np.int64)
        for i in np.flatnonzero((changes["facet"] == facet).to_numpy()).tolist():
            j = column.get(portfolios[i], -1) if by_portfolio else 0
            if j >= 0 and first[i] < len(grid.sessions):
                changed[first[i], j] = max(changed[first[i], j], moments[i])
        shape = changed.shape
        out[f"ledger.{facet}"] = _Judged(changed, np.zeros(shape, dtype=bool), np.full(shape, None, dtype=object))
    return out


def _microseconds(moments: pd.Series) -> Moments:
    return np.asarray(moments.dt.tz_localize(None), dtype="datetime64[us]").astype(np.int64)


def _listed(table: str, judged: _Judged, exists: npt.NDArray[np.bool_], grid: Grid) -> pd.DataFrame:
    where = np.argwhere(judged.stale & exists)
    rows, columns = where[:, 0].tolist(), where[:, 1].tolist()
    causes = [tuple(str(text).split(" ", 1)) for text in judged.cause[rows, columns]]
    sessions: list[Any] = [None if table in UNDATED else grid.sessions[i] for i in rows]
    return pd.DataFrame(
        {
            "table": [table] * len(rows),
            "session": np.array(sessions, dtype="datetime64[D]").astype("datetime64[s]"),
            "portfolio_id": pd.Series([grid.portfolios[j] if table in BY_PORTFOLIO else None for j in columns], dtype=object),
            "cause": pd.Series([cause for cause, _ in causes], dtype=object),
            "input": pd.Series([name for _, name in causes], dtype=object),
            "detail": pd.Series([_DETAILS[cause].format(name=name, table=table) for cause, name in causes], dtype=object),
        }
    )


_DETAILS = {
    "input_changed": "{name} changed after {table} was computed",
    "code_version": "{table} was computed by another version of the code",
    "input_stale": "{name} is stale itself",
}
