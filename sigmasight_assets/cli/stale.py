"""`sigmasight stale` and `sigmasight run --stale`: what is older than its inputs, and bringing exactly that up to date."""

from __future__ import annotations

import json
from typing import Annotated

import pandas as pd
import typer
from sqlalchemy import exists, select

from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.calculations.refreshing import Refresh, pending_refreshes
from sigmasight_assets.calculations.source_changes import SOURCE_CHANGED, changed_at_source
from sigmasight_assets.cli.console import Exit, counted, fail, out, show_table, working
from sigmasight_assets.cli.desk import Desk, open_desk
from sigmasight_assets.cli.running import opened_instance, progress_bars
from sigmasight_assets.cli.summaries import show_outcomes
from sigmasight_assets.ledger.changes import mark_processed, unprocessed
from sigmasight_assets.providers.local import is_local
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.tables import portfolio_snapshots, portfolios

FORMATS = ("text", "json")
ROUNDS = 12
"""Phases of `calculations.refreshing`, with room for corrections that arrive meanwhile."""


def stale_command(
    limit: Annotated[int, typer.Option(help="Lines to show")] = 40,
    output: Annotated[str, typer.Option("--format", help="text or json")] = "text",
    source: Annotated[bool, typer.Option(help="Compare stored market data with a local source too")] = True,
) -> None:
    """List the row sets that are older than their inputs, their code or their source, with the cause."""
    if output not in FORMATS:
        raise fail(f"--format: expected one of {', '.join(FORMATS)}, was {output!r}.", Exit.REFUSED)
    desk = open_desk()
    with working("Comparing every row set with its inputs"):
        rows = all_stale(desk, with_source=source)
    ranges, new = grouped(desk, rows), _without_numbers(desk)
    if output == "json":
        print(json.dumps({"row_sets": len(rows), "ranges": ranges, "not_computed": new}))
    else:
        _show(desk, len(rows), ranges, new, limit)


def _show(desk: Desk, n: int, ranges: list[dict[str, object]], new: list[str], limit: int) -> None:
    if not n:
        out.print("Nothing is stale.")
    else:
        cells = [
            [str(one["table"]), _BECAUSE[str(one["cause"])].format(one["input"]), _span(one["first"], one["last"]), f"{one['row_sets']:,}"]
            for one in ranges
        ]
        show_table(f"{n:,} stale row sets", ["table", "because", "sessions", "sets"], cells[:limit], numeric_from=3)
        if len(cells) > limit:
            out.print(f"… and {len(cells) - limit} more lines: --limit {len(cells)} shows them.")
        out.print("Bring exactly these up to date with: sigmasight run --stale")
    if new:
        command = f"sigmasight run --from {desk.first_book_session} --to {desk.last_session}"
        out.print(f"Not computed at all yet: {', '.join(new)}. Compute with: {command}", markup=False)


_BECAUSE = {
    "source_changed": "the {} data say something else",
    "input_changed": "{} changed",
    "input_stale": "{} is stale",
    "code_version": "other code version",
}


def _span(first: object, last: object) -> str:
    return "" if first is None else str(first) if first == last else f"{first} … {last}"


def _without_numbers(desk: Desk) -> list[str]:
    """Slugs of portfolios that no session was computed of."""
    s = portfolio_snapshots.c
    query = select(portfolios.c.slug).where(~exists(select(s.session).where(s.portfolio_id == portfolios.c.id)))
    return list(desk.database.frame(query.order_by(portfolios.c.slug))["slug"])


def all_stale(desk: Desk, *, with_source: bool) -> pd.DataFrame:
    """Stale row sets by provenance, after those for which a local source says something else by now."""
    parts = [stale_rows(desk.database, desk.calendar, desk.provider)]
    if with_source and is_local(desk.provider):
        with reading(desk.database, desk.calendar) as reader:
            parts.insert(0, changed_at_source(reader, desk.provider))
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else parts[-1]


def grouped(desk: Desk, rows: pd.DataFrame) -> list[dict[str, object]]:
    """A line per table, cause and run of consecutive sessions."""
    out_: list[dict[str, object]] = []
    for (table, cause, source), part in rows.groupby(["table", "cause", "input"], sort=False):
        counts = part["session"].dropna().dt.date.value_counts().sort_index()
        if counts.empty:
            out_.append({"table": table, "first": None, "last": None, "row_sets": len(part), "cause": cause, "input": source})
        positions = pd.Series([desk.calendar.position(day) for day in counts.index], index=counts.index, dtype="int64")
        for _, run in counts.groupby((positions.diff() != 1).cumsum()):
            first, last = str(run.index[0]), str(run.index[-1])
            out_.append({"table": table, "first": first, "last": last, "row_sets": int(run.sum()), "cause": cause, "input": source})
    return out_


def run_stale(desk: Desk) -> None:
    """Take in what a local source corrected, then recompute stale row sets, and nothing else."""
    outcomes = []
    with desk.database.read() as connection:
        waiting = unprocessed(connection)
    with opened_instance(desk) as (definitions, instance):
        from sigmasight_assets.definitions import SCOPE_TAG, execute_range

        for _ in range(ROUNDS):
            work = _next_runs(desk)
            if not work:
                break
            for refresh in work:
                tags = {SCOPE_TAG: ",".join(map(str, refresh.portfolio_ids))} if refresh.portfolio_ids else {}
                job, follows = ("market_data", {"sigmasight/book_follows": "command"}) if refresh.is_market else ("book", {})
                out.print(_described(refresh))
                keys = [refresh.first.isoformat(), refresh.last.isoformat()]
                with progress_bars():
                    outcomes.append(execute_range(definitions, instance, job, keys, {**tags, **follows}, list(refresh.tables)))
                if outcomes[-1].interrupted:
                    raise KeyboardInterrupt
                if not outcomes[-1].success:
                    raise fail(f"the run {outcomes[-1].run_id} failed at {outcomes[-1].error}.", Exit.RUN_FAILED)
    if outcomes:
        show_outcomes(outcomes)
    left = all_stale(desk, with_source=True)
    if len(left):
        first = left.iloc[0]
        raise fail(f"{len(left)} row sets are stale still, first {first['table']} {first['session']}: {first['detail']}.", Exit.FAILED)
    if waiting is not None and not _without_numbers(desk):
        with desk.database.write() as connection:
            mark_processed(connection, waiting.last_id, utc_now())
    out.print("Nothing is stale now." if outcomes else "Nothing was stale: nothing was changed.")


def _next_runs(desk: Desk) -> list[Refresh]:
    """The market data that a source corrected, if any; else the next phase of what is stale."""
    rows = all_stale(desk, with_source=True)
    corrected = rows[rows["cause"] == SOURCE_CHANGED]
    return pending_refreshes(desk.database, desk.calendar, desk.provider, desk.first_book_session, corrected if len(corrected) else rows)


def _described(refresh: Refresh) -> str:
    whose = "" if refresh.portfolio_ids is None else f" for {counted(len(refresh.portfolio_ids), 'portfolio')}"
    return f"{', '.join(refresh.tables)}: {_span(refresh.first, refresh.last)}{whose}"
