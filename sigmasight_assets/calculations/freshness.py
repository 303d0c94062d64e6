"""Staleness of this deployment's row sets: `store.staleness` on all market sessions and portfolios."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.stale_rows import stale_row_sets
from sigmasight_assets.store.staleness import Grid
from sigmasight_assets.store.tables import materializations, portfolios


def stale_rows(
    database: Database, calendar: SessionCalendar, provider: MarketDataProvider, tables: Sequence[str] | None = None
) -> pd.DataFrame:
    """Stale row sets (columns of `store.stale_rows.COLUMNS`), of some tables or all."""
    last = database.frame(select(func.max(materializations.c.session).label("last")))["last"].iloc[0]
    sessions = [] if last is None or pd.isna(last) else calendar.between(provider.first_session(), pd.Timestamp(last).date())
    owned = database.frame(select(portfolios.c.id, portfolios.c.cash_as_of)).sort_values("id")
    grid = Grid(sessions, list(owned["id"]), [day.date() for day in owned["cash_as_of"]])
    return stale_row_sets(database, grid, CODE_VERSIONS, tables)
