"""`replace`: the only way a computed table is written.

Rows of the given sessions (and portfolios) are replaced by the frame's in one transaction per chunk of whole sessions, together with
their `materializations`. Re-running with the same inputs leaves the same rows and the same `changed_at`.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, and_, delete, insert, select

from sigmasight_assets.errors import GateFailed
from sigmasight_assets.store.arrays import ObjectArray, uncollected
from sigmasight_assets.store.columns import STATUSES
from sigmasight_assets.store.database import Database, lock_for_writing, moment_of_change
from sigmasight_assets.store.frames import columns_to_frame, copy_text, session_array, to_driver
from sigmasight_assets.store.gates import broken_rows, check_schema
from sigmasight_assets.store.provenance import FACETS, NO_ROWS, Computation, content_hashes, key_columns, rolled_up_status
from sigmasight_assets.store.tables import materializations
from sigmasight_assets.store.tables import portfolios as portfolios_table

MAX_ROWS_PER_TRANSACTION = 200_000
BeforeReplacing = Callable[[Connection, pd.DataFrame, Sequence[date]], None]


@dataclass
class Replaced:
    """What a write did.

    Attributes
    ----------
    rows : int
        Rows the table holds now for the sessions and portfolios written.
    changed : int
        Row sets (session x portfolio) whose content is different from before.
    row_sets : int
        Row sets written.
    quarantined : list of dict
        Key and reason of every row that broke a gate, whether its last good row was kept or not.
    """

    rows: int = 0
    changed: int = 0
    row_sets: int = 0
    quarantined: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Replaced) -> None:
        self.rows += other.rows
        self.changed += other.changed
        self.row_sets += other.row_sets
        self.quarantined += other.quarantined


def replace(
    database: Database,
    table: Table,
    frame: pd.DataFrame,
    computation: Computation,
    *,
    sessions: Sequence[date] | None = None,
    portfolios: Sequence[uuid.UUID] | None = None,
    empty: tuple[str, str | None] = ("ok", None),
    before: BeforeReplacing | None = None,
    standing: bool = False,
) -> Replaced:
    """Replace a table's rows of some sessions and portfolios.

    Parameters
    ----------
    frame : DataFrame
        Every row of those sessions and portfolios, with exactly the table's columns.
    sessions : sequence of date, optional
        Required where the table has sessions; a session without rows loses its old ones.
    portfolios : sequence of UUID, optional
        Required where the table has portfolios; others are not touched.
    empty : (status, reason)
        How a row set without rows is recorded.
    before : callable, optional
        Called in each transaction with the connection, the rows about to be written and their sessions, while the old ones are still there.
    standing : bool
        Write nothing of portfolios that have been deleted since they were read.

    Raises
    ------
    GateFailed
        When the frame is not the table, or has rows of sessions or portfolios that are not to be replaced. Nothing is written.
    """
    check_schema(table, frame)
    keyed_by = key_columns(table)
    if ("session" in keyed_by) != (sessions is not None) or ("portfolio_id" in keyed_by) != (portfolios is not None):
        raise ValueError(f"expected sessions and portfolios as {table.name} is keyed by {keyed_by}")
    sessions = None if sessions is None else sorted(set(sessions))
    portfolios = None if portfolios is None else sorted(set(portfolios))
    _refuse_strangers(table, frame, sessions, portfolios)
    total = Replaced()
    for chunk in _chunks(frame, sessions):
        part = frame if chunk is None else frame[frame["session"].isin(session_array(chunk))]
        with database.write() as connection, uncollected():
            lock_for_writing(connection, table.name)
            there = _standing(connection, portfolios) if standing and portfolios is not None else portfolios
            if there is not None and there != portfolios:
                part = part[part["portfolio_id"].isin(there)]
            total.add(_replace_chunk(connection, table, part, computation, chunk, there, empty, before))
    return total


def _standing(connection: Connection, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those portfolios that there are, sorted; a deletion of one of them waits for this transaction."""
    query = select(portfolios_table.c.id).where(portfolios_table.c.id.in_(list(ids)))
    return sorted(connection.execute(query.with_for_update(read=True, key_share=True)).scalars())


def _refuse_strangers(table: Table, frame: pd.DataFrame, sessions: Sequence[date] | None, portfolios: Sequence[uuid.UUID] | None) -> None:
    """A row outside what is replaced would double, or vanish: refuse the frame."""
    found = {
        "session": sorted(str(day.date()) for day in set(frame["session"].drop_duplicates()) - {pd.Timestamp(day) for day in sessions})
        if sessions
        else [],
        "portfolio_id": sorted(str(owner) for owner in set(frame["portfolio_id"].drop_duplicates()) - set(portfolios))
        if portfolios
        else [],
    }
    strangers = [f"{name} {', '.join(values[:5])}" for name, values in found.items() if values]
    if sessions == [] or portfolios == []:
        strangers = [f"{len(frame)} rows and nothing to replace"] if len(frame) else []
    if strangers:
        raise GateFailed(f"Rows for {table.name} are of what is not to be replaced: {'; '.join(strangers)}. Nothing was written.")


def _chunks(frame: pd.DataFrame, sessions: Sequence[date] | None) -> list[list[date] | None]:
    """Whole sessions, in order, of at most `MAX_ROWS_PER_TRANSACTION` rows together (one session may hold more)."""
    if sessions is None:
        return [None]
    counts = frame["session"].value_counts().reindex(session_array(sessions), fill_value=0).to_numpy()
    chunks: list[list[date] | None] = []
    open_chunk: list[date] = []
    size = 0
    for session, rows in zip(sessions, counts.tolist(), strict=True):
        if open_chunk and size + rows > MAX_ROWS_PER_TRANSACTION:
            chunks.append(open_chunk)
            open_chunk, size = [], 0
        open_chunk.append(session)
        size += rows
    return [*chunks, open_chunk] if open_chunk else chunks


def _replace_chunk(
    connection: Connection,
    table: Table,
    frame: pd.DataFrame,
    computation: Computation,
    sessions: Sequence[date] | None,
    portfolios: Sequence[uuid.UUID] | None,
    empty: tuple[str, str | None],
    before: BeforeReplacing | None,
) -> Replaced:
    frame, quarantined = _quarantine(connection, table, frame)
    if before is not None:
        before(connection, frame, sessions or [])
    cells = {column.name: to_driver(frame[column.name], column.type) for column in table.columns}
    keys = _row_sets(sessions, portfolios)
    group = _groups(cells, keys, len(frame))
    connection.execute(delete(table).where(_selection(table, sessions, portfolios)))
    _insert(connection, table, cells, len(frame))
    by_reason = sorted(quarantined, key=lambda row: str(row["reason"]), reverse=True)
    gate_reasons = {(row.get("session"), row.get("portfolio_id")): row["reason"] for row in by_reason}
    changed = _record(connection, table, frame, cells, keys, group, computation, empty, gate_reasons)
    return Replaced(len(frame), changed, len(keys), quarantined)


def _row_sets(sessions: Sequence[date] | None, portfolios: Sequence[uuid.UUID] | None) -> list[tuple[Any, Any]]:
    """Every (session, portfolio) written; None in the place of what the table is not keyed by."""
    by_session: list[date | None] = [None] if sessions is None else list(sessions)
    by_portfolio: list[uuid.UUID | None] = [None] if portfolios is None else list(portfolios)
    return [(session, portfolio) for session in by_session for portfolio in by_portfolio]


def _selection(table: Table, sessions: Sequence[date] | None, portfolios: Sequence[uuid.UUID] | None) -> Any:
    conditions: list[Any] = []
    if sessions is not None:
        conditions += [
            table.c.session >= min(sessions),
            table.c.session <= max(sessions),
            table.c.session.in_(list(sessions)),
        ]
    if portfolios is not None:
        conditions.append(table.c.portfolio_id.in_(list(portfolios)))
    return and_(True, *conditions)


def _groups(cells: dict[str, ObjectArray], keys: list[tuple[Any, Any]], n_rows: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Index into `keys` of every row."""
    place = {
        (session.isoformat() if session else None, portfolio.hex if portfolio else None): i for i, (session, portfolio) in enumerate(keys)
    }
    none = np.full(n_rows, None, dtype=object)
    row_keys = zip(cells.get("session", none), cells.get("portfolio_id", none) if keys and keys[0][1] else none, strict=True)
    return np.fromiter((place[key] for key in row_keys), dtype=np.intp, count=n_rows)


def _quarantine(connection: Connection, table: Table, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Put the last good row in the place of each row that breaks a gate; where there is none, mark it `quarantined`."""
    reasons = broken_rows(table, frame)
    bad = reasons.notna()
    if not bad.any():
        return frame, []
    key = [column.name for column in table.primary_key.columns]
    failing = frame.loc[bad].copy()
    failing["status"], failing["reason"] = "quarantined", reasons[bad]
    listed = failing[[*key, "reason"]].to_dict("records")
    stored = _stored_good_rows(connection, table, failing)
    if len(stored):
        held = pd.MultiIndex.from_frame(stored[key]).intersection(pd.MultiIndex.from_frame(failing[key]))
        stored = stored[pd.MultiIndex.from_frame(stored[key]).isin(held)]
        failing = failing[~pd.MultiIndex.from_frame(failing[key]).isin(held)]
    parts = [part.astype(frame.dtypes.to_dict()) for part in (frame.loc[~bad], stored, failing) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else frame.iloc[:0], [{str(k): v for k, v in row.items()} for row in listed]


def _stored_good_rows(connection: Connection, table: Table, failing: pd.DataFrame) -> pd.DataFrame:
    query = select(table).where(table.c.status != "quarantined")
    if "session" in table.c:
        query = query.where(table.c.session.in_([day.date() for day in failing["session"].drop_duplicates()]))
    if "portfolio_id" in table.primary_key.columns:
        query = query.where(table.c.portfolio_id.in_(list(failing["portfolio_id"].drop_duplicates())))
    rows = connection.execute(query).cursor.fetchall()
    return columns_to_frame(rows, [(column.name, column.type) for column in table.columns])


def _insert(connection: Connection, table: Table, cells: dict[str, ObjectArray], n_rows: int) -> None:
    if not n_rows:
        return
    names = [column.name for column in table.columns]
    cursor = connection.connection.cursor()  # the same connection, so the same transaction
    try:
        if connection.dialect.name == "sqlite":
            quoted = ", ".join(f'"{name}"' for name in names)
            holes = ", ".join("?" for _ in names)
            statement = f'INSERT INTO "{table.name}" ({quoted}) VALUES ({holes})'  # noqa: S608 - names come from our metadata
            cursor.executemany(statement, list(zip(*(cells[name].tolist() for name in names), strict=True)))
        else:
            quoted = ", ".join(f'"{name}"' for name in names)
            cursor.copy_expert(f'COPY "{table.name}" ({quoted}) FROM STDIN', io.StringIO(copy_text([cells[name] for name in names])))
    finally:
        cursor.close()


def _record(
    connection: Connection,
    table: Table,
    frame: pd.DataFrame,
    cells: dict[str, ObjectArray],
    keys: list[tuple[Any, Any]],
    group: np.ndarray[Any, np.dtype[np.intp]],
    computation: Computation,
    empty: tuple[str, str | None],
    gate_reasons: dict[tuple[Any, Any], str],
) -> int:
    """Write `materializations` of every row set; the number of sets whose content is different.

    A facet without rows is recorded only where it had some before.
    """
    digests = content_hashes(table, cells, keys, group)
    names = [table.name, *(f"{table.name}.{facet}" for facet in FACETS.get(table.name, {}))]
    before = _recorded(connection, names, keys)
    statuses, reasons = _statuses(frame, keys, group, empty, gate_reasons)
    counts = np.bincount(group, minlength=len(keys)) if len(keys) else np.zeros(0, dtype=np.intp)
    now, changed = moment_of_change(connection), 0
    records = []
    for i, (session, portfolio) in enumerate(keys):
        for name in names:
            digest = digests[i][name]
            old = before.get((name, session, portfolio))
            if old is None and digest == NO_ROWS and name != table.name:
                continue
            same = old is not None and old[0] == digest
            changed += not same and name == table.name
            records.append(
                {
                    "table_name": name,
                    "session": session,
                    "portfolio_id": portfolio,
                    "content_hash": digest,
                    "changed_at": old[1] if same and old else now,
                    "computed_at": computation.inputs_read_at,
                    "code_version": computation.code_version,
                    "run_id": computation.run_id,
                    "rows": int(counts[i]),
                    "status": statuses[i],
                    "reason": reasons[i],
                }
            )
    if records:
        connection.execute(delete(materializations).where(_recorded_selection(names, keys)))
        connection.execute(insert(materializations), records)
    return changed


def _recorded_selection(names: list[str], keys: list[tuple[Any, Any]]) -> Any:
    sessions = {session for session, _ in keys}
    portfolios = {portfolio for _, portfolio in keys}
    m = materializations.c
    by_session = (
        m.session.is_(None) if sessions == {None} else and_(m.session >= min(sessions), m.session <= max(sessions), m.session.in_(sessions))
    )
    by_portfolio = m.portfolio_id.is_(None) if portfolios == {None} else m.portfolio_id.in_(portfolios)
    return and_(m.table_name.in_(names), by_session, by_portfolio)


def _recorded(connection: Connection, names: list[str], keys: list[tuple[Any, Any]]) -> dict[tuple[str, Any, Any], tuple[str, datetime]]:
    if not keys:
        return {}
    m = materializations.c
    query = select(m.table_name, m.session, m.portfolio_id, m.content_hash, m.changed_at).where(_recorded_selection(names, keys))
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in connection.execute(query)}


def _counted(group: np.ndarray[Any, np.dtype[np.intp]], status: pd.Series, reason: pd.Series) -> list[tuple[int, str, str | None, int]]:
    """(row set, status, reason, rows) of every combination that there is."""
    status_code, status_words = pd.factorize(status)
    reason_code, reason_words = pd.factorize(reason)  # -1 where there is none
    words = [*reason_words, None]
    width = len(words)
    code = (group * max(len(status_words), 1) + status_code) * width + (reason_code % width)
    found, rows = np.unique(code, return_counts=True)
    place, rest = np.divmod(found, max(len(status_words), 1) * width)
    return [
        (i, status_words[j // width], words[j % width], n) for i, j, n in zip(place.tolist(), rest.tolist(), rows.tolist(), strict=True)
    ]


def _statuses(
    frame: pd.DataFrame,
    keys: list[tuple[Any, Any]],
    group: np.ndarray[Any, np.dtype[np.intp]],
    empty: tuple[str, str | None],
    gate_reasons: dict[tuple[Any, Any], str],
) -> tuple[list[str], list[str | None]]:
    """Rolled-up status of each row set, with the most common reason among its worst rows."""
    statuses: list[str] = [empty[0]] * len(keys)
    reasons: list[str | None] = [empty[1]] * len(keys)
    found: dict[int, list[tuple[str, str | None, int]]] = {}
    for place, status, reason, n in _counted(group, frame["status"], frame["reason"]):
        found.setdefault(place, []).append((status, reason, n))
    for i, rows in found.items():
        statuses[i] = rolled_up_status([status for status, _, _ in rows])
        told = [(-STATUSES.index(status), -n, reason) for status, reason, n in rows if status != "ok" and reason is not None]
        reasons[i] = min(told)[2] if told else None
    for i, (session, portfolio) in enumerate(keys):
        reason = gate_reasons.get((pd.Timestamp(session) if session else None, portfolio))
        if reason is not None:
            statuses[i], reasons[i] = "quarantined", reason
    return statuses, reasons
