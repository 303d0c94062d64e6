"""Small books, written to the ledger by the ledger's own functions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
from sqlalchemy import insert, select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.ledger.accounts import Portfolio, add_user, create_portfolio
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import appraisals, flows, instruments, lots, option_greeks, portfolio_snapshots, position_values

OSI_TAIL = 15
Step = Callable[[Workshop, Sequence[date]], object]
SPINE_STEPS: tuple[Step, ...] = (materialize.option_greeks, materialize.position_values, materialize.portfolio_snapshots)
"""The fewest that give a NAV: for tests of how rows are written, not of what is in them."""
BOOK_STEPS: tuple[Step, ...] = (
    materialize.factor_loadings,
    materialize.factor_betas,
    materialize.factor_covariance,
    materialize.option_greeks,
    materialize.position_values,
    materialize.portfolio_factor_risk,
    materialize.factor_exposures,
    materialize.position_correlations,
    materialize.portfolio_snapshots,
)
RISK_STEPS = (
    materialize.scenario_shocks,
    materialize.market_scenarios,
    materialize.stress_results,
    materialize.risk_metrics,
    materialize.var_exceptions,
    materialize.pnl_attribution,
)
"""Tables of book sessions, each after its inputs."""


@dataclass(frozen=True)
class Lot:
    """A lot as a test states it; an OSI symbol makes it an option."""

    symbol: str
    quantity: float
    entry_price: float
    entry: date
    exit: date | None = None
    exit_price: float | None = None
    private: bool = False

    @property
    def is_option(self) -> bool:
        return len(self.symbol) > OSI_TAIL and self.symbol[-8:].isdigit()


def add_book(
    database: Database,
    held: Sequence[Lot],
    *,
    cash: float,
    as_of: date,
    name: str = "book",
    paid_in: Sequence[tuple[date, float]] = (),
    marks: Sequence[tuple[str, date, float]] = (),
) -> Portfolio:
    """A portfolio with these lots, flows and marks."""
    with database.write() as connection:
        owner = add_user(connection, f"{name}-{uuid.uuid4().hex[:8]}@example.com")
        portfolio = create_portfolio(connection, owner, name, Decimal(str(cash)), as_of)
        known = set(connection.execute(select(instruments.c.symbol)).scalars())
        for ordinal, lot in enumerate(held):
            asset_class = "option" if lot.is_option else "private" if lot.private else "equity"
            if lot.symbol not in known:
                known.add(lot.symbol)
                connection.execute(insert(instruments), _instrument(lot, asset_class))
            row = {
                "id": uuid.uuid4(),
                "portfolio_id": portfolio.id,
                "symbol": lot.symbol,
                "asset_class": asset_class,
                "quantity": Decimal(str(lot.quantity)),
                "entry_price": Decimal(str(lot.entry_price)),
                "entry_date": lot.entry,
                "exit_date": lot.exit,
                "exit_price": None if lot.exit_price is None else Decimal(str(lot.exit_price)),
                "ordinal": ordinal,
                "created_at": utc_now(),
            }
            connection.execute(insert(lots), row)
        common = {"portfolio_id": portfolio.id, "created_at": utc_now()}
        for day, amount in paid_in:
            connection.execute(insert(flows), {**common, "id": uuid.uuid4(), "date": day, "amount": Decimal(str(amount))})
        for symbol, day, price in marks:
            row = {**common, "id": uuid.uuid4(), "symbol": symbol, "date": day, "price_per_unit": Decimal(str(price))}
            connection.execute(insert(appraisals), row)
        record_change(connection, portfolio.id, INCEPTION, "a test's book")
        record_change(connection, portfolio.id, INCEPTION, "a test's book", facet="contracts")
    return portfolio


def _instrument(lot: Lot, asset_class: str) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(("expiry", "strike", "option_type", "exercise_style"))
    row |= {"symbol": lot.symbol, "asset_class": asset_class, "underlying": lot.symbol, "multiplier": 1, "created_at": utc_now()}
    if lot.is_option:
        tail = lot.symbol[-OSI_TAIL:]
        row |= {
            "underlying": lot.symbol[:-OSI_TAIL],
            "multiplier": 100,
            "expiry": date(2000 + int(tail[:2]), int(tail[2:4]), int(tail[4:6])),
            "strike": Decimal(tail[7:]) / 1000,
            "option_type": tail[6],
            "exercise_style": "american",
        }
    return row


def workshop(database: Database, calendar: SessionCalendar, provider: MarketDataProvider, run_id: str = "test") -> Workshop:
    return Workshop(database, calendar, provider, run_id)


def run_all(shop: Workshop, market: Sequence[date], book: Sequence[date], steps: Sequence[Step] = BOOK_STEPS) -> None:
    """Market data, then the tables of book sessions, in order."""
    materialize.security_master(shop)
    for step in (materialize.prices, materialize.treasury_yields, materialize.option_quotes, materialize.factor_returns):
        step(shop, market)
    run_book(shop, book, steps)


def run_risk(shop: Workshop, book: Sequence[date]) -> None:
    """Scenarios, stress, value at risk and attribution of sessions whose book is computed."""
    for step in RISK_STEPS:
        step(shop, book)


def run_book(shop: Workshop, book: Sequence[date], steps: Sequence[Step] = BOOK_STEPS) -> None:
    materialize.opening_cash(shop)
    for step in steps:
        step(shop, book)


def snapshots(database: Database) -> pd.DataFrame:
    """All snapshots, in order of portfolio and session, indexed by session."""
    table = portfolio_snapshots
    return database.frame(select(table).order_by(table.c.portfolio_id, table.c.session)).set_index("session", drop=False)


def positions(database: Database, symbol: str | None = None) -> pd.DataFrame:
    query = select(position_values).order_by(position_values.c.session, position_values.c.symbol, position_values.c.lot_id)
    rows = database.frame(query)
    return rows if symbol is None else rows[rows["symbol"] == symbol].reset_index(drop=True)


def greeks(database: Database) -> pd.DataFrame:
    return database.frame(select(option_greeks).order_by(option_greeks.c.session, option_greeks.c.symbol))
