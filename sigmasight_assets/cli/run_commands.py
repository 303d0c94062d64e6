"""`sigmasight run` and `backfill`: compute sessions."""

from __future__ import annotations

from typing import Annotated

import typer

from sigmasight_assets.calculations.planning import plan_range
from sigmasight_assets.cli.arguments import parse_date, parse_tags
from sigmasight_assets.cli.console import Exit, fail, out
from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.cli.running import run_plan
from sigmasight_assets.cli.stale import run_stale
from sigmasight_assets.cli.summaries import show_outcomes, show_portfolios
from sigmasight_assets.ledger.dated_entries import require_portfolio


def run_command(
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First session, YYYY-MM-DD")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session (default: the first)")] = None,
    portfolio: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this portfolio (slug, name or UUID); may be repeated")
    ] = None,
    assets: Annotated[str | None, typer.Option(metavar="LIST", help="Only these assets (tables), comma-separated")] = None,
    downstream: Annotated[bool, typer.Option("--downstream", help="With --assets: what is made of them too")] = False,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Tag of the Dagster runs; may be repeated")] = None,
    stale: Annotated[bool, typer.Option("--stale", help="Exactly what `sigmasight stale` lists, and nothing else")] = False,
) -> None:
    """Compute sessions: market data, then the book, one Dagster run each. Running them again replaces their rows.

    Market sessions before the range that are not stored yet are materialized too: later ones read them.
    """
    desk = open_desk()
    if stale:
        if first or last or portfolio or assets or downstream or tag:
            raise fail("--stale finds sessions, portfolios and tables itself: leave the other options out.", Exit.REFUSED)
        run_stale(desk)
        return
    if first is None:
        raise fail("Missing option '--from': state the first session, or --stale.", Exit.REFUSED)
    start = parse_date(first, "--from")
    end = start if last is None else parse_date(last, "--to")
    if end < start:
        raise fail(f"--to ({end}) is before --from ({start}).", Exit.REFUSED)
    ids = [str(require_portfolio(desk.database, name).id) for name in portfolio or []]
    chosen = [name.strip() for name in (assets or "").split(",") if name.strip()]
    if downstream and not chosen:
        raise fail("--downstream goes with --assets: without them every asset is run.", Exit.REFUSED)
    tags = parse_tags(tag or [], "--tag")
    plan = plan_range(desk.database, desk.coverage, start, end, chosen, ids, downstream=downstream)
    for note in plan.notes:
        out.print(note)
    out.print(plan.describe())
    outcomes = run_plan(desk, plan, tags)
    if any("portfolio_snapshots" in outcome.steps for outcome in outcomes):
        show_portfolios(desk, plan.book[-1], ids)
    show_outcomes(outcomes)
    for outcome in outcomes:
        if not outcome.success:
            raise fail(f"the run {outcome.run_id} failed at {outcome.error}. Rows of finished sessions are kept.", Exit.RUN_FAILED)
