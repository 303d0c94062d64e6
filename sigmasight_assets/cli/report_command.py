"""`sigmasight report`: write a portfolio's report."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from sqlalchemy import func, select

from sigmasight_assets.cli.arguments import parse_date
from sigmasight_assets.cli.console import Exit, fail, out, working
from sigmasight_assets.cli.desk import Desk, open_desk
from sigmasight_assets.errors import NotASession, NotMaterialized, SigmaSightError
from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.ledger.dated_entries import require_portfolio
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.writer import FORMATS, parse_formats, write_report
from sigmasight_assets.store.tables import portfolio_snapshots


def report_command(
    portfolio: Annotated[str, typer.Argument(metavar="PORTFOLIO", help="Slug, name or UUID")],
    session: Annotated[str | None, typer.Option(metavar="DATE", help="Session, YYYY-MM-DD (default: the latest one computed)")] = None,
    formats: Annotated[str, typer.Option("--format", metavar="LIST", help="Some of md, json, csv, html, comma-separated")] = ",".join(
        FORMATS
    ),
) -> None:
    """Write a portfolio's report and print the files' paths.

    Exit code 3: the session is not computed yet; the message names the command that would.
    """
    desk = open_desk()
    try:
        wanted = parse_formats(formats)
    except SigmaSightError as error:
        raise fail(str(error), Exit.REFUSED) from None
    found = require_portfolio(desk.database, portfolio)
    day = _require_computed(desk, found, None if session is None else parse_date(session, "--session"))
    with working(f"Writing the report of {found.slug} on {day}"):
        files = write_report(collect(desk.database, found.id, day), desk.settings.reports_dir, wanted)
    for file in files:
        out.print(str(file.path), markup=False)


def _require_computed(desk: Desk, portfolio: Portfolio, asked: date | None) -> date:
    """The session of the report: the one asked for, or the latest with a snapshot.

    Raises
    ------
    NotASession
        For a date that can have no report.
    NotMaterialized
        Naming a command that works as it stands.
    """
    first, last = desk.first_book_session, desk.last_session
    if asked is not None and not first <= desk.calendar.require(asked) <= last:
        raise NotASession(f"There is no report of {asked}: the portfolios' sessions are {first} … {last} with these market data.")
    own = select(func.max(portfolio_snapshots.c.session).label("day")).where(portfolio_snapshots.c.portfolio_id == portfolio.id)
    if asked is not None:
        own = own.where(portfolio_snapshots.c.session == asked)
    with desk.database.read() as connection:
        found: date | None = connection.execute(own).scalar_one()
    if found is None:
        what, begin, end = (f"on {asked}", asked, asked) if asked else ("yet", first, last)
        raise NotMaterialized(f"{portfolio.slug} is not computed {what}: compute it with `sigmasight run --from {begin} --to {end}`.")
    return found
