"""Commands on the books of record: users, imports of lots, flows and appraisals."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sigmasight_assets.cli.arguments import parse_amount, parse_date, read_bytes
from sigmasight_assets.cli.console import Exit, counted, fail, out, working
from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.cli.import_texts import report_outcome, show_difference, show_problems, tell_entries
from sigmasight_assets.ledger.accounts import add_user, find_user
from sigmasight_assets.ledger.credentials import set_password
from sigmasight_assets.ledger.csv_flows import read_appraisals, read_flows
from sigmasight_assets.ledger.csv_lots import read_lots
from sigmasight_assets.ledger.csv_problems import Problem
from sigmasight_assets.ledger.dated_entries import import_appraisals, import_flows, require_portfolio
from sigmasight_assets.ledger.lot_imports import ImportOutcome, ImportRequest, effective_as_of, import_lots, require_covered

users = typer.Typer()


class Mode(StrEnum):
    ADD = "add"
    REPLACE = "replace"


class OnError(StrEnum):
    REFUSE = "refuse"
    KEEP_VALID = "keep-valid"


class Role(StrEnum):
    USER = "user"
    ADMIN = "admin"


PortfolioOption = Annotated[str, typer.Option(metavar="NAME", help="Slug, name or UUID")]


@users.command("add")
def user_add(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address: the user's name here")],
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Name to show")] = None,
    role: Annotated[Role, typer.Option(help="What the user may do")] = Role.USER,
) -> None:
    """Add a user, who may then own portfolios."""
    desk = open_desk()
    with desk.database.write() as connection:
        add_user(connection, email, name, role.value)
    out.print(f"Added the {role.value} {email.strip().lower()}.", markup=False)


@users.command("password")
def user_password(email: Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address of the user")]) -> None:
    """Set a user's password: asked for twice, or the one line of standard input where that is no terminal."""
    desk = open_desk()
    is_asked = sys.stdin.isatty()
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if is_asked else sys.stdin.readline().rstrip("\n")
    with desk.database.write() as connection:
        set_password(connection, find_user(connection, email), password)
    out.print(f"The password of {email.strip().lower()} is set.", markup=False)


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV of lots: ticker, quantity, entry_price, entry_date")],
    portfolio: Annotated[str, typer.Option(metavar="NAME", help="Name, slug or UUID; a new name creates a portfolio")],
    owner: Annotated[str, typer.Option(metavar="EMAIL", help="E-mail address of the owner")],
    cash: Annotated[
        str | None, typer.Option(metavar="USD", help="Cash at the close of --as-of; negative is margin; needed for a new portfolio")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Date of --cash, YYYY-MM-DD; needed for a new portfolio")] = None,
    mode: Annotated[Mode, typer.Option(help="Add the file's lots, or make the portfolio exactly what the file says")] = Mode.ADD,
    on_error: Annotated[OnError, typer.Option(help="Refuse a file with faults, or keep its valid rows")] = OnError.REFUSE,
    slug: Annotated[str | None, typer.Option(metavar="TEXT", help="Short name in commands and file names (default: from the name)")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before replacing")] = False,
) -> None:
    """Import lots from a CSV file. The same file twice changes nothing; two equal lots in one file are two lots.

    Optional columns: tags, exit_date, exit_price, asset_class (equity, option, private). Options are written as
    AAPL240119C00195000, quantities are negative for shorts, prices are plain numbers in USD, dates are YYYY-MM-DD.
    """
    desk = open_desk()
    stated_as_of = None if as_of is None else parse_date(as_of, "--as-of")
    stated_cash = None if cash is None else parse_amount(cash, "--cash")
    request = ImportRequest(owner, portfolio, file.name, mode.value, stated_cash, stated_as_of, slug)
    judged_by = effective_as_of(desk.database, request)
    require_covered(judged_by, desk.last_session, desk.calendar)
    with working(f"Reading {file.name}"):
        known = desk.provider.known_symbols()
        lots = read_lots(read_bytes(file), as_of=judged_by, today=desk.today, calendar=desk.calendar, known_symbols=known)
    show_problems(file, lots.problems, lots.warnings)
    faulty = len({problem.line for problem in lots.problems})
    if lots.problems and (on_error is OnError.REFUSE or not lots.rows):
        raise _refused(file, lots.problems)
    planned = import_lots(desk.database, desk.calendar, request, lots, dry_run=True)
    if mode is Mode.REPLACE or dry_run:
        show_difference(planned)
    if dry_run:
        out.print("Dry run: nothing was changed.")
        return
    if mode is Mode.REPLACE and not yes:
        _confirm(planned)
    with working(f"Importing {counted(len(lots.rows), 'lot')}"):
        done = import_lots(desk.database, desk.calendar, request, lots)
    report_outcome(desk, done, faulty)


def _confirm(planned: ImportOutcome) -> None:
    """Ask before lots are removed or changed; a script is asked for --yes only where nothing of the portfolio would remain."""
    difference = planned.difference
    if not difference.removed and not difference.changed:
        return
    if out.is_terminal:
        typer.confirm("Replace the portfolio's lots?", abort=True)
    elif not (difference.added or difference.changed or difference.unchanged):
        raise fail("the file would leave no lot in the portfolio: repeat the command with --yes if that is meant.", Exit.REFUSED)


def import_flows_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV of flows: date, amount, note (optional)")],
    portfolio: PortfolioOption,
) -> None:
    """Import money put in (+) or taken out (-). The same file twice changes nothing."""
    desk = open_desk()
    target = require_portfolio(desk.database, portfolio)
    flows = read_flows(read_bytes(file), today=desk.today, calendar=desk.calendar)
    show_problems(file, flows.problems, flows.warnings)
    if flows.problems:
        raise _refused(file, flows.problems)
    added = import_flows(desk.database, desk.calendar, target, flows.rows, flows.content_hash, file.name)
    tell_entries(desk, added, "flow", target)


def import_appraisals_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV of marks: ticker, date, price_per_unit")],
    portfolio: PortfolioOption,
) -> None:
    """Import the owner's marks of private assets. A mark of a day that has one corrects it."""
    desk = open_desk()
    target = require_portfolio(desk.database, portfolio)
    marks = read_appraisals(read_bytes(file), today=desk.today, calendar=desk.calendar)
    show_problems(file, marks.problems, marks.warnings)
    if marks.problems:
        raise _refused(file, marks.problems)
    changed = import_appraisals(desk.database, desk.calendar, target, marks.rows, marks.content_hash, file.name)
    tell_entries(desk, changed, "appraisal", target)


def _refused(file: Path, problems: Sequence[Problem]) -> SystemExit:
    return fail(f"{file.name} was refused: {counted(len(problems), 'problem')}, nothing was imported.", Exit.REFUSED)
