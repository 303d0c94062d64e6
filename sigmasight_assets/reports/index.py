"""`portfolio_reports`: which sections each portfolio's report has on each session, and what was written."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import select

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, UNDATED
from sigmasight_assets.store.tables import materializations, portfolio_reports, portfolios

SOURCES = tuple(dict.fromkeys(upstream.table for upstream in LINEAGE["portfolio_reports"]))
"""The tables that reports are made of."""


def report_index(
    database: Database,
    sessions: Sequence[date],
    scope: Sequence[uuid.UUID] | None,
    files: Mapping[tuple[date, uuid.UUID], Mapping[str, Any]],
) -> tuple[list[uuid.UUID], pd.DataFrame]:
    """Rows of `portfolio_reports`, and the portfolios they are of (all when None).

    Parameters
    ----------
    files : mapping
        (session, portfolio) -> what was written for it.
    """
    ids = database.frame(select(portfolios.c.id))["id"]
    chosen = sorted(ids if scope is None else set(ids) & set(scope))
    m = materializations
    query = select(m.c.table_name, m.c.session, m.c.portfolio_id, m.c.content_hash, m.c.status, m.c.reason)
    rows = database.frame(
        query.where(m.c.table_name.in_(SOURCES), m.c.session.is_(None) | m.c.session.between(min(sessions), max(sessions)))
    )
    days = [None if day != day else day.date() for day in rows["session"]]
    sources = {
        (table, day, portfolio): (digest, status, reason)
        for table, day, portfolio, digest, status, reason in zip(
            rows["table_name"], days, rows["portfolio_id"], rows["content_hash"], rows["status"], rows["reason"], strict=True
        )
    }
    records = [_record(sources, day, portfolio, files.get((day, portfolio))) for day in sessions for portfolio in chosen]
    frame = columns_to_frame([], [(column.name, column.type) for column in portfolio_reports.columns])
    if records:
        frame = pd.DataFrame(records, columns=[column.name for column in portfolio_reports.columns]).astype(object)
        frame["session"] = pd.to_datetime(frame["session"]).astype("datetime64[s]")
    return chosen, frame


def _record(
    sources: Mapping[tuple[str, date | None, uuid.UUID | None], tuple[str, str, str | None]],
    day: date,
    portfolio: uuid.UUID,
    files: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """One row: a section's status is that of the table behind it."""
    found = {name: sources.get((name, None if name in UNDATED else day, portfolio if name in BY_PORTFOLIO else None)) for name in SOURCES}
    sections: dict[str, dict[str, Any]] = {
        name: {"status": "unavailable", "reason": "not_materialized"} if source is None else {"status": source[1], "reason": source[2]}
        for name, source in found.items()
    }
    text = ";".join(f"{name}={source[0] if source else ''}" for name, source in sorted(found.items()))
    own = sections["portfolio_snapshots"]
    return {
        "session": day,
        "portfolio_id": portfolio,
        "sections": sections,
        "files": None if files is None else dict(files),
        "content_hash": hashlib.sha256(text.encode()).hexdigest(),
        "status": own["status"],
        "reason": own["reason"],
    }
