"""The demonstration portfolios in a temporary database, by the ledger's own import and without Dagster."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.ledger.csv_flows import read_appraisals
from sigmasight_assets.ledger.csv_lots import read_lots
from sigmasight_assets.ledger.dated_entries import import_appraisals, require_portfolio
from sigmasight_assets.ledger.lot_imports import ImportRequest, import_lots
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sample_data import demo_portfolio_id
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.settings import SAMPLE_BOOK_START
from sigmasight_assets.store.database import Database

SAMPLE_DATA = Path(__file__).parents[2] / "sigmasight_assets" / "sample_data"
DEMO = SAMPLE_DATA / "demo"
TODAY = date(2023, 3, 1)
NOW = datetime(2023, 3, 1, 12, tzinfo=UTC)


def described() -> dict[str, Any]:
    """portfolios.yaml."""
    loaded: dict[str, Any] = yaml.safe_load((DEMO / "portfolios.yaml").read_text())
    return loaded


def demo_workshop(database: Database, calendar: SessionCalendar) -> Workshop:
    """Import the three portfolios and the marks of their private assets."""
    demo, provider = described(), SampleProvider()
    for head in demo["portfolios"]:
        with database.write() as connection:
            add_user(connection, head["owner"], head["name"])
        file = DEMO / f"{head['slug']}.csv"
        lots = read_lots(file.read_bytes(), as_of=demo["as_of"], today=TODAY, calendar=calendar, known_symbols=provider.known_symbols())
        assert (lots.problems, lots.warnings) == ((), ())
        cash, portfolio_id = Decimal(head["cash"]), demo_portfolio_id(head["slug"])
        request = ImportRequest(head["owner"], head["name"], file.name, "add", cash, demo["as_of"], head["slug"], portfolio_id)
        import_lots(database, calendar, request, lots)
    lines = [f"{mark['ticker']},{mark['date']},{mark['price_per_unit']}" for mark in demo["appraisals"]]
    marks = read_appraisals("\n".join(["ticker,date,price_per_unit", *lines]).encode(), today=TODAY, calendar=calendar)
    owner = require_portfolio(database, demo["appraisals"][0]["portfolio"])
    import_appraisals(database, calendar, owner, marks.rows, marks.content_hash, "portfolios.yaml")
    return Workshop(database, calendar, provider, "test")


def market_sessions(shop: Workshop) -> list[date]:
    """The sessions that the embedded data cover."""
    return shop.calendar.between(shop.provider.first_session(), shop.provider.last_session(NOW))


def book_sessions(shop: Workshop) -> list[date]:
    return [day for day in market_sessions(shop) if day >= SAMPLE_BOOK_START]
