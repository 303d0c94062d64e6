"""The database's revision: only `upgrade` changes it; everybody else checks it and says which command to run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy import inspect, text

from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.store.database import Database, lock_for_writing

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def head_revision() -> str:
    """The revision that this code needs."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        raise DatabaseUnavailable("The installation has no migrations: install the package again.")
    return head


def current_revision(database: Database) -> str | None:
    """The database's revision; None where it has none yet."""
    path = database.sqlite_path
    if path is not None and not path.exists():
        return None
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        return revision


def require_revision(database: Database) -> None:
    """Refuse to work on a database of another revision.

    Raises
    ------
    DatabaseUnavailable
        Naming both revisions and the remedy.
    """
    current, head = current_revision(database), head_revision()
    if current == head:
        return
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if current is None or current in known:
        state = "has no tables yet" if current is None else f"is at revision {current}, older than {head}"
        raise DatabaseUnavailable(f"The database {database.shown_url} {state}: run `sigmasight db upgrade`.")
    raise DatabaseUnavailable(
        f"The database {database.shown_url} is at revision {current}, which this version (revision {head}) does not know: "
        "it was written by a newer SigmaSight; install that version or restore an older copy of the database."
    )


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the database to this code's revision, under a lock, after copying an existing SQLite file beside itself.

    Returns
    -------
    (before, after) : tuple
        Revisions; equal when there was nothing to do.
    """
    path = database.sqlite_path
    head = head_revision()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.upgrade.lock"):
            before = current_revision(database)
            if before != head:
                _refuse_unknown(database, before)
                if before is not None:
                    _copy_sqlite(path, path.with_suffix(f".before-{head}{path.suffix}"))
                _migrate(database)
                _set_wal(path)
            return before, head
    with database.write() as connection:
        lock_for_writing(connection, "upgrade")
        before = current_revision(database)
        if before != head:
            _refuse_unknown(database, before)
            _migrate(database)
        return before, head


def _refuse_unknown(database: Database, before: str | None) -> None:
    if before is not None and before not in {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}:
        require_revision(database)


def _migrate(database: Database) -> None:
    config = alembic_config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy, even while others read."""
    with closing(sqlite3.connect(source)) as from_file, closing(sqlite3.connect(target)) as to_file:
        from_file.backup(to_file)


def _set_wal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
