"""What the database's content is known by: a token that is another one after every commit.

SQLite counts commits of other connections (`PRAGMA data_version`); PostgreSQL names the transactions that a snapshot sees
(`pg_current_snapshot()`). Equal tokens mean equal content, so an answer that was made under a token may be given again.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.store.database import BUSY_TIMEOUT_SECONDS, Database

if TYPE_CHECKING:
    from sigmasight_api.snapshot_watch import SnapshotWatch


class DatabaseVersion:
    """Tokens of one database.

    On SQLite the token is read by a connection of its own. On PostgreSQL it is a column of the query that asks who calls; who has no such
    query asks for it by a connection of its own too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._watcher: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._snapshots = None if database.is_sqlite else _watch(database)

    async def now(self) -> str | None:
        """The token of a moment after the call; None where it cannot be told.

        Raises
        ------
        DatabaseUnavailable
            Where SQLite's file is gone.
        """
        return self.before_reading() if self._snapshots is None else await self._snapshots.now()

    def before_reading(self) -> str | None:
        """SQLite's token, None on PostgreSQL. Where the file is another one than before, kept connections are given up.

        Raises
        ------
        DatabaseUnavailable
            Where the file is gone.
        """
        path = self._database.sqlite_path
        if path is None:
            return None
        with self._lock:
            try:
                status = path.stat()
            except OSError as error:  # kept connections would go on serving a file that is deleted, a new one would make an empty file
                raise DatabaseUnavailable(f"The database file {path} cannot be found.") from error
            file = (status.st_dev, status.st_ino)
            if file != self._file or self._watcher is None:
                self._database.dispose()
                with suppress(sqlite3.Error):
                    if self._watcher is not None:
                        self._watcher.close()
                self._watcher = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False)
                self._file = file
            try:
                return f"{file}:{self._watcher.execute('PRAGMA data_version').fetchone()[0]}"
            except sqlite3.Error:
                return None

    @property
    def is_in_query(self) -> bool:
        """Whether the token comes with the query that asks who calls (`pg_current_snapshot()`)."""
        return not self._database.is_sqlite

    def close(self) -> None:
        """End the connections of its own; by the event loop, which one of them is watched by."""
        if self._snapshots is not None:
            self._snapshots.close()
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None


def _watch(database: Database) -> SnapshotWatch:
    from sigmasight_api.snapshot_watch import SnapshotWatch  # PostgreSQL's driver: who serves from SQLite does without it

    return SnapshotWatch(database)
