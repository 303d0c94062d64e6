"""Portfolios, their snapshots in time, and what their owners stated of cash and private assets."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select

from sigmasight_api.models.portfolios import DAY, EXPOSURE_COLUMNS, HEAD, RATIOS
from sigmasight_assets.store.tables import (
    appraisals,
    flows,
    lots,
    materializations,
    pnl_attribution,
    portfolio_reports,
    portfolio_snapshots,
    portfolios,
    risk_metrics,
)

_head = portfolios.c
_snapshot = portfolio_snapshots.c
_SHOWN = ("session", "nav", "pnl", "daily_return", "status", "reason")
SORTABLE: Mapping[str, ColumnElement[Any]] = {
    "slug": _head.slug,
    "name": _head.name,
    "created_at": _head.created_at,
    "cash_as_of": _head.cash_as_of,
    "nav": _snapshot.nav,
    "pnl": _snapshot.pnl,
    "daily_return": _snapshot.daily_return,
}


def owned(owner_id: uuid.UUID) -> Select[Any]:
    """A user's portfolios, each with its last snapshot."""
    recorded = materializations.c
    last = (
        select(func.max(recorded.session))
        .where(recorded.portfolio_id == _head.id, recorded.table_name == portfolio_snapshots.name)
        .correlate(portfolios)
        .scalar_subquery()
    )
    n_lots = select(func.count()).where(lots.c.portfolio_id == _head.id).correlate(portfolios).scalar_subquery()
    is_last = and_(_snapshot.portfolio_id == _head.id, _snapshot.session == last)
    columns = [*(_head[name] for name in HEAD), n_lots.label("n_lots"), *(_snapshot[name] for name in _SHOWN)]
    return select(*columns).select_from(portfolios.outerjoin(portfolio_snapshots, is_last)).where(_head.owner_id == owner_id)


def head(portfolio_id: uuid.UUID) -> Select[Any]:
    return select(*(_head[name] for name in HEAD)).where(_head.id == portfolio_id)


def summary(portfolio_id: uuid.UUID, session: date) -> Select[Any]:
    """A portfolio's snapshot beside its head."""
    stated = (_head.slug, _head.name, _head.currency, _head.cash_balance, _head.cash_as_of)
    return (
        select(*_snapshot, *stated)
        .join_from(portfolio_snapshots, portfolios, _head.id == _snapshot.portfolio_id)
        .where(_snapshot.portfolio_id == portfolio_id, _snapshot.session == session)
    )


def _between(table: Table, portfolio_id: uuid.UUID, first: date, last: date) -> ColumnElement[bool]:
    return and_(table.c.portfolio_id == portfolio_id, table.c.session.between(first, last))


def exposures(portfolio_id: uuid.UUID, first: date, last: date) -> Select[Any]:
    columns = (_snapshot[name] for name in (*EXPOSURE_COLUMNS, "delta_coverage", "status", "reason"))
    return select(*columns).where(_between(portfolio_snapshots, portfolio_id, first, last)).order_by(_snapshot.session)


def performance(portfolio_id: uuid.UUID, shown: Sequence[date], session: date) -> Select[Any]:
    """Snapshots of a page of sessions, and of one session with its `risk_metrics`, in order."""
    metrics = risk_metrics.c
    of_last = and_(metrics.portfolio_id == portfolio_id, metrics.session == session, _snapshot.session == session)
    source = portfolio_snapshots.outerjoin(risk_metrics, of_last)
    is_shown = _snapshot.session == session
    if shown:
        is_shown = or_(is_shown, _snapshot.session.between(min(shown), max(shown)))
    columns = (*(_snapshot[name] for name in DAY), *(metrics[name] for name in RATIOS), metrics.missing)
    return select(*columns).select_from(source).where(_snapshot.portfolio_id == portfolio_id, is_shown).order_by(_snapshot.session)


def attribution(portfolio_id: uuid.UUID, first: date, last: date) -> Select[Any]:
    columns = [column for column in pnl_attribution.columns if column.name != "portfolio_id"]
    return select(*columns).where(_between(pnl_attribution, portfolio_id, first, last)).order_by(pnl_attribution.c.session)


def flows_of(portfolio_id: uuid.UUID) -> Select[Any]:
    columns = [column for column in flows.columns if column.name != "portfolio_id"]
    return select(*columns).where(flows.c.portfolio_id == portfolio_id).order_by(flows.c.date.desc(), flows.c.created_at, flows.c.id)


def appraisals_of(portfolio_id: uuid.UUID) -> Select[Any]:
    columns = [column for column in appraisals.columns if column.name != "portfolio_id"]
    return select(*columns).where(appraisals.c.portfolio_id == portfolio_id).order_by(appraisals.c.date.desc(), appraisals.c.symbol)


def report_files(portfolio_id: uuid.UUID) -> Select[Any]:
    """What reports of a portfolio are on disk."""
    return select(portfolio_reports.c.files).where(portfolio_reports.c.portfolio_id == portfolio_id, portfolio_reports.c.files.is_not(None))
