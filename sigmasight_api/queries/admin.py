"""What an administrator asks about the deployment: activity, checks, row sets that are missing or quarantined, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from sigmasight_api.models.admin import ActivityFilter
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.tables import activity, check_results, materializations, portfolio_snapshots, portfolios, users

LISTED = 200
"""Row sets that an answer names; beyond them it counts."""


def activity_of(asked: ActivityFilter) -> Select[Any]:
    """Newest first."""
    c = activity.c
    query = select(*c, users.c.email.label("user")).select_from(activity.outerjoin(users, users.c.id == c.user_id))
    equal = ((c.user_id, asked.user_id), (users.c.email, asked.user), (c.outcome, asked.outcome), (c.resource, asked.resource))
    for column, value in (*equal, (c.request_id, asked.request_id)):
        if value is not None:
            query = query.where(column == value)
    if asked.action is not None:
        query = query.where(or_(c.action == asked.action, c.action.startswith(f"{asked.action}.", autoescape=True)))
    if asked.since is not None:
        query = query.where(c.at >= asked.since)
    if asked.until is not None:
        query = query.where(c.at < asked.until)
    return query.order_by(c.at.desc(), c.id.desc())


def checks(tables: list[str] | None = None) -> Select[Any]:
    c = check_results.c
    query = select(*check_results.columns).order_by(c.table_name, c.check_name)
    return query if tables is None else query.where(c.table_name.in_(tables))


def stored() -> Select[Any]:
    """How many sessions of each table, and of each portfolio, are stored."""
    m = materializations.c
    n = func.count(m.session.distinct()).label("n")
    query = select(m.table_name, m.portfolio_id, n, func.min(m.session).label("first"), func.max(m.session).label("last"))
    return query.where(m.table_name.in_(list(LINEAGE))).group_by(m.table_name, m.portfolio_id)


def rows_of_runs(run_ids: Sequence[str]) -> Select[Any]:
    """Rows that runs wrote and no later run has replaced."""
    m = materializations.c
    query = select(m.run_id, func.sum(m.rows).label("n")).where(m.run_id.in_(run_ids), m.table_name.in_(list(LINEAGE)))
    return query.group_by(m.run_id)


def quarantined() -> Select[Any]:
    m = materializations.c
    columns = (m.table_name.label("table"), m.session, m.portfolio_id, m.reason, m.run_id, m.computed_at)
    query = select(*columns).where(m.status == "quarantined", m.table_name.in_(list(LINEAGE)))
    return query.order_by(m.session.desc(), m.table_name).limit(LISTED)


def coverage() -> Select[Any]:
    """Every portfolio with its last snapshot; portfolios without one too."""
    s = portfolio_snapshots.c
    last = select(s.portfolio_id, func.max(s.session).label("session")).group_by(s.portfolio_id).subquery()
    p = portfolios.c
    columns = (
        p.id.label("portfolio_id"),
        p.slug,
        s.session,
        s.status,
        s.reason,
        s.coverage,
        s.n_positions,
        s.n_missing,
        s.n_stale,
    )
    source = portfolios.outerjoin(last, last.c.portfolio_id == p.id)
    is_last = and_(s.portfolio_id == last.c.portfolio_id, s.session == last.c.session)
    return select(*columns).select_from(source.outerjoin(portfolio_snapshots, is_last)).order_by(p.slug)
