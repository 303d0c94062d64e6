"""Every table of the demonstration portfolios is the same on PostgreSQL as on SQLite, to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.reports.materialize import portfolio_reports
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import METADATA, materializations
from tests.dataflow.demo_books import market_sessions
from tests.dataflow.risk_demo import computed_demo, risk_sessions
from tests.support.books import run_all, run_risk
from tests.support.rows import COMPUTED, state

NOT_PROVIDED = {"option_quotes"}
"""Tables of which the embedded data have nothing."""


def copy_ledger(source: Database, target: Database) -> None:
    """The same books under the same ids: what is not computed."""
    with source.read() as reading, target.write() as writing:
        for table in METADATA.sorted_tables:
            if table not in COMPUTED and table is not materializations:
                rows = [dict(row) for row in reading.execute(select(table)).mappings()]
                if rows:
                    writing.execute(insert(table), rows)


def test_both_databases_hold_the_same_tables(
    sqlite_template: Path, tmp_path: Path, postgres: Database, calendar: SessionCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGMASIGHT_REPORTS_DIR", str(tmp_path / "reports"))
    on_sqlite = computed_demo(sqlite_template, tmp_path, calendar, SampleProvider())
    copy_ledger(on_sqlite.database, postgres)
    on_postgres = Workshop(postgres, calendar, SampleProvider(), "test")
    sessions = risk_sessions(calendar)
    run_all(on_postgres, market_sessions(on_postgres), sessions)
    run_risk(on_postgres, sessions)
    for shop in (on_sqlite, on_postgres):
        portfolio_reports(shop, sessions)
    one, other = state(on_sqlite.database), state(postgres)
    for table, rows in one.items():
        assert other[table] == rows, table
        assert (table in NOT_PROVIDED) == (not rows), table
    on_sqlite.database.dispose()
