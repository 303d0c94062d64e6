"""Running sessions from the command line: tidy up, market run, book run, and what the ledger knows of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from sigmasight_assets.cli.console import counted, err, out, working
from sigmasight_assets.cli.desk import Desk
from sigmasight_assets.cli.home import prepare_home
from sigmasight_assets.errors import NotASession, NotFound
from sigmasight_assets.ledger.changes import mark_processed, unprocessed
from sigmasight_assets.progress import watching
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import reporting
from sigmasight_assets.store.lineage import BOOK, LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.tables import materializations

if TYPE_CHECKING:
    from sigmasight_assets.definitions import DagsterInstance, Definitions, RunOutcome


@dataclass(frozen=True)
class Plan:
    """What to run: sessions of each job, empty where there is none.

    Attributes
    ----------
    notes : tuple of str
        What of the request is left out, and why.
    """

    market: list[date]
    book: list[date]
    assets: tuple[str, ...] = ()
    portfolio_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def selected(self, job_tables: Sequence[str]) -> list[str] | None:
        """The asset selection of a job: None for all of it, empty for nothing of it."""
        return [table for table in job_tables if table in self.assets] if self.assets else None

    def describe(self) -> str:
        """The plan in one line."""
        parts = []
        for name, sessions, tables in (("market", self.market, MARKET), ("book", self.book, BOOK)):
            chosen = self.selected(tables)
            if sessions and chosen != []:
                span = f"{sessions[0]} … {sessions[-1]}" if len(sessions) > 1 else str(sessions[0])
                only = f": {', '.join(chosen)}" if chosen else ""
                parts.append(f"{counted(len(sessions), f'{name} session')} ({span}{only})")
        return f"Materializing {' and '.join(parts)}."


def plan_range(desk: Desk, first: date, last: date, assets: Sequence[str] = (), portfolio_ids: Sequence[str] = ()) -> Plan:
    """Sessions of a range, and the market sessions before it that its windows read and that are not stored yet.

    Raises
    ------
    NotFound
        For an asset that does not exist.
    NotASession
        Where the range holds no session of the data, or none of the assets asked for.
    """
    unknown = sorted(set(assets) - set(LINEAGE))
    if unknown:
        raise NotFound(f"--assets: expected names out of {', '.join(LINEAGE)}, was {', '.join(unknown)}.")
    begin, end = desk.provider.first_session(), desk.last_session
    sessions = [day for day in desk.calendar.between(first, last) if begin <= day <= end]
    if not sessions:
        raise NotASession(
            f"There is no session of the data between {first} and {last}: the {desk.provider.name} data cover {begin} … {end}."
        )
    book = [day for day in sessions if day >= desk.first_book_session]
    if not book and (portfolio_ids or (assets and not set(assets) & set(MARKET))):
        raise NotASession(f"There is no session of the portfolios between {first} and {last}: they begin on {desk.first_book_session}.")
    dated = [table for table in MARKET if table not in UNDATED]
    stored = _sessions_with_all(desk, [table for table in dated if table in assets] or dated)
    missing = [day for day in desk.calendar.between(begin, sessions[-1]) if day not in stored]
    market = desk.calendar.between(min([sessions[0], *missing]), sessions[-1])
    notes = []
    if last > end:
        notes.append(f"The {desk.provider.name} data end on {end}: later sessions are left out.")
    if first < begin:
        notes.append(f"The {desk.provider.name} data begin on {begin}: earlier sessions are left out.")
    if sessions[0] < desk.first_book_session:
        notes.append(f"Portfolios are computed from {desk.first_book_session} on.")
    return Plan(market, book, tuple(assets), tuple(portfolio_ids), tuple(notes))


def _sessions_with_all(desk: Desk, tables: Sequence[str]) -> set[date]:
    """Sessions of which every one of the tables is stored: a process may have died between two of them."""
    m = materializations.c
    query = select(m.session).where(m.table_name.in_(tables)).group_by(m.session).having(func.count(m.table_name.distinct()) == len(tables))
    return set(desk.database.frame(query)["session"].dt.date)


def run_plan(desk: Desk, plan: Plan) -> list[RunOutcome]:
    """Execute a plan: at most two Dagster runs; stops after a run that failed."""
    outcomes = []
    with opened_instance(desk) as (definitions, instance):
        from sigmasight_assets.definitions import SCOPE_TAG, execute_range

        jobs = (("market_data", MARKET, plan.market, {"sigmasight/book_follows": "command"}), ("book", BOOK, plan.book, {}))
        with desk.database.read() as connection:
            waiting = unprocessed(connection)
        for job, job_tables, sessions, tags in jobs:
            selection = plan.selected(job_tables)
            if not sessions or selection == []:
                continue
            scope = {SCOPE_TAG: ",".join(plan.portfolio_ids)} if plan.portfolio_ids and job == "book" else {}
            with progress_bars():
                keys = [day.isoformat() for day in (sessions[0], sessions[-1])]
                outcomes.append(execute_range(definitions, instance, job, keys, {**tags, **scope}, selection))
            if outcomes[-1].interrupted:
                raise KeyboardInterrupt
            if not outcomes[-1].success:
                return outcomes
        covers = waiting is not None and plan.book and not plan.assets and not plan.portfolio_ids
        if covers and waiting is not None and _covers(desk, plan, waiting.first_session):
            with desk.database.write() as connection:
                mark_processed(connection, waiting.last_id, utc_now())
    return outcomes


def _covers(desk: Desk, plan: Plan, first_affected: date) -> bool:
    """Whether a plan recomputes every session that waiting ledger changes affect."""
    last = desk.database.frame(
        select(func.max(materializations.c.session).label("last")).where(materializations.c.table_name == "portfolio_snapshots")
    )["last"].iloc[0]
    return plan.book[0] <= max(first_affected, desk.first_book_session) and (last is None or plan.book[-1] >= last.date())


@contextmanager
def opened_instance(desk: Desk) -> Iterator[tuple[Definitions, DagsterInstance]]:
    """Definitions and a tidy Dagster instance: runs whose process died are failed, and the log knows what the store has.

    Raises
    ------
    DatabaseUnavailable
        Where Dagster's own database cannot serve: the disk is full, another process holds it.
    """
    home = prepare_home(desk.settings)  # before Dagster is imported: it reads the environment then
    loaded = "sigmasight_assets.definitions" in sys.modules  # a supervisor comes here every minute
    with nullcontext() if loaded else working("Loading the assets"):
        from sigmasight_assets.definitions import DagsterInstance, defs, tidy

    with reporting(f"Dagster's own, of {home}"), DagsterInstance.get() as instance:
        for run_id in tidy(instance, desk.database):
            err.print(f"The run {run_id} had lost its process and is marked as failed.")
        yield defs, instance


@contextmanager
def progress_bars() -> Iterator[None]:
    """A bar per table while a run works; a line per table where there is no terminal."""
    if not out.is_terminal:
        told: set[str] = set()

        def line(what: str, done: int, total: int) -> None:
            if done == total and what not in told:
                told.add(what)
                out.print(f"  {what}: {counted(total, 'session')} done")

        with watching(line):
            yield
        return
    columns = (TextColumn("  {task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out) as bars:
        tasks: dict[str, TaskID] = {}

        def bar(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        with watching(bar):
            yield
