"""Reports of the caller's portfolios."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, func, select

from sigmasight_assets.store.tables import materializations, portfolio_reports, portfolio_snapshots, portfolios

REPORT = ("portfolio_id", "session", "status", "reason", "sections", "files")
SORTABLE: dict[str, ColumnElement[Any]] = {
    "session": portfolio_reports.c.session,
    "slug": portfolios.c.slug,
    "status": portfolio_reports.c.status,
}


def of_owner(
    owner_id: uuid.UUID, chosen: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], limit: int, offset: int
) -> dict[str, Select[Any]]:
    """A page of reports of a user's portfolios, and how many there are."""
    r, p, m = portfolio_reports.c, portfolios.c, materializations.c
    mine = portfolio_reports.join(portfolios, (p.id == r.portfolio_id) & (p.owner_id == owner_id))
    recorded = (m.table_name == portfolio_reports.name) & (m.session == r.session) & (m.portfolio_id == r.portfolio_id)
    columns = (*(r[name] for name in REPORT), p.slug, p.name.label("portfolio_name"), m.computed_at, m.run_id)
    number = func.row_number(type_=Integer).over(order_by=order).label("place")
    page = select(r.session, r.portfolio_id).select_from(mine).where(*chosen).order_by(*order).limit(limit).offset(offset).subquery()
    same = (r.session == page.c.session) & (r.portfolio_id == page.c.portfolio_id)
    rows = select(*columns, number).select_from(
        page.join(portfolio_reports, same).join(portfolios, p.id == r.portfolio_id).outerjoin(materializations, recorded)
    )
    return {"page": rows, "total": select(func.count().label("n")).select_from(mine).where(*chosen)}


def of_session(portfolio_id: uuid.UUID, session: date) -> dict[str, Select[Any]]:
    """A portfolio's report of a session as it is recorded, and whether it has what a report is made of."""
    r, s = portfolio_reports.c, portfolio_snapshots.c
    return {
        "report": select(*(r[name] for name in REPORT)).where(r.session == session, r.portfolio_id == portfolio_id),
        "snapshot": select(s.session, s.status, s.reason).where(s.session == session, s.portfolio_id == portfolio_id),
    }
