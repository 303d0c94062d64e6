"""The demonstration portfolios with their risk tables on the last sessions of the embedded data, and readers of what was stored."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations.factor_inputs import read_betas
from sigmasight_assets.calculations.holdings import Holdings, read_holdings
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.reports.materialize import portfolio_reports as write_reports
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolios, scenario_shocks, stress_results
from tests.dataflow.demo_books import book_sessions, demo_workshop, market_sessions
from tests.support.books import run_all, run_risk
from tests.support.shared_files import shared_file

INDIVIDUAL, HEDGE_FUND, WEALTHY = "balanced-individual-investor", "long-short-equity-hedge-fund-style", "sophisticated-high-net-worth"
LAST = date(2022, 12, 28)
N_SESSIONS = 4


def risk_sessions(calendar: SessionCalendar, n: int = N_SESSIONS) -> list[date]:
    """The last sessions of the data."""
    return calendar.between(date(2022, 1, 3), LAST)[-n:]


def whole_demo(template: Path, temporary: Path, calendar: SessionCalendar) -> Path:
    """The demo's database with every table of its 249 sessions, and `reports/` beside it: made once a test run, for copies.

    `temporary` is a folder of pytest's for the module or test that asks.
    """

    def make(path: Path) -> None:
        working = path.with_suffix(".db")
        shutil.copy(template, working)
        shop = demo_workshop(Database(f"sqlite:///{working}"), calendar)
        run_all(shop, market_sessions(shop), book_sessions(shop))
        run_risk(shop, book_sessions(shop))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("SIGMASIGHT_REPORTS_DIR", str(path.parent / "reports"))
            write_reports(shop, book_sessions(shop))
        shop.database.dispose()  # the last connection folds the write-ahead log in
        working.rename(path)

    return shared_file(temporary, "demo.sqlite", make)


def computed_demo(template: Path, folder: Path, calendar: SessionCalendar, provider: MarketDataProvider | None = None) -> Workshop:
    """The demo's portfolios with every table of their last sessions (of all sessions, without a provider of the test's own)."""
    path = folder / "risk.db"
    if provider is None:
        shutil.copy(whole_demo(template, folder, calendar), path)
        return Workshop(Database(f"sqlite:///{path}"), calendar, SampleProvider(), "test")
    shutil.copy(template, path)
    made = demo_workshop(Database(f"sqlite:///{path}"), calendar)
    shop = Workshop(made.database, calendar, provider, "test")
    run_all(shop, market_sessions(shop), risk_sessions(calendar))
    run_risk(shop, risk_sessions(calendar))
    return shop


def slugs(shop: Workshop) -> dict[Any, str]:
    rows = shop.database.frame(select(portfolios.c.id, portfolios.c.slug))
    return dict(zip(rows["id"], rows["slug"], strict=True))


def results(shop: Workshop, session: date = LAST) -> pd.DataFrame:
    """Stress results of a session, by (slug, scenario, mode)."""
    rows = shop.database.frame(select(stress_results).where(stress_results.c.session == session))
    rows["slug"] = rows["portfolio_id"].map(slugs(shop))
    return rows.set_index(["slug", "scenario_id", "mode"]).sort_index()


def shocks(shop: Workshop, session: date = LAST) -> pd.DataFrame:
    """Scenario shocks of a session, by (scenario, mode)."""
    rows = shop.database.frame(select(scenario_shocks).where(scenario_shocks.c.session == session))
    return rows.set_index(["scenario_id", "mode"]).sort_index()


def holdings(shop: Workshop, session: date = LAST) -> tuple[Holdings, np.ndarray, list[str]]:
    """Open lots of the session, the betas of their underlyings (n_lots, 8), and the slugs in the order of `Holdings.portfolio`."""
    with reading(shop.database, shop.calendar) as reader:
        ids = portfolios_of(reader, None)
        held = next(iter(read_holdings(reader, [session], ids)))
        betas = read_betas(reader, reader.positions([session]), held.names)[0]
    return held, betas[held.name], [slugs(shop)[one] for one in ids]
