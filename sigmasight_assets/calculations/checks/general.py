"""Checks that every table has: the schema of what is stored, gates, staleness."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.checks.outcome import Check, Outcome, none_allowed
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.errors import GateFailed
from sigmasight_assets.store.gates import broken_rows, check_schema
from sigmasight_assets.store.tables import METADATA, materializations


def schema_of(table: str) -> Check:
    """The stored rows of the last session satisfy the table's schema and gates, quarantined rows aside."""

    def check(shop: Workshop, sessions: Sequence[date]) -> Outcome:
        stored = METADATA.tables[table]
        query = select(stored)
        if "session" in stored.c and sessions:
            query = query.where(stored.c.session == sessions[-1])
        rows = shop.database.frame(query)
        try:
            check_schema(stored, rows)
        except GateFailed as error:
            return Outcome(False, 1.0, 0.0, str(error))
        good = rows[rows["status"] != "quarantined"]
        return none_allowed([str(reason) for reason in broken_rows(stored, good).dropna()], "rows that break a gate")

    return check


def gates_of(table: str) -> Check:
    """No row set of the sessions is quarantined."""

    def check(shop: Workshop, sessions: Sequence[date]) -> Outcome:
        m = materializations.c
        query = select(m.session, m.portfolio_id, m.reason).where(m.table_name == table, m.status == "quarantined")
        if sessions and "session" in METADATA.tables[table].c:
            query = query.where(m.session.between(min(sessions), max(sessions)))
        rows = shop.database.frame(query)
        return none_allowed([f"{_day(row.session)}{row.reason}" for row in rows.itertuples()], "quarantined row sets")

    return check


def freshness_of(table: str) -> Check:
    """No row set of the sessions is stale by our own provenance."""

    def check(shop: Workshop, sessions: Sequence[date]) -> Outcome:
        rows = stale_rows(shop.database, shop.calendar, shop.provider, tables=[table])
        rows = rows[rows["session"].isna() | rows["session"].dt.date.isin(set(sessions))]
        return none_allowed([f"{_day(row.session)}{row.detail}" for row in rows.itertuples()], "stale row sets")

    return check


def _day(session: pd.Timestamp) -> str:
    """A session and a space; nothing for an undated table."""
    return "" if pd.isna(session) else f"{session:%Y-%m-%d} "
