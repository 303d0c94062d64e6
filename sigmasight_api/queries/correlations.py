"""Correlations of the factors, and of the names of a book."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select

from sigmasight_api.queries.factors import factor_series
from sigmasight_assets.store.tables import factor_covariance, position_correlations, position_values

PACKED = ("names", "delta_dollars", "correlations", "clusters")


def factor_matrices(columns: Sequence[str], session: date) -> dict[str, Select[Any]]:
    """The session's row of moments, and the series behind the factors."""
    c = factor_covariance.c
    return {"moments": select(*(c[name] for name in columns)).where(c.session == session), "series": factor_series(session)}


def of_view(columns: Sequence[str], portfolio_id: uuid.UUID, session: date, view: str) -> Select[Any]:
    """A view's row."""
    c = position_correlations.c
    chosen = select(*(c[name] for name in columns)).where(c.session == session, c.portfolio_id == portfolio_id)
    return chosen.where(c.view == view)


def netted(portfolio_id: uuid.UUID, session: date) -> Select[Any]:
    """Netted delta dollars of every underlying, private assets aside: what shares of gross are measured by."""
    p = position_values.c
    delta = func.sum(p.delta_dollars).label("delta_dollars")
    held = select(p.underlying, delta).where(p.session == session, p.portfolio_id == portfolio_id, p.event.is_(None))
    return held.where(p.asset_class != "private", p.delta_dollars.is_not(None), p.status != "quarantined").group_by(p.underlying)
