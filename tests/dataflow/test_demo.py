"""The whole demo, computed once: 249 sessions of three portfolios on the embedded market data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from matplotlib import image
from sqlalchemy import func, select

from sigmasight_assets.calculations.checks.portfolio import STORED_VALUES
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.engines import mibian_reference
from sigmasight_assets.engines.black_scholes import OptionValues
from sigmasight_assets.pictures import canvas, factors, market, models, portfolio, reports, risk
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.reports import json_writer
from sigmasight_assets.reports.checks import files_hold, json_is_valid
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import NAV_TOLERANCE, nav_identity_error
from sigmasight_assets.store.tables import METADATA, materializations, option_greeks, portfolio_snapshots, position_values
from tests.dataflow.demo_books import book_sessions
from tests.dataflow.risk_demo import whole_demo
from tests.support.books import workshop
from tests.support.small_market import SmallMarket

PICTURES = {
    "security_master": market.sectors,
    "prices": market.price_changes,
    "treasury_yields": market.yield_curve,
    "option_quotes": market.quote_counts,
    "opening_cash": portfolio.cash_bars,
    "option_greeks": models.volatility_sources,
    "position_values": portfolio.price_statuses,
    "factor_returns": factors.series_available,
    "factor_loadings": factors.inflation,
    "factor_betas": factors.fit_quality,
    "factor_covariance": factors.factor_correlations,
    "portfolio_factor_risk": risk.volatility_lines,
    "factor_exposures": risk.factor_bars,
    "position_correlations": risk.heat_map,
    "portfolio_snapshots": portfolio.nav_lines,
    "portfolio_reports": reports.section_statuses,
}
TOP_ROWS = ("position_values", "factor_exposures", "risk_metrics")
"""Groups of the JSON whose long tables are cut to their first rows, which it says."""
Picture = Callable[[Workshop, Sequence[date]], bytes | None]


@pytest.fixture(scope="module")
def demo_folder(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Path:
    """The demo's database, for this module, and its reports: everything but Dagster."""
    folder = tmp_path_factory.mktemp("demo")
    whole = whole_demo(sqlite_template, folder, calendar)
    shutil.copy(whole, folder / "sigmasight.db")
    shutil.copytree(whole.parent / "reports", folder / "reports")
    return folder


@pytest.fixture(scope="module")
def reports_folder(demo_folder: Path) -> Path:
    return demo_folder / "reports"


@pytest.fixture(scope="module")
def demo(demo_folder: Path, calendar: SessionCalendar) -> Iterator[Workshop]:
    shop = Workshop(Database(f"sqlite:///{demo_folder / 'sigmasight.db'}"), calendar, SampleProvider(), "test")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SIGMASIGHT_REPORTS_DIR", str(demo_folder / "reports"))
        yield shop
    shop.database.dispose()


def test_nav_identity_holds_on_all_747_portfolio_sessions(demo: Workshop) -> None:
    rows = demo.database.frame(select(portfolio_snapshots))
    error = nav_identity_error(rows)
    assert len(rows) == 3 * 249
    assert np.isfinite(error).all()
    assert error.max() <= NAV_TOLERANCE


def test_mibian_agrees_on_every_contract_with_time_left(demo: Workshop) -> None:
    g = option_greeks.c
    rows = demo.database.frame(select(option_greeks).where(g.years > 0))
    assert len(rows) == 643
    assert rows["iv"].notna().all()
    terms = [rows[name].to_numpy() for name in ("spot", "strike", "years", "rate", "dividend_yield", "iv")]
    stored = OptionValues(*(rows[name].to_numpy() for name in STORED_VALUES))
    assert mibian_reference.compare(stored, rows["option_type"] == "C", *terms) <= 1e-8


def test_every_lot_of_the_demo_is_priced_and_nothing_is_quarantined(demo: Workshop) -> None:
    p, m = position_values.c, materializations.c
    assert demo.database.frame(select(p.symbol).where(p.price_status.in_(["missing", "stale"]))).empty
    assert demo.database.frame(select(m.table_name).where(m.status == "quarantined")).empty
    assert set(demo.database.frame(select(portfolio_snapshots.c.status))["status"]) == {"ok"}


def test_a_demo_that_was_just_computed_is_not_stale(demo: Workshop) -> None:
    assert stale_rows(demo.database, demo.calendar, demo.provider).empty


def test_the_demo_ends_its_lots_as_the_ledger_says(demo: Workshop) -> None:
    p = position_values.c
    rows = demo.database.frame(select(p.session, p.symbol, p.event).where(p.event.is_not(None)).order_by(p.session, p.symbol))
    assert [(f"{row.session:%Y-%m-%d}", row.symbol, row.event) for row in rows.itertuples()] == [
        ("2022-02-04", "META", "exited"),
        ("2022-05-18", "WMT", "exited"),
        ("2022-09-16", "NVDA220916C00170000", "expired_worthless"),
        ("2022-10-14", "BAC", "exited"),
        ("2022-12-16", "AAPL221216P00150000", "assigned"),
        ("2022-12-16", "XOM221216C00105000", "expired_worthless"),
    ]


def test_the_reports_of_the_last_session_are_valid_and_small(demo: Workshop, reports_folder: Path) -> None:
    sessions = book_sessions(demo)
    assert len(list(reports_folder.rglob("*.*"))) == 12
    assert files_hold(demo, sessions).passed
    assert json_is_valid(demo, sessions).passed
    validator = jsonschema.Draft202012Validator(json_writer.schema())
    for path in reports_folder.rglob("*.json"):
        document = json.loads(path.read_text())
        validator.validate(document)
        assert document["session"] == "2022-12-28"
        assert path.stat().st_size < json_writer.MAX_BYTES
        assert all(not group["truncated"] or name in TOP_ROWS for name, group in document["groups"].items())


@pytest.mark.parametrize("table", [name for name in PICTURES if name != "option_quotes"])
@pytest.mark.parametrize("n_sessions", [1, 5, 249])
def test_each_table_has_a_picture_for_a_day_and_for_a_year(demo: Workshop, table: str, n_sessions: int, tmp_path: Path) -> None:
    png = PICTURES[table](demo, book_sessions(demo)[-n_sessions:])
    assert png is not None
    (tmp_path / "picture.png").write_bytes(png)
    pixels = image.imread(tmp_path / "picture.png")
    assert pixels.shape[:2] == (468 if table == "position_correlations" else 288, 648)
    assert (pixels[..., :3] < 0.9).any(axis=2).mean() > 0.01  # something is drawn


@pytest.mark.parametrize("table", list(PICTURES))
def test_an_empty_table_has_no_picture(sqlite_template: Path, tmp_path: Path, calendar: SessionCalendar, table: str) -> None:
    shutil.copy(sqlite_template, tmp_path / "empty.db")
    shop = workshop(Database(f"sqlite:///{tmp_path / 'empty.db'}"), calendar, SmallMarket([date(2022, 3, 7)], {}))
    assert shop.database.frame(select(func.count().label("n")).select_from(METADATA.tables[table]))["n"].iloc[0] == 0
    assert PICTURES[table](shop, [date(2022, 3, 7)]) is None


def test_a_session_without_published_yields_has_no_curve(demo: Workshop) -> None:
    assert market.yield_curve(demo, [date(2022, 10, 10)]) is None
    assert market.yield_curve(demo, [date(2022, 10, 7), date(2022, 10, 10)]) is not None


def test_a_run_of_one_session_is_drawn_with_the_sessions_before_it(demo: Workshop) -> None:
    first, last = canvas.drawn_sessions(demo, [date(2022, 12, 28)])
    assert (last, len(demo.calendar.between(first, last))) == (date(2022, 12, 28), canvas.LEAST_SESSIONS)
    assert canvas.drawn_sessions(demo, book_sessions(demo)) == (date(2022, 1, 3), date(2022, 12, 28))
