"""What is missing and what is stale in the whole deployment."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select

from sigmasight_api.access import Caller
from sigmasight_api.queries import admin as queries
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.tables import portfolios


def missing_sessions(caller: Caller) -> list[dict[str, Any]]:
    """Tables, and portfolios of tables, that lack sessions of the data; tables without sessions where they lack all."""
    coverage = caller.service.operations.planner.coverage
    calendar = coverage.calendar
    market = len(calendar.between(coverage.provider.first_session(), coverage.last_session))
    book = len(calendar.between(coverage.first_book_session, coverage.last_session))
    stored = {(row["table_name"], row["portfolio_id"]): row for row in caller.rows(queries.stored())}
    owned = [row["id"] for row in caller.rows(select(portfolios.c.id).order_by(portfolios.c.slug))]
    out = []
    for table in LINEAGE:
        whose: list[uuid.UUID | None] = list(owned) if table in BY_PORTFOLIO else [None]
        for portfolio_id in whose:
            row = stored.get((table, portfolio_id))
            expected = 1 if table in UNDATED else market if table in MARKET else book
            n = 0 if row is None else 1 if table in UNDATED else row["n"]
            if n < expected:
                first, last = (None, None) if row is None else (row["first"], row["last"])
                one = {"table": table, "portfolio_id": portfolio_id, "missing": expected - n, "expected": expected}
                out.append({**one, "first_stored": first, "last_stored": last})
    return out


def stale_sets(caller: Caller) -> list[dict[str, Any]]:
    """Stale row sets of the whole deployment, by table and cause."""
    rows = caller.service.operations.planner.stale_rows()
    out = []
    for (table, cause, name), part in rows.groupby(["table", "cause", "input"], sort=False):
        days = part["session"].dropna()
        whose = sorted({one for one in part["portfolio_id"] if isinstance(one, uuid.UUID)})
        span = {"first": None, "last": None} if days.empty else {"first": days.min().date(), "last": days.max().date()}
        out.append({"table": table, "cause": cause, "input": name, "row_sets": len(part), "portfolios": whose, **span})
    return out
