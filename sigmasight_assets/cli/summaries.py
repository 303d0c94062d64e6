"""Tables at the end of a command: what portfolios are worth, what a run did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sigmasight_assets.cli.console import err, out, show_table
from sigmasight_assets.cli.desk import Desk
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.tables import materializations, portfolio_snapshots, portfolios

if TYPE_CHECKING:
    from sigmasight_assets.definitions import RunOutcome

_MONEY = (
    ("NAV", "nav"),
    ("long", "market_value_long"),
    ("short", "market_value_short"),
    ("gross", "market_value_gross"),
    ("net", "market_value_net"),
    ("day P&L", "pnl"),
    ("year P&L", "year_pnl"),
    ("delta $", "delta_net"),
    ("gamma $/%", "gamma_dollars_per_pct"),
    ("theta/day", "theta_per_day"),
    ("vega/pt", "vega_per_volpt"),
    ("rho/%", "rho_per_pct"),
)


def money(value: float | None) -> str:
    """Whole dollars; n/a for what is not known."""
    return "n/a" if value is None or math.isnan(value) else f"{value:,.0f}"


def show_portfolios(desk: Desk, session: date) -> None:
    """A line per portfolio: value, P&L, exposures, Greeks, coverage."""
    s = portfolio_snapshots.c
    query = select(portfolios.c.slug, *(s[name] for _, name in _MONEY), s.coverage, s.status)
    rows = desk.database.frame(query.where(portfolios.c.id == s.portfolio_id, s.session == session).order_by(portfolios.c.slug))
    cells = [
        [
            row["slug"],
            *(money(row[name]) for _, name in _MONEY),
            "n/a" if math.isnan(row["coverage"]) else f"{row['coverage']:.0%}",
            row["status"],
        ]
        for row in rows.to_dict("records")
    ]
    show_table(f"Portfolios on {session} (USD)", ["portfolio", *(title for title, _ in _MONEY), "coverage", "status"], cells)


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
    out.print(f"{len(outcomes)} runs, {total:.1f} s: {own:.1f} s calculations, store and checks, {total - own:.1f} s Dagster itself.")


def show_stored(desk: Desk) -> None:
    """A line per table: rows and row sets in the store."""
    m = materializations.c
    query = select(m.table_name, func.sum(m.rows).label("n_rows"), func.count().label("n_sets"))
    rows = {row["table_name"]: row for row in desk.database.frame(query.group_by(m.table_name)).to_dict("records")}
    cells = [[table, f"{rows[table]['n_rows']:,.0f}", f"{rows[table]['n_sets']:,.0f}"] for table in LINEAGE if table in rows]
    show_table("Stored", ["asset", "rows", "row sets"], cells)
