"""Stored stress results, and scenarios of a user."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select

from sigmasight_api.queries.risk import open_lots
from sigmasight_assets.store.tables import scenario_shocks, stress_results, user_scenarios
from sigmasight_assets.store.tables.risk import SHIPPED

OF_SHOCK = (
    "market", "value", "growth", "momentum", "quality", "size", "low_volatility", "rates_surprise", "rates_bp", "iv_change",
    "factor_deviation", "stated", "sources",
)  # fmt: skip
LOT = ("lot_id", "symbol", "underlying")


def results(columns: Sequence[str], portfolio_id: uuid.UUID, owner_id: uuid.UUID, session: date) -> dict[str, Select[Any]]:
    """Every scenario's results with the moves behind them, and the open lots in the order of the packed gains."""
    r, s = stress_results.c, scenario_shocks.c
    mine = (
        (s.session == r.session) & (s.scenario_id == r.scenario_id) & (s.mode == r.mode) & or_(s.scope == SHIPPED, s.scope == owner_id.hex)
    )
    query = select(*(r[name] for name in columns), s.name, s.scope, *(s[name] for name in OF_SHOCK))
    joined = query.join_from(stress_results, scenario_shocks, mine, isouter=True)
    return {
        "results": joined.where(r.session == session, r.portfolio_id == portfolio_id),
        "lots": open_lots(LOT, portfolio_id, session),
    }


def own_scenarios(owner_id: uuid.UUID) -> Select[Any]:
    """A user's scenarios by id."""
    u = user_scenarios.c
    return select(u.definition, u.first_session, u.created_at).where(u.owner_id == owner_id).order_by(u.scenario_id)
