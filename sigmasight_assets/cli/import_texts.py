"""What an import says: faults with their places, the difference before it is made, the outcome after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sigmasight_assets.cli.console import counted, err, out, show_table
from sigmasight_assets.cli.desk import Desk
from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.ledger.csv_lots import LotRow
from sigmasight_assets.ledger.csv_problems import Problem
from sigmasight_assets.ledger.importing import HeldLot
from sigmasight_assets.ledger.lot_imports import ImportOutcome

ROWS_SHOWN = 500


def show_problems(file: Path, problems: Sequence[Problem], warnings: Sequence[Problem]) -> None:
    """A line on stderr for each: file, line, column, value, code, what is wrong and what to do."""
    for kind, listed in (("error", problems), ("warning", warnings)):
        for problem in listed:
            place = f"{file.name}:{problem.line}" if problem.line else file.name
            column = f" {problem.column}" if problem.column else ""
            value = f" ({problem.value!r})" if problem.value is not None else ""
            err.print(f"{place}:{column}{value} {kind} {problem.code}: {problem.message} {problem.remedy}", markup=False)


def show_difference(outcome: ImportOutcome) -> None:
    """What an import would change, lot by lot: + added, - removed, ~ changed."""
    difference = outcome.difference
    rows = [_cells("+", lot, _exit(lot)) for lot in difference.added]
    rows += [_cells("-", lot, _exit(lot)) for lot in difference.removed]
    rows += [_cells("~", row, _change(lot, row)) for lot, row in difference.changed]
    if rows:
        show_table(outcome.portfolio.slug, ["", "symbol", "quantity", "entry price", "entry", "exit"], rows[:ROWS_SHOWN], numeric_from=6)
    if len(rows) > ROWS_SHOWN:
        out.print(f"… and {len(rows) - ROWS_SHOWN} more lots.")
    out.print(f"{outcome.portfolio.slug}: {_counts(outcome)}.{_cash(outcome)}", markup=False)


def report_outcome(desk: Desk, outcome: ImportOutcome, n_left_out: int) -> None:
    """What was changed, and the command that computes the new numbers."""
    slug = outcome.portfolio.slug
    left_out = f" {counted(n_left_out, 'faulty row')} {'was' if n_left_out == 1 else 'were'} left out." if n_left_out else ""
    if outcome.changes_nothing:
        out.print(f"{slug} already has exactly this: nothing was changed.{left_out}", markup=False)
        return
    verb = "Created" if outcome.is_new else "Updated"
    out.print(
        f"{verb} {slug}: {_counts(outcome)}.{_cash(outcome)}{left_out} {_how_to_compute(desk)}",
        markup=False,
    )


def tell_entries(desk: Desk, n: int, what: str, portfolio: Portfolio) -> None:
    """How many flows or appraisals came in."""
    text = f"{counted(n, what)} imported. {_how_to_compute(desk)}" if n else f"it has these {what}s already: nothing was changed."
    out.print(f"{portfolio.slug}: {text}", markup=False)


def _counts(outcome: ImportOutcome) -> str:
    difference = outcome.difference
    return (
        f"{counted(len(difference.added), 'lot')} added, {len(difference.removed)} removed, "
        f"{len(difference.changed)} changed, {difference.unchanged} unchanged"
    )


def _how_to_compute(desk: Desk) -> str:
    return f"Compute its numbers with: sigmasight run --from {desk.first_book_session} --to {desk.last_session}"


def _cash(outcome: ImportOutcome) -> str:
    """A sentence on the stated cash, where it is new or another."""
    was, now = outcome.before, outcome.portfolio
    if was is None:
        return f" Cash {_stated(now)}."
    return f" Cash {_stated(was)} becomes {_stated(now)}." if outcome.cash_moved else ""


def _stated(portfolio: Portfolio) -> str:
    return f"{portfolio.cash_balance:,f} as of {portfolio.cash_as_of}"


def _cells(sign: str, lot: HeldLot | LotRow, exit_: str) -> list[str]:
    return [sign, lot.symbol, f"{lot.quantity:f}", f"{lot.entry_price:f}", str(lot.entry_date), exit_]


def _exit(lot: HeldLot | LotRow) -> str:
    return "" if lot.exit_date is None or lot.exit_price is None else f"{lot.exit_date} at {lot.exit_price:f}"


def _change(lot: HeldLot, row: LotRow) -> str:
    """What differs between a held lot and the file's: its exit, its tags, or both."""
    changes = []
    if (lot.exit_date, lot.exit_price) != (row.exit_date, row.exit_price):
        changes.append(f"{_exit(lot) or 'open'} → {_exit(row) or 'open'}")
    before, after = (sorted(tag.lower() for tag in side.tags) for side in (lot, row))
    if before != after:
        changes.append(f"tags {', '.join(before) or 'none'} → {', '.join(after) or 'none'}")
    return "; ".join(changes)
