"""`sigmasight db upgrade`: the only place, with `demo` and `up`, that changes the database's revision."""

from __future__ import annotations

import typer

from sigmasight_assets.cli.console import out, working
from sigmasight_assets.cli.desk import load_settings, open_database
from sigmasight_assets.store.schema import upgrade

database = typer.Typer()


@database.command("upgrade")
def db_upgrade() -> None:
    """Create the tables, or bring them to this version's revision (an SQLite file is copied first)."""
    store = open_database(load_settings())
    with working("Upgrading the database"):
        before, after = upgrade(store)
    state = "was at this revision already" if before == after else f"is now at revision {after} (was {before or 'empty'})"
    out.print(f"{store.shown_url} {state}.", markup=False)
