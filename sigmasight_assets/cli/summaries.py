"""Tables at the end of a command: what portfolios are worth, what a run did."""

from __future__ import annotations

import math
import textwrap
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from sigmasight_assets.cli.console import counted, err, out, show_table
from sigmasight_assets.cli.desk import Desk
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.tables import materializations, portfolio_snapshots, portfolios

if TYPE_CHECKING:
    from sigmasight_assets.definitions import RunOutcome

PORTFOLIOS_A_BLOCK = 4
LABEL_WIDTH, NAME_WIDTH, GAP = 18, 15, 2


def money(value: float | None) -> str:
    """Whole dollars; n/a for what is not known."""
    return "n/a" if value is None or math.isnan(value) else f"{value:,.0f}"


def share(value: float | None) -> str:
    return "n/a" if value is None or math.isnan(value) else f"{value:.1%}"


def ratio(value: float | None) -> str:
    return "n/a" if value is None or math.isnan(value) else f"{value:.2f}"


def word(value: str | None) -> str:
    return (value or "").replace("_", " ")


_FIGURES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("NAV", "nav", money),
    ("long", "market_value_long", money),
    ("short", "market_value_short", money),
    ("gross", "market_value_gross", money),
    ("net", "market_value_net", money),
    ("day P&L", "pnl", money),
    ("year P&L", "year_pnl", money),
    ("delta $", "delta_net", money),
    ("gamma $ / 1 %", "gamma_dollars_per_pct", money),
    ("theta $ / day", "theta_per_day", money),
    ("vega $ / vol pt", "vega_per_volpt", money),
    ("rho $ / 1 % rate", "rho_per_pct", money),
    ("market beta", "beta", ratio),
    ("predicted vol / y", "predicted_volatility", share),
    ("with betas", "factor_coverage", share),
    ("coverage", "coverage", share),
    ("status", "status", word),
    ("reason", "reason", word),
)
"""Label, column of `portfolio_snapshots`, how it is shown."""


def show_portfolios(desk: Desk, session: date, portfolio_ids: Sequence[str] = ()) -> None:
    """A column per portfolio, a row per figure; blocks of a few portfolios where there are many."""
    s = portfolio_snapshots.c
    query = select(portfolios.c.slug, *(s[name] for _, name, _ in _FIGURES)).where(portfolios.c.id == s.portfolio_id, s.session == session)
    if portfolio_ids:
        query = query.where(s.portfolio_id.in_([uuid.UUID(text) for text in portfolio_ids]))
    rows = desk.database.frame(query.order_by(portfolios.c.slug)).to_dict("records")
    if not rows:
        out.print(f"No portfolio has values on {session}.")
    a_block = max(1, min(PORTFOLIOS_A_BLOCK, (out.width - LABEL_WIDTH) // (NAME_WIDTH + GAP)))
    for start in range(0, len(rows), a_block):
        _show_block(session, rows[start : start + a_block])


def _show_block(session: date, rows: Sequence[Mapping[str, Any]]) -> None:
    figures = [figure for figure in _FIGURES if figure[1] != "reason" or any(row["reason"] for row in rows)]
    names = ["\n".join(textwrap.wrap(row["slug"], NAME_WIDTH)) for row in rows]
    cells = [[label, *(shown(row[name]) for row in rows)] for label, name, shown in figures]
    show_table(f"Portfolios on {session} (USD)", ["", *names], cells)


def show_outcomes(outcomes: Sequence[RunOutcome]) -> None:
    """A line per asset: rows, seconds, checks; then what did not pass."""
    cells = []
    for outcome in outcomes:
        for table in [name for name in LINEAGE if name in outcome.steps]:
            step = outcome.steps[table]
            total = step.checks_passed + len(step.checks_failed)
            cells.append([table, f"{step.rows:,}", f"{step.seconds:.2f}", f"{step.checks_passed} of {total} passed"])
    show_table("Assets", ["asset", "rows", "seconds", "checks"], cells)
    for outcome in outcomes:
        for failed in (failed for step in outcome.steps.values() for failed in step.checks_failed):
            err.print(f"check: {failed}", markup=False)
    total, own = sum(outcome.seconds for outcome in outcomes), sum(outcome.own_seconds for outcome in outcomes)
    out.print(
        f"{counted(len(outcomes), 'run')}, {total:.1f} s: {own:.1f} s calculations, store and checks, {total - own:.1f} s Dagster itself."
    )


def show_stored(desk: Desk) -> None:
    """A line per table: rows and row sets in the store."""
    m = materializations.c
    query = select(m.table_name, func.sum(m.rows).label("n_rows"), func.count().label("n_sets"))
    rows = {row["table_name"]: row for row in desk.database.frame(query.group_by(m.table_name)).to_dict("records")}
    cells = [[table, f"{rows[table]['n_rows']:,.0f}", f"{rows[table]['n_sets']:,.0f}"] for table in LINEAGE if table in rows]
    show_table("Stored", ["asset", "rows", "row sets"], cells)
