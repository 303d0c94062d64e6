"""Seconds for 1, 25 and 249 sessions of engines and store, without Dagster: `python -m benchmarks.sessions`.

The embedded market and the three demonstration books in temporary SQLite databases. Each run starts from one that holds the
market up to the last session before the books begin, and computes every table for the first 1, 25 or 249 book sessions.
The reference is one session at a time: 25 runs of one session must leave the figures of one run of 25.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from sqlalchemy import select

from benchmarks.demo_books import NOW, import_demo_books
from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.sessions import SessionCalendar, calendar_for
from sigmasight_assets.settings import SAMPLE_BOOK_START
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.schema import upgrade
from sigmasight_assets.store.tables import METADATA

RUNS = {1: 7, 25: 5, 249: 2}
"""Sessions in a run -> how often it is repeated; the best counts."""
TABLES = [table for table in LINEAGE if hasattr(materialize, table)]
"""Every table that engines write, in order of the graph; reports and pictures are not of them."""


@dataclass(frozen=True)
class Bench:
    """A database with market history and books, to be copied for each run."""

    folder: Path
    template: Path
    calendar: SessionCalendar
    provider: MarketDataProvider
    sessions: Sequence[date]

    @contextmanager
    def database(self) -> Iterator[Database]:
        path = self.folder / "run.db"
        shutil.copy(self.template, path)
        database = Database(f"sqlite:///{path}")
        yield database
        database.dispose()
        for leftover in self.folder.glob("run.db*"):
            leftover.unlink()

    def compute(self, database: Database, sessions: Sequence[date], seconds: Counter[str], tables: Sequence[str] = TABLES) -> None:
        """Every table of some sessions, as one run does it; adds each table's time to ``seconds``."""
        shop = Workshop(database, self.calendar, self.provider, "benchmark")
        for table in tables:
            start = time.perf_counter()
            write = getattr(materialize, table)
            _ = write(shop) if table in UNDATED else write(shop, sessions)
            seconds[table] += time.perf_counter() - start


def prepare(folder: Path) -> Bench:
    calendar = calendar_for(NOW)
    provider = provider_from_settings("sample", None)
    market = calendar.between(provider.first_session(), provider.last_session(NOW))
    bench = Bench(folder, folder / "template.db", calendar, provider, [day for day in market if day >= SAMPLE_BOOK_START])
    database = Database(f"sqlite:///{bench.template}")
    upgrade(database)
    import_demo_books(database, calendar, provider)
    history = [day for day in market if day < SAMPLE_BOOK_START]
    bench.compute(database, history, Counter(), [table for table in TABLES if table in MARKET])
    database.dispose()
    return bench


def best_run(bench: Bench, length: int) -> Counter[str]:
    """Seconds of each table in the fastest run of the first ``length`` sessions."""
    runs = []
    for _ in range(RUNS[length]):
        with bench.database() as database:
            runs.append(Counter[str]())
            bench.compute(database, bench.sessions[:length], runs[-1])
    return min(runs, key=lambda run: run.total())


def one_by_one(bench: Bench, length: int) -> tuple[float, float]:
    """Seconds of as many runs of one session, and the largest relative difference of any figure from one run of all."""
    seconds = Counter[str]()
    with bench.database() as database:
        for session in bench.sessions[:length]:
            bench.compute(database, [session], seconds)
        single = _figures(database)
    with bench.database() as database:
        bench.compute(database, bench.sessions[:length], Counter())
        together = _figures(database)
    largest = 0.0
    for table, figures in single.items():
        if figures.shape != together[table].shape or np.any(np.isnan(figures) != np.isnan(together[table])):
            return seconds.total(), float("inf")
        scale = np.maximum(np.abs(figures), 1.0)
        largest = max(largest, float(np.nanmax(np.abs(figures - together[table]) / scale, initial=0.0)))
    return seconds.total(), largest


def _figures(database: Database) -> dict[str, np.ndarray]:
    """Every float of every computed table, in the order of its key."""
    stored = {}
    for name in TABLES:
        table = METADATA.tables[name]
        frame = database.frame(select(table).order_by(*table.primary_key.columns))
        stored[name] = frame.select_dtypes("float64").to_numpy()
    return stored


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = prepare(Path(folder))
        found = {length: best_run(bench, length) for length in RUNS}
        alone, difference = one_by_one(bench, 25)
    one, some, many = (run.total() for run in found.values())
    print(f"{'seconds for sessions':<23}" + "".join(f"{length:>10}" for length in found))
    for table in TABLES:
        print(f"{table:<23}" + "".join(f"{run[table]:>10.3f}" for run in found.values()))
    print(f"{'engines and store':<23}{one:>10.3f}{some:>10.3f}{many:>10.3f}")
    each, allowed = (many - some) / (249 - 25), one / 20
    print(f"a further session      {each * 1e3:.2f} ms = (t(249) − t(25))/224; allowed t(1)/20 = {allowed * 1e3:.2f} ms: ", end="")
    print("holds" if each <= allowed else "DOES NOT HOLD")
    print(f"25 sessions singly     {alone:.2f} s, a ratio of {alone / some:.1f}; largest difference {difference:.1e} (allowed 1e-12)")


if __name__ == "__main__":
    main()
