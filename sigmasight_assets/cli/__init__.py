"""The command line: `sigmasight`. Errors are one paragraph on stderr, exit codes are in `cli.console.Exit`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Annotated, Any

import typer

from sigmasight_assets.cli.console import Exit, complain, exit_code_of, out
from sigmasight_assets.errors import SigmaSightError

_USAGE_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What typer raises for a command line that it cannot read."""


def _start(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and stop", is_eager=True)] = False,
) -> None:
    """Portfolio risk for long/short equity and listed-option books."""
    if show_version:
        out.print(f"sigmasight {version('sigmasight')}")
        raise typer.Exit
    _help_when_alone(context)


def _help_when_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


@cache
def application() -> typer.Typer:
    """Every command. Made on demand: its modules import pandas and SQLAlchemy."""
    from sigmasight_assets.cli import (
        data_command,
        database_command,
        demo,
        doctor,
        ledger_commands,
        report_command,
        run_commands,
        scenario_commands,
        stale,
        up,
        work_command,
    )

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, invoke_without_command=True, callback=_start)
    groups = {
        "db": (database_command.database, "The database."),
        "user": (ledger_commands.users, "Users of this deployment."),
        "data": (data_command.data, "Market data: check a folder, confirm a price, list corrections."),
        "scenario": (scenario_commands.scenarios, "Stress scenarios: the shipped ones and users' own."),
        "proxy": (scenario_commands.proxies, "What private assets follow in a scenario."),
    }
    for name, (group, text) in groups.items():
        app.add_typer(group, name=name, help=text, invoke_without_command=True, callback=_help_when_alone)
    app.command("demo")(demo.demo_command)
    app.command("import")(ledger_commands.import_command)
    app.command("import-flows")(ledger_commands.import_flows_command)
    app.command("import-appraisals")(ledger_commands.import_appraisals_command)
    app.command("run")(run_commands.run_command)
    app.command("backfill", help="The same as `run`.")(run_commands.run_command)
    app.command("stale")(stale.stale_command)
    app.command("doctor")(doctor.doctor_command)
    app.command("report")(report_command.report_command)
    app.command("up")(up.up_command)
    app.command("work", hidden=True)(work_command.work_command)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's) and return its exit code; no error leaves as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character shows another one
    try:
        code = application()(args=arguments, prog_name="sigmasight", standalone_mode=False)
    except KeyboardInterrupt:  # while the modules load; later typer makes an exit code of it
        code = Exit.INTERRUPTED
    except SigmaSightError as error:
        complain(str(error))
        return exit_code_of(error)
    except _USAGE_ERROR as error:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "sigmasight"
        complain(f"{error.format_message()} See `{command} --help`.")
        return Exit.REFUSED
    except typer.Abort:
        complain("cancelled: nothing was changed.")
        return Exit.FAILED
    except OSError as error:
        complain(f"{error.filename or 'a file'} cannot be used: {error.strerror or error}.")
        return Exit.FAILED
    if code == Exit.INTERRUPTED:
        complain("interrupted: what was committed is kept, and the same command goes on from there.")
    return int(code or Exit.OK)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `sigmasight`."""
    sys.exit(run(arguments))
