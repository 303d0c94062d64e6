"""Staleness by its definition, one row set at a time: what the fast judgement is compared with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, UNDATED, Upstream

Key = tuple[str, date | None, uuid.UUID | None]
"""Table or facet, session, portfolio."""


@dataclass(frozen=True)
class Recorded:
    """A row of `materializations`."""

    changed_at: datetime
    computed_at: datetime
    code_version: str


@dataclass(frozen=True)
class Change:
    """A row of `ledger_changes`."""

    facet: str
    portfolio: uuid.UUID
    first_session: date
    changed_at: datetime


@dataclass
class World:
    """Everything that staleness is judged by."""

    sessions: Sequence[date]
    as_of: Mapping[uuid.UUID, date]
    versions: Mapping[str, str]
    recorded: dict[Key, Recorded] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def stale(self) -> dict[Key, tuple[str, str]]:
        """Every stale row set -> (cause, input)."""
        found: dict[Key, tuple[str, str]] = {}
        for table in LINEAGE:
            for key in sorted((key for key in self.recorded if key[0] == table), key=str):
                why = self._why(key, found)
                if why is not None:
                    found[key] = why
        return found

    def _why(self, key: Key, stale: Mapping[Key, tuple[str, str]]) -> tuple[str, str] | None:
        table, own = key[0], self.recorded[key]
        for upstream in LINEAGE[table]:
            if any(moment > own.computed_at for moment in self._moments(key, upstream)):
                return "input_changed", upstream.name
        if own.code_version != self.versions[table]:
            return "code_version", table
        for upstream in LINEAGE[table]:
            if any(read in stale for read in self._read(key, upstream)):
                return "input_stale", upstream.name
        return None

    def _read(self, key: Key, upstream: Upstream) -> list[Key]:
        """The row sets of an upstream that a row set reads."""
        owners = [key[2]] if key[0] in BY_PORTFOLIO else list(self.as_of)
        owners = owners if upstream.table in BY_PORTFOLIO else [None]
        days = [None] if upstream.table in UNDATED else self._days(key, upstream)
        return [(upstream.name, day, owner) for day in days for owner in owners]

    def _days(self, key: Key, upstream: Upstream) -> list[date]:
        first, last = upstream.window.first, upstream.window.last
        if last is None:
            reached = [day for day in self.sessions if day <= self.as_of[key[2]]] if key[2] else list(self.sessions)
            return reached or list(self.sessions[:1])
        if key[1] is None:
            return list(self.sessions)
        at = self.sessions.index(key[1])
        return [day for i, day in enumerate(self.sessions) if (first is None or at + first <= i) and i <= at + last]

    def _moments(self, key: Key, upstream: Upstream) -> list[datetime]:
        """When what a row set reads of an upstream changed."""
        if upstream.table != "ledger":
            return [self.recorded[read].changed_at for read in self._read(key, upstream) if read in self.recorded]
        days, facet = self._days(key, upstream), upstream.name.split(".")[1]
        mine = [one for one in self.changes if one.facet == facet and (facet == "contracts" or one.portfolio == key[2])]
        return [one.changed_at for one in mine if days and self._counts_from(one) <= days[-1]]

    def _counts_from(self, change: Change) -> date:
        """The first session of the grid that a change affects."""
        return next((day for day in self.sessions if day >= change.first_session), date.max)
