"""`sigmasight run` and `backfill`, `stale`: compute sessions, and say what is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import pandas as pd
import typer
from sqlalchemy import exists, select

from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.cli.arguments import parse_date
from sigmasight_assets.cli.console import Exit, fail, out, show_table, working
from sigmasight_assets.cli.desk import Desk, open_desk
from sigmasight_assets.cli.running import plan_range, run_plan
from sigmasight_assets.cli.summaries import show_outcomes, show_portfolios
from sigmasight_assets.ledger.dated_entries import require_portfolio
from sigmasight_assets.store.tables import portfolio_snapshots, portfolios


def run_command(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First session, YYYY-MM-DD")],
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session (default: the first)")] = None,
    portfolio: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this portfolio (slug, name or UUID); may be repeated")
    ] = None,
    assets: Annotated[str | None, typer.Option(metavar="LIST", help="Only these assets (tables), comma-separated")] = None,
) -> None:
    """Compute sessions: market data, then the book, one Dagster run each. Running them again replaces their rows.

    Market sessions before the range that are not stored yet are materialized too: later ones read them.
    """
    desk = open_desk()
    start = parse_date(first, "--from")
    end = start if last is None else parse_date(last, "--to")
    if end < start:
        raise fail(f"--to ({end}) is before --from ({start}).", Exit.REFUSED)
    ids = [str(require_portfolio(desk.database, name).id) for name in portfolio or []]
    chosen = [name.strip() for name in (assets or "").split(",") if name.strip()]
    plan = plan_range(desk, start, end, chosen, ids)
    for note in plan.notes:
        out.print(note)
    out.print(plan.describe())
    outcomes = run_plan(desk, plan)
    if any("portfolio_snapshots" in outcome.steps for outcome in outcomes):
        show_portfolios(desk, plan.book[-1], ids)
    show_outcomes(outcomes)
    for outcome in outcomes:
        if not outcome.success:
            raise fail(f"the run {outcome.run_id} failed at {outcome.error}. Rows of finished sessions are kept.", Exit.RUN_FAILED)


def stale_command(limit: Annotated[int, typer.Option(min=1, metavar="N", help="Lines to show")] = 40) -> None:
    """List what is older than its inputs or its code, with the cause and the command that renews it."""
    desk = open_desk()
    with working("Comparing every row set with its inputs"):
        rows = stale_rows(desk.database, desk.calendar, desk.provider)
    if rows.empty:
        out.print("Nothing is stale.")
    else:
        lines = _ranges(rows)
        show_table("Stale row sets", ["table", "because", "sessions", "sets"], lines[:limit], numeric_from=3)
        if len(lines) > limit:
            out.print(f"… and {len(lines) - limit} more lines: --limit {len(lines)} shows them.")
        out.print(f"Bring them up to date with: {_remedy(desk, rows)}")
    s = portfolio_snapshots.c
    without = select(portfolios.c.slug).where(~exists(select(s.session).where(s.portfolio_id == portfolios.c.id)))
    new = list(desk.database.frame(without.order_by(portfolios.c.slug))["slug"])
    if new:
        command = f"sigmasight run --from {desk.first_book_session} --to {desk.last_session}"
        out.print(f"Not computed at all yet: {', '.join(new)}. Compute with: {command}", markup=False)


_BECAUSE = {"input_changed": "{} changed", "input_stale": "{} is stale", "code_version": "other code version"}


def _ranges(rows: pd.DataFrame) -> list[list[str]]:
    """A line per table and cause: why, from when to when, how many row sets."""
    lines = []
    for (table, cause, source), part in rows.groupby(["table", "cause", "input"], sort=False):
        days = part["session"].dropna()
        span = f"{days.min():%Y-%m-%d} … {days.max():%Y-%m-%d}" if len(days) else ""
        lines.append([str(table), _BECAUSE[str(cause)].format(source), span, f"{len(part):,}"])
    return lines


def _remedy(desk: Desk, rows: pd.DataFrame) -> str:
    days: Sequence[date] = [day.date() for day in rows["session"].dropna()]
    first, last = (min(days), max(days)) if days else (desk.first_book_session, desk.last_session)
    return f"sigmasight run --from {first} --to {last}"
