"""`sigmasight report`: write a portfolio's report."""

from __future__ import annotations

from typing import Annotated

import typer

from sigmasight_assets.cli.console import Exit, fail, out
from sigmasight_assets.cli.ledger_commands import parse_date
from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.reports.command import write_for
from sigmasight_assets.reports.writer import FORMATS, parse_formats


def report_command(
    portfolio: Annotated[str, typer.Argument(help="Slug, name or UUID")],
    session: Annotated[str | None, typer.Option(help="Session, YYYY-MM-DD (default: the latest)")] = None,
    formats: Annotated[str, typer.Option("--format", help="Comma-separated: md, json, csv")] = ",".join(FORMATS),
) -> None:
    """Write a portfolio's report. Exit code 3: the session is not materialized; the message names the command that would."""
    day = parse_date(session, "--session") if session else None
    try:
        wanted = parse_formats(formats)
    except SigmaSightError as error:
        raise fail(str(error), Exit.REFUSED) from None
    for file in write_for(portfolio, day, wanted):
        out.print(str(file.path))
