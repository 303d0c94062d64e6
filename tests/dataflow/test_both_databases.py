"""The risk tables of the demonstration portfolios are the same on PostgreSQL as on SQLite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.columns import PackedFloats
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import market_scenarios, pnl_attribution, risk_metrics, scenario_shocks, stress_results, var_exceptions
from tests.dataflow.demo_books import demo_workshop, market_sessions
from tests.dataflow.risk_demo import LAST, computed_demo, risk_sessions, slugs
from tests.support.books import run_all, run_risk

TABLES = (scenario_shocks, market_scenarios, stress_results, risk_metrics, var_exceptions, pnl_attribution)
OF_LOTS = {"lot_ids", "positions_key"}
"""Ids are drawn anew in each database."""


def stored(shop: Workshop, table: Table) -> pd.DataFrame:
    """Rows of the last session in order of their key, portfolios by slug; what is per lot sorted, because ids order lots."""
    rows = shop.database.frame(select(table).where(table.c.session == LAST))
    rows = rows.drop(columns=[name for name in rows if name in OF_LOTS])
    if "portfolio_id" in rows:
        rows["portfolio_id"] = rows["portfolio_id"].map(slugs(shop))
    for column in table.columns:
        if isinstance(column.type, PackedFloats):
            arrays = [np.zeros(0) if packed is None else packed for packed in rows[column.name]]
            of_lots = column.name == "position_pnl" or column.name.endswith("_components")
            rows[column.name] = [np.sort(values) if of_lots else values for values in arrays]
    return rows.sort_values([key.name for key in table.primary_key], ignore_index=True)


def test_both_databases_hold_the_same_risk(sqlite_template: Path, tmp_path: Path, postgres: Database, calendar: SessionCalendar) -> None:
    on_sqlite = computed_demo(sqlite_template, tmp_path, calendar)
    on_postgres = demo_workshop(postgres, calendar)
    run_all(on_postgres, market_sessions(on_postgres), risk_sessions(calendar))
    run_risk(on_postgres, risk_sessions(calendar))
    for table in TABLES:
        one, other = stored(on_sqlite, table), stored(on_postgres, table)
        assert len(one) > 0
        for name in one:
            if isinstance(one[name].iloc[0], np.ndarray):
                for here, there in zip(one[name], other[name], strict=True):
                    np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-6)
            else:
                pd.testing.assert_series_equal(one[name], other[name], rtol=1e-9, atol=1e-9)
    on_sqlite.database.dispose()
