"""Why a number is old: its row set, the inputs in its windows, theirs, and the way to what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from sigmasight_api.provenance import Provenance
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, UNDATED, Upstream
from sigmasight_assets.store.staleness import NEVER, Judged

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Input:
    """One input in the window of a row set."""

    name: str
    first: date | None
    last: date | None
    changed_at: datetime | None
    changed_session: date | None
    n_stale: int
    stale_session: date | None

    def shown(self, computed_at: datetime | None) -> dict[str, Any]:
        is_newer = self.changed_at is not None and computed_at is not None and self.changed_at > computed_at
        return {
            "input": self.name,
            "first": self.first,
            "last": self.last,
            "changed_at": self.changed_at,
            "changed_session": self.changed_session,
            "is_newer": is_newer,
            "stale_sessions": self.n_stale,
        }


class Chain:
    """The graph above one row set, judged by provenance."""

    def __init__(self, provenance: Provenance) -> None:
        self._provenance = provenance
        self._sessions = provenance.grid.sessions
        self._row = {session: i for i, session in enumerate(self._sessions)}

    def tables(self, table: str, session: date | None) -> list[dict[str, Any]]:
        """The table and all that it is made of, nearest first, each on the session."""
        order, seen = [table], {table}
        for name in order:
            for upstream in LINEAGE[name]:
                if upstream.table in LINEAGE and upstream.table not in seen:
                    seen.add(upstream.table)
                    order.append(upstream.table)
        return [self._shown(name, session) for name in order]

    def why(self, table: str, session: date | None) -> list[dict[str, Any]]:
        """From a stale row set to what makes it stale, one input after the other; empty where it is not stale."""
        out: list[dict[str, Any]] = []
        while True:
            row_set = self._at(table, session)
            if row_set is None or not row_set.stale or row_set.stale_reason is None:
                return out
            reason = row_set.stale_reason
            step = {"table": table, "session": row_set.session, **reason, "input_session": None, "changed_at": None}
            found = next((one for one in self._inputs(table, session) if one.name == reason["input"]), None)
            if found is not None:
                is_stale_itself = reason["cause"] == "input_stale"
                step["input_session"] = found.stale_session if is_stale_itself else found.changed_session
                step["changed_at"] = None if is_stale_itself else found.changed_at
            out.append(step)
            if reason["cause"] != "input_stale" or found is None:
                return out
            table, session = found.name.split(".")[0], found.stale_session or session

    def _at(self, table: str, session: date | None) -> Any:
        return self._provenance.latest(table) if session is None else self._provenance.on(table, session)

    def _shown(self, table: str, session: date | None) -> dict[str, Any]:
        row_set = self._at(table, session)
        known = {} if row_set is None else row_set.__dict__
        names = ("session", "computed_at", "changed_at", "run_id", "code_version", "status", "reason", "stale", "stale_reason")
        computed_at = known.get("computed_at")
        return {
            "table": table,
            "exists": row_set is not None,
            **{name: known.get(name) for name in names},
            "current_code_version": CODE_VERSIONS.get(table),
            "inputs": [one.shown(computed_at) for one in self._inputs(table, session)],
        }

    def _inputs(self, table: str, session: date | None) -> list[_Input]:
        return [self._input(table, upstream, session) for upstream in LINEAGE[table]]

    def _input(self, table: str, upstream: Upstream, session: date | None) -> _Input:
        judged = self._provenance.judged.get(upstream.name)
        if judged is None:  # a part of a table that no row set has anything of
            return _Input(upstream.name, None, None, None, None, 0, None)
        begin, end = self._window(table, upstream, session, judged)
        changed = judged.changed[begin:end].max(axis=1, initial=NEVER)
        stale = np.flatnonzero(judged.stale[begin:end].any(axis=1))
        at = int(changed.argmax()) if len(changed) else 0
        is_known = bool(len(changed)) and changed[at] != NEVER
        is_dated = upstream.table not in UNDATED and end > begin
        return _Input(
            upstream.name,
            self._sessions[begin] if is_dated else None,
            self._sessions[end - 1] if is_dated else None,
            _EPOCH + timedelta(microseconds=int(changed[at])) if is_known else None,
            self._sessions[begin + at] if is_known and is_dated else None,
            len(stale),
            self._sessions[begin + int(stale[-1])] if len(stale) and is_dated else None,
        )

    def _window(self, table: str, upstream: Upstream, session: date | None, judged: Judged) -> tuple[int, int]:
        """Rows of an input that a row set reads, as `store.staleness` takes them."""
        n, window = len(judged.changed), upstream.window
        if upstream.table in UNDATED:
            return 0, n
        if window.last is None or table in UNDATED or session is None:
            as_of = self._provenance.grid.as_of_row
            return 0, (int(as_of[0]) + 1 if table in BY_PORTFOLIO and len(as_of) else n)
        row = self._row.get(session)
        if row is None:
            return 0, 0
        begin = 0 if window.first is None else max(0, row + window.first)
        return begin, max(begin, min(n, row + window.last + 1))


def checks_by_table(rows: list[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Results of checks, by table."""
    out: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        out.setdefault(row["table_name"], []).append({name: value for name, value in row.items() if name != "table_name"})
    return out
