"""Commands on the books of record: users, imports of lots, flows and appraisals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sigmasight_assets.cli.console import Exit, err, fail, out, show_table
from sigmasight_assets.cli.desk import Desk, open_desk
from sigmasight_assets.ledger.accounts import Portfolio, add_user
from sigmasight_assets.ledger.csv_fields import Problem
from sigmasight_assets.ledger.csv_flows import read_appraisals, read_flows
from sigmasight_assets.ledger.csv_lots import LotFile, read_lots
from sigmasight_assets.ledger.dated_entries import import_appraisals, import_flows, require_portfolio
from sigmasight_assets.ledger.importing import Difference
from sigmasight_assets.ledger.lot_imports import ImportOutcome, ImportRequest, import_lots, require_covered

users = typer.Typer(no_args_is_help=True, help="Users of this deployment.")


class Mode(StrEnum):
    ADD = "add"
    REPLACE = "replace"


class OnError(StrEnum):
    REFUSE = "refuse"
    KEEP_VALID = "keep-valid"


@users.command("add")
def user_add(
    email: Annotated[str, typer.Argument(help="E-mail address: the user's name here")],
    name: Annotated[str | None, typer.Option(help="Name to show")] = None,
    role: Annotated[str, typer.Option(help="user or admin")] = "user",
) -> None:
    """Add a user, who may then own portfolios."""
    desk = open_desk()
    with desk.database.write() as connection:
        add_user(connection, email, name, role)
    out.print(f"Added the {role} {email.strip().lower()}.")


def import_command(
    file: Annotated[Path, typer.Argument(help="CSV of lots: ticker, quantity, entry_price, entry_date, …")],
    portfolio: Annotated[str, typer.Option(help="Name or slug; a new one is created")],
    owner: Annotated[str, typer.Option(help="E-mail address of the owner")],
    cash: Annotated[str | None, typer.Option(help="Cash balance in USD at the close of --as-of")] = None,
    as_of: Annotated[str | None, typer.Option(help="Date of the cash balance, YYYY-MM-DD")] = None,
    mode: Annotated[Mode, typer.Option(help="add lots, or make the portfolio exactly what the file says")] = Mode.ADD,
    on_error: Annotated[OnError, typer.Option(help="refuse the file, or keep its valid rows")] = OnError.REFUSE,
    slug: Annotated[str | None, typer.Option(help="Short name in commands and files (default: from the name)")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before replacing")] = False,
) -> None:
    """Import lots from a CSV file. The same file twice changes nothing."""
    desk = open_desk()
    stated_as_of = parse_date(as_of, "--as-of") if as_of else None
    request = ImportRequest(owner, portfolio, file.name, mode.value, parse_amount(cash, "--cash") if cash else None, stated_as_of, slug)
    if stated_as_of:
        require_covered(stated_as_of, desk.last_session, desk.calendar)
    lots = _read(desk, file, stated_as_of or _stated_as_of(desk, portfolio))
    _show_problems(file, lots.problems, lots.warnings)
    if lots.problems and (on_error is OnError.REFUSE or not lots.rows):
        raise fail(f"{file.name} was refused: {len(lots.problems)} problems, nothing was imported.", Exit.REFUSED)
    planned = import_lots(desk.database, desk.calendar, request, lots, dry_run=True)
    if mode is Mode.REPLACE or dry_run:
        _show_difference(planned)
    if dry_run:
        out.print("Dry run: nothing was changed.")
        return
    if mode is Mode.REPLACE and not planned.changes_nothing and not yes and out.is_terminal:
        typer.confirm("Replace the portfolio's lots?", abort=True)
    done = import_lots(desk.database, desk.calendar, request, lots)
    _report(desk, done, len(lots.problems))


def _stated_as_of(desk: Desk, portfolio: str) -> date:
    return require_portfolio(desk.database, portfolio).cash_as_of


def _read(desk: Desk, file: Path, as_of: date) -> LotFile:
    return read_lots(read_bytes(file), as_of=as_of, today=desk.today, calendar=desk.calendar, known_symbols=desk.provider.known_symbols())


def read_bytes(file: Path) -> bytes:
    """The file's content, or a refusal that names it."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.", Exit.REFUSED) from None


def _show_problems(file: Path, problems: tuple[Problem, ...], warnings: tuple[Problem, ...]) -> None:
    for kind, listed in (("error", problems), ("warning", warnings)):
        for problem in listed:
            place = f"{file.name}:{problem.line}" if problem.line else file.name
            column = f" {problem.column}" if problem.column else ""
            value = f" ({problem.value!r})" if problem.value is not None else ""
            err.print(f"{place}:{column}{value} {kind} {problem.code}: {problem.message} {problem.remedy}", markup=False)


def _show_difference(outcome: ImportOutcome) -> None:
    difference: Difference = outcome.difference
    rows = [("+", lot.symbol, lot.quantity, lot.entry_price, lot.entry_date, lot.exit_date) for lot in difference.added]
    rows += [("-", lot.symbol, lot.quantity, lot.entry_price, lot.entry_date, lot.exit_date) for lot in difference.removed]
    rows += [("~", row.symbol, row.quantity, row.entry_price, row.entry_date, row.exit_date) for _, row in difference.changed]
    cells = [
        [sign, symbol, f"{quantity:f}", f"{price:f}", str(entry), str(exit_ or "")] for sign, symbol, quantity, price, entry, exit_ in rows
    ]
    title = f"{outcome.portfolio.slug}: {len(difference.added)} added, {len(difference.removed)} removed, "
    title += f"{len(difference.changed)} changed, {difference.unchanged} unchanged"
    show_table(title, ["", "symbol", "quantity", "entry price", "entry", "exit"], cells, numeric_from=2)


def _report(desk: Desk, outcome: ImportOutcome, n_problems: int) -> None:
    if outcome.changes_nothing:
        out.print(f"{outcome.portfolio.slug} already has exactly this: nothing was changed.")
        return
    difference = outcome.difference
    verb = "Created" if outcome.is_new else "Updated"
    left_out = f" {n_problems} faulty rows were left out." if n_problems else ""
    out.print(
        f"{verb} {outcome.portfolio.slug}: {len(difference.added)} lots added, {len(difference.removed)} removed, "
        f"{len(difference.changed)} changed, {difference.unchanged} unchanged.{left_out} "
        f"Compute its numbers with: sigmasight run --from {desk.first_book_session} --to {desk.last_session}"
    )


def import_flows_command(
    file: Annotated[Path, typer.Argument(help="CSV of flows: date, amount, note")],
    portfolio: Annotated[str, typer.Option(help="Slug, name or UUID")],
) -> None:
    """Import money put in (+) or taken out (-)."""
    desk = open_desk()
    target = require_portfolio(desk.database, portfolio)
    flows = read_flows(read_bytes(file), today=desk.today, calendar=desk.calendar)
    _refuse(file, flows.problems, flows.warnings)
    added = import_flows(desk.database, desk.calendar, target, flows.rows, flows.content_hash, file.name)
    _tell(added, "flows", target)


def import_appraisals_command(
    file: Annotated[Path, typer.Argument(help="CSV of marks: ticker, date, price_per_unit")],
    portfolio: Annotated[str, typer.Option(help="Slug, name or UUID")],
) -> None:
    """Import the owner's marks of private assets."""
    desk = open_desk()
    target = require_portfolio(desk.database, portfolio)
    marks = read_appraisals(read_bytes(file), today=desk.today, calendar=desk.calendar)
    _refuse(file, marks.problems, marks.warnings)
    changed = import_appraisals(desk.database, desk.calendar, target, marks.rows, marks.content_hash, file.name)
    _tell(changed, "appraisals", target)


def _refuse(file: Path, problems: tuple[Problem, ...], warnings: tuple[Problem, ...]) -> None:
    _show_problems(file, problems, warnings)
    if problems:
        raise fail(f"{file.name} was refused: {len(problems)} problems, nothing was imported.", Exit.REFUSED)


def _tell(n: int, what: str, portfolio: Portfolio) -> None:
    out.print(
        f"{portfolio.slug}: {n} {what} added or corrected." if n else f"{portfolio.slug} already has these {what}: nothing was changed."
    )


def parse_date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise fail(f"{option}: expected a date as YYYY-MM-DD, was {text!r}.", Exit.REFUSED) from None


def parse_amount(text: str, option: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise fail(
            f"{option}: expected a plain number like 12500.50 (no currency sign, no separators), was {text!r}.", Exit.REFUSED
        ) from None
    if not amount.is_finite():
        raise fail(f"{option}: expected a finite number, was {text!r}.", Exit.REFUSED)
    return amount
