"""Risk of one portfolio on one session."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, Table, select

from sigmasight_assets.store.tables import (
    market_scenarios,
    option_greeks,
    portfolio_snapshots,
    position_values,
    risk_metrics,
    var_exceptions,
)

GREEKS = ("delta_dollars", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct")


def of_session(table: Table, columns: Sequence[str], portfolio_id: uuid.UUID, session: date) -> Select[Any]:
    """Columns of a table's rows of one portfolio and session."""
    return select(*(table.c[name] for name in columns)).where(table.c.session == session, table.c.portfolio_id == portfolio_id)


def open_lots(columns: Sequence[str], portfolio_id: uuid.UUID, session: date) -> Select[Any]:
    """Columns of the lots that packed arrays are of, in their order: open ones whose row is not quarantined."""
    p = position_values.c
    query = of_session(position_values, columns, portfolio_id, session)
    return query.where(p.event.is_(None), p.status != "quarantined").order_by(p.lot_id)


def metrics(columns: Sequence[str], exception_columns: Sequence[str], portfolio_id: uuid.UUID, session: date) -> dict[str, Select[Any]]:
    """The row of metrics, its exceptions by level, and the symbols of the lots that its components are of."""
    return {
        "metrics": of_session(risk_metrics, columns, portfolio_id, session),
        "exceptions": of_session(var_exceptions, exception_columns, portfolio_id, session),
        "lots": of_session(position_values, ("lot_id", "symbol", "underlying"), portfolio_id, session),
    }


def greeks(portfolio_id: uuid.UUID, session: date) -> dict[str, Select[Any]]:
    """The book's totals, and Greeks of every open lot with the expiry of its series."""
    s, p, g = portfolio_snapshots.c, position_values.c, option_greeks.c
    totals = (s.delta_net.label("delta_dollars"), *(s[name] for name in GREEKS[1:]), s.delta_coverage, s.status, s.reason)
    series = position_values.outerjoin(option_greeks, (g.session == p.session) & (g.symbol == p.symbol) & (p.asset_class == "option"))
    lots = select(p.lot_id, p.symbol, p.asset_class, p.underlying, *(p[name] for name in GREEKS), p.status, p.reason, g.expiry)
    return {
        "book": select(*totals).where(s.session == session, s.portfolio_id == portfolio_id),
        "lots": lots.select_from(series).where(p.session == session, p.portfolio_id == portfolio_id, p.event.is_(None)),
    }


def grid(columns: Sequence[str], portfolio_id: uuid.UUID, session: date) -> Select[Any]:
    """The grid of market and rates: market first, falls before rises."""
    m = market_scenarios.c
    return of_session(market_scenarios, columns, portfolio_id, session).order_by(m.variable, m.market_shock, m.rates_bp)
