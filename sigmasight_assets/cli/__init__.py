"""The command line: `sigmasight`. Errors are one paragraph on stderr, exit codes are in `cli.console.Exit`."""

from __future__ import annotations

import sys

import typer

from sigmasight_assets.cli.console import Exit, err, exit_code_of, out
from sigmasight_assets.errors import SigmaSightError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Portfolio risk for long/short equity and listed-option books.",
)
database = typer.Typer(no_args_is_help=True, help="The database.")


@database.command("upgrade")
def db_upgrade() -> None:
    """Create the tables, or bring them to this version's revision (an SQLite file is copied first)."""
    from sigmasight_assets.settings import Settings
    from sigmasight_assets.store.database import Database
    from sigmasight_assets.store.schema import upgrade

    store = Database(Settings().url)
    before, after = upgrade(store)
    state = "was at this revision already" if before == after else f"is now at revision {after} (was {before or 'empty'})"
    out.print(f"{store.shown_url} {state}.")


def _register() -> None:
    from sigmasight_assets.cli import demo, ledger_commands, report_command, run_commands, up

    app.add_typer(database, name="db")
    app.add_typer(ledger_commands.users, name="user")
    app.command("demo")(demo.demo_command)
    app.command("import")(ledger_commands.import_command)
    app.command("import-flows")(ledger_commands.import_flows_command)
    app.command("import-appraisals")(ledger_commands.import_appraisals_command)
    app.command("run")(run_commands.run_command)
    app.command("backfill", help="The same as `run`.")(run_commands.run_command)
    app.command("stale")(run_commands.stale_command)
    app.command("report")(report_command.report_command)
    app.command("up")(up.up_command)


def main() -> None:
    """Entry point of `sigmasight`."""
    _register()
    try:
        app()
    except SigmaSightError as error:
        err.print(f"[red]error[/red]: {error}")
        sys.exit(exit_code_of(error))
    except KeyboardInterrupt:
        err.print("Interrupted: what was committed is kept.")
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
