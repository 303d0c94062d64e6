"""Seconds of one session of 300 portfolios of 100 positions, every engine and its writing: `python -m benchmarks.scale`.

Random books on the embedded market in a temporary SQLite database: shares and funds long and short, a fifth options on them. What is
timed is the book of the last session, in a process of its own and without Dagster. Everything that an evening finds stored is computed
first: the market, the spine of every session since the books' entry (the gains of the year are read from it) and the whole session
before. That takes a minute. The reference is one portfolio computed by itself: its figures must be those of the whole.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, insert, select

from benchmarks.demo_books import NOW
from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.sessions import calendar_for, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.schema import upgrade
from sigmasight_assets.store.tables import METADATA, instruments, lots, portfolios

PORTFOLIOS, POSITIONS, OPTION_SHARE = 300, 100, 0.2
SESSION, ENTRY, AS_OF = date(2022, 12, 28), date(2022, 12, 1), date(2022, 12, 28)
EXPIRIES = (date(2023, 1, 20), date(2023, 3, 17), date(2023, 6, 16), date(2024, 1, 19))
ALLOWED_SECONDS = 10.0
SPINE = ["opening_cash", "option_greeks", "position_values", "portfolio_snapshots"]
TABLES = [table for table in LINEAGE if hasattr(materialize, table)]


def random_books(connection: Connection, symbols: list[str], closes: dict[str, float], n: int, entry: date = ENTRY) -> list[uuid.UUID]:
    """Portfolios with their lots, all entered on one day and written to the ledger in bulk; their ids."""
    random = np.random.default_rng(20221228)
    owner = add_user(connection, "bench@example.com")
    made = utc_now()
    terms: dict[str, dict[str, object]] = {}
    heads, held = [], []
    for number in range(n):
        portfolio = uuid.UUID(bytes=random.bytes(16))
        head = {"id": portfolio, "owner_id": owner, "slug": f"book-{number:03d}", "name": f"Book {number}", "currency": "USD"}
        heads.append(head | {"cash_balance": Decimal(2_000_000), "cash_as_of": AS_OF, "created_at": made})
        for ordinal in range(POSITIONS):
            symbol, row = _instrument(random, symbols, closes)
            terms[symbol] = row | {"created_at": made}
            is_option = row["asset_class"] == "option"
            quantity = int(random.integers(1, 20 if is_option else 500)) * (1 if random.random() < 0.7 else -1)
            lot = {"id": uuid.UUID(bytes=random.bytes(16)), "portfolio_id": portfolio, "symbol": symbol}
            lot |= {"asset_class": row["asset_class"], "quantity": Decimal(quantity), "entry_date": entry, "ordinal": ordinal}
            price = Decimal(str(round(closes[str(row["underlying"])] * (0.08 if is_option else 1.0), 2)))
            held.append(lot | {"entry_price": price, "created_at": made})
    connection.execute(insert(portfolios), heads)
    connection.execute(insert(instruments), list(terms.values()))
    connection.execute(insert(lots), held)
    for portfolio in (head["id"] for head in heads):
        record_change(connection, portfolio, INCEPTION, "a benchmark's book")  # type: ignore[arg-type]
    return [head["id"] for head in heads]  # type: ignore[misc]


def _instrument(random: np.random.Generator, symbols: list[str], closes: dict[str, float]) -> tuple[str, dict[str, object]]:
    """A share or fund, or an option on one struck within a quarter of its close."""
    underlying = symbols[int(random.integers(len(symbols)))]
    row: dict[str, object] = dict.fromkeys(("expiry", "strike", "option_type", "exercise_style"))
    row |= {"asset_class": "equity", "underlying": underlying, "multiplier": 1, "symbol": underlying}
    if random.random() >= OPTION_SHARE:
        return underlying, row
    expiry, kind = EXPIRIES[int(random.integers(len(EXPIRIES)))], "CP"[int(random.integers(2))]
    strike = Decimal(max(1, round(closes[underlying] * float(random.uniform(0.75, 1.25)))))
    symbol = f"{underlying}{expiry:%y%m%d}{kind}{int(strike * 1000):08d}"
    row |= {"asset_class": "option", "multiplier": 100, "expiry": expiry, "strike": strike, "option_type": kind}
    return symbol, row | {"exercise_style": "american", "symbol": symbol}


def figures(database: Database, portfolio: uuid.UUID) -> dict[str, np.ndarray]:
    """Every float of a portfolio's computed tables, in the order of their keys."""
    out = {}
    for name in BY_PORTFOLIO:
        if name in TABLES:
            table = METADATA.tables[name]
            frame = database.frame(select(table).where(table.c.portfolio_id == portfolio).order_by(*table.primary_key.columns))
            out[name] = frame.select_dtypes("float64").to_numpy()
    return out


def compute(shop: Workshop, tables: list[str], sessions: list[date]) -> dict[str, tuple[float, float]]:
    """Wall clock and processor seconds of each table; the latter leaves out what other programs took of the core."""
    out = {}
    for table in tables:
        start, worked = time.perf_counter(), time.process_time()
        write = getattr(materialize, table)
        _ = write(shop) if table in UNDATED else write(shop, sessions)
        out[table] = time.perf_counter() - start, time.process_time() - worked
    return out


def evening(url: str, tables: list[str]) -> dict[str, tuple[float, float]]:
    """The session's tables, computed in this process."""
    database = Database(url)
    shop = Workshop(database, calendar_for(NOW), provider_from_settings("sample", None), "benchmark")
    with database.held_open():
        seconds = compute(shop, tables, [SESSION])
    database.dispose()
    return seconds


def main(n: int = PORTFOLIOS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        calendar, provider = calendar_for(NOW), provider_from_settings("sample", None)
        database = Database(f"sqlite:///{Path(folder) / 'scale.db'}")
        upgrade(database)
        market = calendar.between(provider.first_session(), SESSION)
        quotes = provider.prices([SESSION]).frame.set_index("symbol")["close"]
        symbols = [
            symbol for symbol in quotes.index if symbol not in {proxy.symbol for proxy in provider.proxies.values() if proxy.is_stand_in}
        ]
        with database.write() as connection:
            ids = random_books(connection, symbols, quotes.to_dict(), n)
        shop = Workshop(database, calendar, provider, "benchmark")
        compute(shop, [table for table in TABLES if table in MARKET], market)
        book = [table for table in TABLES if table not in MARKET]
        before = calendar.offset(SESSION, -1)
        compute(shop, SPINE, calendar.between(ENTRY, before))
        compute(shop, [table for table in book if table not in SPINE], [before])
        with ProcessPoolExecutor(1, get_context("spawn")) as processes:  # as an evening's run is a process of its own
            seconds = processes.submit(evening, str(database.url), book).result()
        whole = figures(database, ids[7])
        compute(Workshop(database, calendar, provider, "benchmark", [ids[7]]), book, [SESSION])
        alone = figures(database, ids[7])
        database.dispose()
    difference = max(
        float(np.nanmax(np.abs(alone[name] - whole[name]) / np.maximum(np.abs(whole[name]), 1.0), initial=0.0)) for name in whole
    )
    print(f"{'seconds':<23}{'wall':>8}{'processor':>11}")
    for table, (wall, processor) in seconds.items():
        print(f"{table:<23}{wall:>8.2f}{processor:>11.2f}")
    wall, processor = (sum(taken[k] for taken in seconds.values()) for k in (0, 1))
    print(f"{'all':<23}{wall:>8.2f}{processor:>11.2f} for {n} portfolios of {POSITIONS} positions (allowed {ALLOWED_SECONDS:.0f})")
    print(f"largest relative difference of one portfolio computed by itself  {difference:.1e} (allowed 1e-12)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PORTFOLIOS)
