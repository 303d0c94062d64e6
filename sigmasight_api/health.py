"""What is missing and what is stale in the whole deployment."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from sqlalchemy import select

from sigmasight_api.access import Caller
from sigmasight_api.queries import admin as queries
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.tables import portfolios

NOBODY = uuid.UUID(int=0)


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
    """Stale row sets by table and cause, from the provenance of every portfolio."""
    service = caller.service
    seen: dict[tuple[str, str, str], list[tuple[date | None, uuid.UUID]]] = {}
    books = caller.rows(select(portfolios.c.id, portfolios.c.cash_as_of))
    sources = [service.provenance.get(caller.connection, service.calendar, row["id"], row["cash_as_of"], caller.token) for row in books]
    for i, provenance in enumerate(sources or [caller.market()]):
        for table in LINEAGE:
            if table in BY_PORTFOLIO or i == 0:
                for cause, name, session in provenance.stale(table):
                    seen.setdefault((table, cause, name), []).append((session, books[i]["id"] if books else NOBODY))
    out = []
    for (table, cause, name), found in seen.items():
        dated = [day for day, _ in found if day is not None]
        whose = sorted({portfolio_id for _, portfolio_id in found}) if table in BY_PORTFOLIO else []
        span = {"first": min(dated, default=None), "last": max(dated, default=None)}
        out.append({"table": table, "cause": cause, "input": name, "row_sets": len(found), "portfolios": whose, **span})
    return sorted(out, key=lambda one: list(LINEAGE).index(one["table"]))
