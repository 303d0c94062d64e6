"""Which numbers are old, and why: one function for the API, the command line, the checks and the sensor.

A row set (table, session, portfolio) is stale when an input in its window changed after the inputs of its last computation were
read, when its code version is not the current one, or when an input is itself stale. Windows are those of `store.lineage`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from sigmasight_assets.store.arrays import AnyArray, Columns, by_object
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LEDGER_FACETS, LINEAGE, UNDATED, Upstream, upstream_of
from sigmasight_assets.store.tables import ledger_changes, materializations

NEVER = np.iinfo(np.int64).min
Moments = npt.NDArray[np.int64]
"""Microseconds since 1970 UTC; NEVER where there is no row set."""
Places = npt.NDArray[np.intp]


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
class Judged:
    """The row sets of one table: whether they are there and stale, and the first cause found; each (n_sessions or 1, n_portfolios or 1)."""

    changed: Moments
    exists: npt.NDArray[np.bool_]
    stale: npt.NDArray[np.bool_]
    cause: npt.NDArray[np.object_]

    @classmethod
    def never_stale(cls, changed: Moments) -> Judged:
        """What is judged by its changes alone: facets, and the ledger."""
        return cls(changed, changed != NEVER, np.zeros(changed.shape, dtype=bool), np.full(changed.shape, None, dtype=object))


def explained(cause: str, table: str) -> tuple[str, str, str]:
    """(cause, input, detail in words) of a cause that `judge` gave to a row set of a table."""
    kind, name = cause.split(" ", 1)
    return kind, name, _DETAILS[kind].format(name=name, table=table)


def current_row_sets(
    database: Database, connection: Connection, grid: Grid, code_versions: Mapping[str, str], table: str, since: date
) -> tuple[Moments, npt.NDArray[np.bool_]]:
    """When each row set of a table last changed, and whether it is there and not stale; each in the shape of the table on the grid.

    Parameters
    ----------
    since : date
        Portfolios' row sets before it are not read: the table must not be made of any, and its own before it count as not there.
    """
    found = judged_row_sets(database, connection, grid, code_versions, {table}, since)[table]
    return found.changed, found.exists & ~found.stale


def judged_row_sets(
    database: Database,
    connection: Connection,
    grid: Grid,
    code_versions: Mapping[str, str],
    tables: Collection[str],
    since: date | None = None,
) -> dict[str, Judged]:
    """Tables and what they are made of, judged in lineage order."""
    needed = upstream_of(tables)
    m = materializations.c
    query = select(m.table_name, m.session, m.portfolio_id, m.changed_at, m.computed_at, m.code_version)
    query = query.where(m.table_name.in_([*needed, *sorted(_facets(needed))]))
    if since is not None:
        query = query.where(m.portfolio_id.is_(None) | (m.session >= since))
    records = database.columns(query, connection)
    changes = database.columns(
        select(ledger_changes.c.facet, ledger_changes.c.portfolio_id, ledger_changes.c.first_session, ledger_changes.c.changed_at),
        connection,
    )
    return judge(records, changes, grid, code_versions, needed)


def _facets(tables: Collection[str]) -> set[str]:
    """What tables read of others that is judged on its own."""
    return {upstream.name for table in tables for upstream in LINEAGE[table] if upstream.name != upstream.table}


def judge(
    records: Columns, changes: Columns, grid: Grid, code_versions: Mapping[str, str], tables: Sequence[str] = tuple(LINEAGE)
) -> dict[str, Judged]:
    """Judge tables, in lineage order, from what is recorded of them and of what they are made of.

    Parameters
    ----------
    records : dict of ndarray
        `Database.columns` of `materializations`, of the grid's portfolios and of the market: `table_name`, `session`, `portfolio_id`,
        `changed_at`, `computed_at`, `code_version`.
    changes : dict of ndarray
        Alike of `ledger_changes`: `facet`, `portfolio_id`, `first_session`, `changed_at`.
    """
    found = _Records(records, grid)
    judged = _ledger(changes, grid)
    for facet in _facets(tables) - set(judged):
        judged[facet] = Judged.never_stale(found.moments(facet, "changed_at"))
    for table in tables:
        changed, computed = found.moments(table, "changed_at"), found.moments(table, "computed_at")
        judged[table] = _judge(table, LINEAGE[table], judged, changed, computed, found.versions(table), code_versions.get(table), grid)
    return judged


class _Records:
    """Records of row sets, each found at its place on the grid; those off the grid are left out."""

    def __init__(self, records: Columns, grid: Grid) -> None:
        self._records, self._grid = records, grid
        self._rows = rows_by_name(records["table_name"])
        days = np.array(grid.sessions, dtype="datetime64[s]")
        line = np.searchsorted(days, records["session"])
        line[line == len(days)] = 0
        self._line = np.where(days[line] == records["session"], line, -1) if len(days) else np.full(len(line), -1)
        self._owner = _columns_of(records["portfolio_id"], grid)

    def moments(self, name: str, column: str) -> Moments:
        """A moment of every row set of a table, or of a facet of it, in the table's shape."""
        at, place, shape = self._at(name)
        out = np.full(shape, NEVER, dtype=np.int64)
        out[place] = microseconds(self._records[column][at])
        return out

    def versions(self, table: str) -> npt.NDArray[np.object_]:
        """Code versions alike; None where there is no row set."""
        at, place, shape = self._at(table)
        out = np.full(shape, None, dtype=object)
        out[place] = self._records["code_version"][at]
        return out

    def _at(self, name: str) -> tuple[Places, tuple[Places, Places], tuple[int, int]]:
        """Rows of the records, their cells on the grid, and the shape of the table there."""
        table = name.split(".")[0]
        at = self._rows.get(name, np.zeros(0, dtype=np.intp))
        line = np.zeros_like(at) if table in UNDATED else self._line[at]
        owner = self._owner[at] if table in BY_PORTFOLIO else np.zeros_like(at)
        inside = (line >= 0) & (owner >= 0)
        return at[inside], (line[inside], owner[inside]), self._grid.shape(table)


def rows_by_name(names: AnyArray) -> dict[str, Places]:
    """Where each name stands in a column of names, in order."""
    number: dict[str, int] = {}
    codes = by_object(names.tolist(), lambda name: number.setdefault(name, len(number))).astype(np.intp)
    order = np.argsort(codes, kind="stable")
    return dict(zip(number, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True)) if number else {}


def _columns_of(portfolios: AnyArray, grid: Grid) -> Places:
    """The grid's column of each portfolio; -1 where it has none."""
    column = {portfolio: i for i, portfolio in enumerate(grid.portfolios)}
    return by_object(portfolios.tolist(), lambda one: column.get(one, -1)).astype(np.intp)


def _judge(
    table: str,
    upstreams: Sequence[Upstream],
    judged: Mapping[str, Judged],
    changed: Moments,
    computed: Moments,
    versions: npt.NDArray[np.object_],
    current: str | None,
    grid: Grid,
) -> Judged:
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
    return Judged(changed, exists, stale, cause)


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


def _ledger(changes: Columns, grid: Grid) -> dict[str, Judged]:
    """When each session of each portfolio's book last changed: a change counts from its first session on."""
    out: dict[str, Judged] = {}
    n_sessions, n_portfolios = len(grid.sessions), len(grid.portfolios)
    first = np.searchsorted(np.array(grid.sessions, dtype="datetime64[s]"), changes["first_session"])
    owner, moments = _columns_of(changes["portfolio_id"], grid), microseconds(changes["changed_at"])
    for facet, by_portfolio in LEDGER_FACETS.items():
        changed = np.full((n_sessions, n_portfolios if by_portfolio else 1), NEVER, dtype=np.int64)
        column = owner if by_portfolio else np.zeros_like(owner)
        counts = (changes["facet"] == facet) & (column >= 0) & (first < n_sessions)
        np.maximum.at(changed, (first[counts], column[counts]), moments[counts])
        out[f"ledger.{facet}"] = Judged.never_stale(changed)
    return out


def microseconds(moments: AnyArray) -> Moments:
    """Moments as the grid's numbers."""
    return moments.astype("datetime64[us]").astype(np.int64)


_DETAILS = {
    "input_changed": "{name} changed after {table} was computed",
    "code_version": "{table} was computed by another version of the code",
    "input_stale": "{name} is stale itself",
}
