"""Running sessions from the command line: tidy up, market run, book run, and what the ledger knows of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import date
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from sigmasight_assets.calculations.planning import Plan
from sigmasight_assets.cli.console import counted, err, out, working
from sigmasight_assets.cli.desk import Desk
from sigmasight_assets.dagster_home import prepare_home
from sigmasight_assets.ledger.changes import mark_processed, unprocessed
from sigmasight_assets.progress import watching
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import reporting
from sigmasight_assets.store.lineage import BOOK, MARKET
from sigmasight_assets.store.tables import materializations

if TYPE_CHECKING:
    from sigmasight_assets.definitions import DagsterInstance, Definitions, RunOutcome


def run_plan(desk: Desk, plan: Plan, run_tags: Mapping[str, str] | None = None) -> list[RunOutcome]:
    """Execute a plan: at most two Dagster runs; stops after a run that failed.

    Parameters
    ----------
    run_tags : mapping, optional
        Further tags of the runs.
    """
    outcomes = []
    with opened_instance(desk) as (definitions, instance), desk.database.held_open():
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
                outcomes.append(execute_range(definitions, instance, job, keys, {**(run_tags or {}), **tags, **scope}, selection))
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
