"""The three demonstration books in a database of their own, by the ledger's own functions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources

import yaml

from sigmasight_assets.errors import NotFound
from sigmasight_assets.ledger.accounts import add_user, find_user
from sigmasight_assets.ledger.csv_flows import read_appraisals
from sigmasight_assets.ledger.csv_lots import read_lots
from sigmasight_assets.ledger.dated_entries import import_appraisals, require_portfolio
from sigmasight_assets.ledger.lot_imports import ImportRequest, import_lots
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database

DEMO = resources.files("sigmasight_assets.sample_data").joinpath("demo")
NOW = datetime(2023, 3, 1, 12, tzinfo=UTC)
"""The benchmarks' clock: after the embedded data end."""


def import_demo_books(database: Database, calendar: SessionCalendar, provider: MarketDataProvider) -> None:
    described = yaml.safe_load(DEMO.joinpath("portfolios.yaml").read_text(encoding="utf-8"))
    as_of, today = described["as_of"], NOW.date()
    for book in described["portfolios"]:
        with database.write() as connection:
            try:
                find_user(connection, book["owner"])
            except NotFound:
                add_user(connection, book["owner"], book["name"])
        name = f"{book['slug']}.csv"
        file = read_lots(
            DEMO.joinpath(name).read_bytes(), as_of=as_of, today=today, calendar=calendar, known_symbols=provider.known_symbols()
        )
        cash = Decimal(str(book["cash"]))
        import_lots(database, calendar, ImportRequest(book["owner"], book["name"], name, "replace", cash, as_of, book["slug"]), file)
    marks = "".join(f"{mark['ticker']},{mark['date']},{mark['price_per_unit']}\n" for mark in described["appraisals"])
    rows = read_appraisals(f"ticker,date,price_per_unit\n{marks}".encode(), today=today, calendar=calendar)
    owner = require_portfolio(database, described["appraisals"][0]["portfolio"])
    import_appraisals(database, calendar, owner, rows.rows, rows.content_hash, "portfolios.yaml")
