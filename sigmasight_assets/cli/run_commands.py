"""`sigmasight run` and `backfill`, `stale`: compute sessions, and say what is old."""

from __future__ import annotations

from typing import Annotated

import typer

from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.cli.console import Exit, err, fail, out, show_table
from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.cli.ledger_commands import parse_date
from sigmasight_assets.cli.running import plan_range, run_plan
from sigmasight_assets.cli.summaries import show_outcomes
from sigmasight_assets.ledger.dated_entries import require_portfolio


def run_command(
    first: Annotated[str, typer.Option("--from", help="First session, YYYY-MM-DD")],
    last: Annotated[str | None, typer.Option("--to", help="Last session (default: the first)")] = None,
    portfolio: Annotated[list[str] | None, typer.Option(help="Only this portfolio (slug or UUID); may be repeated")] = None,
    assets: Annotated[str | None, typer.Option(help="Only these tables, comma-separated")] = None,
) -> None:
    """Materialize sessions: market data, then the book, one Dagster run each. Re-running replaces rows."""
    desk = open_desk()
    start = parse_date(first, "--from")
    end = parse_date(last, "--to") if last else start
    if end < start:
        raise fail(f"--to ({end}) is before --from ({start}).", Exit.REFUSED)
    ids = [str(require_portfolio(desk.database, name).id) for name in portfolio or []]
    chosen = [name.strip() for name in (assets or "").split(",") if name.strip()]
    outcomes = run_plan(desk, plan_range(desk, start, end, chosen, ids))
    show_outcomes(outcomes)
    for outcome in outcomes:
        if not outcome.success:
            raise fail(f"the run {outcome.run_id} failed at {outcome.error}. Rows of finished sessions are kept.", Exit.RUN_FAILED)


def stale_command(
    limit: Annotated[int, typer.Option(help="Lines to show")] = 40,
) -> None:
    """List the row sets that are older than their inputs or their code, with the cause."""
    desk = open_desk()
    rows = stale_rows(desk.database, desk.calendar, desk.provider)
    if rows.empty:
        out.print("Nothing is stale.")
        return
    ranges = rows.groupby(["table", "cause", "input"], sort=False)["session"].agg(["min", "max", "count"]).reset_index()
    cells = [
        [
            row.table,
            row.cause,
            row.input,
            "" if row.min != row.min else f"{row.min:%Y-%m-%d}",
            "" if row.max != row.max else f"{row.max:%Y-%m-%d}",
            str(int((rows["table"] == row.table).sum())),
        ]
        for row in ranges.head(limit).itertuples()
    ]
    show_table("Stale row sets", ["table", "cause", "input", "from", "to", "row sets"], cells, numeric_from=5)
    days = rows["session"].dropna()
    first, last = (days.min().date(), days.max().date()) if len(days) else (desk.first_book_session, desk.last_session)
    err.print(f"Bring them up to date with: sigmasight run --from {max(first, desk.first_book_session)} --to {last}")
