"""The database's revision: only `upgrade` changes it; everybody else checks it and says which command to run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from sqlalchemy import Connection, inspect, text

from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.store.database import BUSY_TIMEOUT_SECONDS, Database, lock_for_writing

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config() -> Config:
    from alembic.config import Config  # a quarter of a second: only to migrate

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def known_revisions() -> frozenset[str]:
    """Every revision that this code has a migration for: its file is named `<revision>_<what>.py`."""
    return frozenset(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


@cache
def head_revision() -> str:
    """The revision that this code needs: the last, as revisions are numbered."""
    if not known_revisions():
        raise DatabaseUnavailable("The installation has no migrations: install the package again.")
    return max(known_revisions())


def current_revision(database: Database) -> str | None:
    """The database's revision; None where it has none yet."""
    path = database.sqlite_path
    if path is not None:
        with _reaching(path):
            if not path.exists():
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
    if current is None or current in known_revisions():
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
    if path is None:
        with database.write() as connection:
            lock_for_writing(connection, "upgrade")
            return _upgrade(database, None)
    with _reaching(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.upgrade.lock"):
            return _upgrade(database, path)


def _upgrade(database: Database, path: Path | None) -> tuple[str | None, str]:
    before, head = current_revision(database), head_revision()
    if before is not None and before not in known_revisions():
        require_revision(database)
    if path is not None:
        if before not in (None, head):
            _copy_sqlite(path, path.with_suffix(f".before-{head}{path.suffix}"))
        _set_wal(path)
    if before != head:
        from alembic import command

        config = alembic_config()
        with database.write(foreign_keys=False) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _refuse_broken_references(connection)
    return before, head


def _refuse_broken_references(connection: Connection) -> None:
    """SQLite does not check references while tables are rebuilt: check them before the migration is committed."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            tables = ", ".join(sorted({str(row[0]) for row in broken}))
            raise DatabaseUnavailable(
                f"The migration would leave {len(broken)} rows of {tables} without what they refer to: nothing was changed."
            )


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy, even while others read; it takes its name when it is whole."""
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    with closing(sqlite3.connect(source)) as from_file, closing(sqlite3.connect(unfinished)) as to_file:
        from_file.backup(to_file)
    unfinished.replace(target)


def _set_wal(path: Path) -> None:
    """Readers and one writer at once; the file remembers it."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def _reaching(path: Path) -> Iterator[None]:
    """Turn what the system says about the file and its folder into one sentence with a remedy."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnavailable(
            f"The database file {path} cannot be reached or made ({error}): check its folder, this user's permissions and the disk."
        ) from error
