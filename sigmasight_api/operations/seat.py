"""Which of several server processes carries the operations out: one at a time, by a lock that the system takes back when it dies."""

from __future__ import annotations

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text

from sigmasight_assets.store.database import Database

_TAKE = text("SELECT pg_try_advisory_lock(hashtext('sigmasight.operations.driver'))")


class Seat:
    """A lock on the file beside a SQLite database, or in PostgreSQL by a connection that is kept for it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        path = database.sqlite_path
        self._file = None if path is None else FileLock(path.with_name("operations.lock"), timeout=0)
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Whether this process has the seat, after trying to get it."""
        if self._file is not None:
            if not self._file.is_locked:
                try:
                    self._file.acquire()
                except Timeout:
                    return False
            return True
        if self._connection is not None and not self._connection.closed:
            self._connection.execute(text("SELECT 1"))  # a server that restarted has forgotten the lock
            return True
        connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(_TAKE).scalar_one():
            self._connection = connection
            return True
        connection.close()
        return False

    def leave(self) -> None:
        if self._file is not None:
            self._file.release()
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None
