"""Who computed which rows, and whether they are stale: what `meta` of every analytic answer is made of.

One portfolio's row sets and the market's are read in one query and judged by `store.staleness`; they are kept until the database changes.
"""

from __future__ import annotations

import threading
import uuid
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, String, literal, select, union_all

from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.arrays import AnyArray, Columns
from sigmasight_assets.store.columns import UtcDateTime
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LEDGER_FACETS, UNDATED
from sigmasight_assets.store.staleness import Grid, Judged, explained, judge, rows_by_name
from sigmasight_assets.store.tables import ledger_changes, materializations

KEPT_PORTFOLIOS = 128


@dataclass(frozen=True)
class RowSet:
    """What is known of the rows of one table on one session."""

    table: str
    session: date | None
    computed_at: datetime
    changed_at: datetime
    run_id: str
    code_version: str
    status: str
    reason: str | None
    stale: bool
    stale_reason: dict[str, str] | None


class Provenance:
    """The row sets of one portfolio and of the market."""

    def __init__(self, records: Columns, judged: Mapping[str, Judged], grid: Grid) -> None:
        self._records, self._judged, self._grid = records, judged, grid
        self._row = {session: i for i, session in enumerate(grid.sessions)}
        self._places = {table: _in_order(records["session"], at) for table, at in rows_by_name(records["table_name"]).items()}

    def sessions(self, table: str) -> Sequence[date]:
        """Sessions with rows of a table, in order."""
        return self._places[table][0] if table in self._places else ()

    @property
    def last_market_session(self) -> date | None:
        """The last session that prices are stored of."""
        return next(reversed(self.sessions("prices")), None)

    def latest(self, table: str, as_of: date | None = None) -> RowSet | None:
        """The row set of the last session on or before a date; None where there is none."""
        if table not in self._places:
            return None
        sessions, places = self._places[table]
        end = len(places) if as_of is None or table in UNDATED else bisect_right(sessions, as_of)
        return self._row_set(table, sessions[end - 1], int(places[end - 1])) if end else None

    @property
    def judged(self) -> Mapping[str, Judged]:
        """Every table and facet on the grid."""
        return self._judged

    @property
    def grid(self) -> Grid:
        return self._grid

    def on(self, table: str, session: date) -> RowSet | None:
        """The row set of exactly this session, of an undated table the only one; None where there is none."""
        found = self.latest(table, session)
        return found if found is None or table in UNDATED or found.session == session else None

    def over(self, table: str, first: date, last: RowSet) -> RowSet:
        """The row set of the last session of a range; stale, with the first cause, where that of any session is."""
        if last.stale or last.session is None:
            return last
        sessions = [session for session in self.sessions(table) if first <= session <= last.session]
        stale = self._judged[table].stale[[self._row[session] for session in sessions], 0]
        worst = self.latest(table, sessions[int(stale.argmax())]) if stale.any() else None
        return last if worst is None else replace(last, stale=True, stale_reason=worst.stale_reason)

    def _row_set(self, table: str, session: date | None, place: int) -> RowSet:
        cells = (self._records[name][place] for name in ("run_id", "code_version", "status", "reason"))
        computed_at, changed_at = (self._records[name][place].item().replace(tzinfo=UTC) for name in ("computed_at", "changed_at"))
        judged = self._judged[table]
        at = 0 if session is None else self._row[session]
        stale = bool(judged.stale[at, 0])
        kind, name, detail = explained(judged.cause[at, 0], table) if stale else ("", "", "")
        reason = {"cause": kind, "input": name, "detail": detail} if stale else None
        return RowSet(table, session, computed_at, changed_at, *cells, stale=stale, stale_reason=reason)


def _in_order(sessions: AnyArray, places: AnyArray) -> tuple[list[Any], AnyArray]:
    """A table's sessions in order (None for an undated table), and the place of each among the records."""
    places = places[np.argsort(sessions[places], kind="stable")]
    return _days(sessions[places]), places


def _days(sessions: AnyArray) -> list[Any]:
    """Sessions as dates; None for none."""
    return list(sessions.astype("datetime64[D]").tolist())


@dataclass
class _Shelf:
    """What is kept of one portfolio, under its token; whoever reads it anew holds the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: tuple[str, Provenance] | None = None


class ProvenanceShelf:
    """Provenance by portfolio, kept while the database's token is the same."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._shelves: OrderedDict[uuid.UUID | None, _Shelf] = OrderedDict()

    def get(
        self, connection: Connection, calendar: SessionCalendar, portfolio_id: uuid.UUID | None, as_of: date | None, token: str | None
    ) -> Provenance:
        """Provenance of a portfolio (of the market alone for None); one query, or none where it is kept.

        `as_of` is the date of the portfolio's stated cash.
        """
        if token is None:
            return self._read(connection, calendar, portfolio_id, as_of)
        with self._lock:
            shelf = self._shelves.setdefault(portfolio_id, _Shelf())
            self._shelves.move_to_end(portfolio_id)
            while len(self._shelves) > KEPT_PORTFOLIOS:
                self._shelves.popitem(last=False)
        with shelf.lock:  # when the database changes, one of those that ask reads, and the others wait for it
            if shelf.kept is None or shelf.kept[0] != token:
                shelf.kept = token, self._read(connection, calendar, portfolio_id, as_of)
            return shelf.kept[1]

    def _read(self, connection: Connection, calendar: SessionCalendar, portfolio_id: uuid.UUID | None, as_of: date | None) -> Provenance:
        rows = self._database.columns(_records(portfolio_id), connection)
        rows["portfolio_id"] = np.where(rows.pop("is_own"), portfolio_id, None)
        is_change = rows["kind"] == "change"
        changed = {name: cells[is_change] for name, cells in rows.items()}
        changes = {**changed, "facet": changed["table_name"], "first_session": changed["session"]}
        records = {name: cells[~is_change] for name, cells in rows.items()}
        dated = records["session"][~np.isnat(records["session"])]
        sessions = calendar.between(*_days(np.array([dated.min(), dated.max()]))) if len(dated) else []
        portfolios = [] if portfolio_id is None else [portfolio_id]
        grid = Grid(sessions, portfolios, None if portfolio_id is None else [as_of or date.max])
        return Provenance(records, judge(records, changes, grid, CODE_VERSIONS), grid)


def _records(portfolio_id: uuid.UUID | None) -> Any:
    """Row sets and ledger changes, of the market and of one portfolio, as rows of one shape."""
    m, c = materializations.c, ledger_changes.c
    none = literal(None, String())
    shared = c.facet.in_([facet for facet, is_own in LEDGER_FACETS.items() if not is_own])
    own = m.portfolio_id.is_(None)
    recorded = select(
        literal("rows").label("kind"),
        m.table_name,
        m.session,
        m.portfolio_id.is_not(None).label("is_own"),
        m.changed_at,
        m.computed_at,
        m.code_version,
        m.run_id,
        m.status,
        m.reason,
    ).where(own if portfolio_id is None else own | (m.portfolio_id == portfolio_id))
    changed = select(
        literal("change"),
        c.facet,
        c.first_session,
        literal(False) if portfolio_id is None else c.portfolio_id == portfolio_id,
        c.changed_at,
        literal(None, UtcDateTime()),
        none,
        none,
        none,
        none,
    ).where(shared if portfolio_id is None else shared | (c.portfolio_id == portfolio_id))
    return union_all(recorded, changed)
