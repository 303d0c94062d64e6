"""The factor model: what its factors are, and what books are exposed to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, select

from sigmasight_api.queries.risk import of_session
from sigmasight_assets.store.tables import (
    factor_betas,
    factor_exposures,
    factor_loadings,
    factor_returns,
    portfolio_factor_risk,
    position_values,
)

PACKED = (
    "lot_ids", "symbols", "underlyings", "delta_dollars", "uncovered_dollars", "uncovered_reasons", "factors", "dollars", "std_errors",
    "volatility_contributions",
)  # fmt: skip
"""Columns of `portfolio_factor_risk` that are arrays of its lots."""
FIT = ("beta", "std_error", "t_stat", "r_squared", "n_obs", "quality", "flags")


def exposures(book_columns: Sequence[str], columns: Sequence[str], portfolio_id: uuid.UUID, session: date) -> dict[str, Select[Any]]:
    """The book's beta and predicted risk, and its exposure to each factor."""
    return {
        "book": of_session(portfolio_factor_risk, book_columns, portfolio_id, session),
        "factors": of_session(factor_exposures, columns, portfolio_id, session),
    }


def positions(portfolio_id: uuid.UUID, session: date) -> dict[str, Select[Any]]:
    """The book's lots packed as arrays, and the stored fits of their underlyings."""
    risk = of_session(portfolio_factor_risk, (*PACKED, "coverage", "status", "reason"), portfolio_id, session)
    return {"risk": risk, "fits": fits(portfolio_id, session)}


def fits(portfolio_id: uuid.UUID, session: date) -> Select[Any]:
    """Stored fits of the underlyings of a book's open lots."""
    p, b = position_values.c, factor_betas.c
    held = select(p.underlying).where(p.session == session, p.portfolio_id == portfolio_id, p.event.is_(None))
    query = select(b.symbol, b.factor, *(b[name] for name in FIT)).where(b.session == session, b.symbol.in_(held))
    return query.where(b.status != "quarantined")


def factor_series(session: date) -> Select[Any]:
    """The series behind the factors on a session."""
    f = factor_returns.c
    return select(f.series, f.symbol, f.etf, f.is_stand_in).where(f.session == session, f.kind == "factor")


def definitions(session: date, model_session: date | None, loading_columns: Sequence[str]) -> dict[str, Select[Any]]:
    """The series behind the factors on a session, and what the model found of them on the last that it was estimated on."""
    f, m = factor_returns.c, factor_loadings.c
    series = select(f.series, f.kind, f.symbol, f.etf, f.is_stand_in, f.members, f.source, f.status, f.reason)
    return {
        "series": series.where(f.session == session),
        "loadings": select(*(m[name] for name in loading_columns)).where(m.session == model_session),
    }
