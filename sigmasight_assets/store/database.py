"""Connections: one `Database` a process, reads in a consistent snapshot, writes in one transaction.

SQLite and PostgreSQL behave alike: a read sees one moment, a write holds the write lock from its start
(`BEGIN IMMEDIATE`; on PostgreSQL an advisory lock per table, taken by the writer).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Select, create_engine, event, make_url, text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.arrays import Columns, arrays_of, identifier, uncollected

if TYPE_CHECKING:
    import pandas as pd

BUSY_TIMEOUT_SECONDS = 15
_UUID = 2950
"""PostgreSQL's number of the type."""
POOL_TIMEOUT_SECONDS = 5
"""How long a request waits for one of the kept connections."""


class Database:
    """The store's database.

    Parameters
    ----------
    url : str
        SQLAlchemy URL (`sqlite:///path` or `postgresql+psycopg2://…`).
    pool_size : int, optional
        Connections that a server of many short requests keeps open; without it a SQLite connection lives as long as its transaction.
    """

    def __init__(self, url: str, pool_size: int | None = None) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        kept = {} if pool_size is None else {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": POOL_TIMEOUT_SECONDS}
        if self.is_sqlite:
            self.engine = _sqlite_engine(url, **kept)
        else:
            self.engine = _postgres_engine(url, **kept)

    @property
    def sqlite_path(self) -> Path | None:
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose queries all see the same moment."""
        with self.reporting(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, *, foreign_keys: bool = True) -> Iterator[Connection]:
        """One transaction: all or nothing.

        Without `foreign_keys` a migration may drop and rebuild a table on SQLite, which otherwise deletes what refers to it.
        """
        with self.reporting(), self.engine.connect() as connection:
            if self.is_sqlite and not foreign_keys:
                connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")  # has no effect once the transaction has begun
            with connection.execution_options(sigmasight_write=True).begin():
                yield connection

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """Many short transactions: SQLite's last connection to end writes its whole log back, so one is held until the block ends."""
        path = self.sqlite_path
        with ExitStack() as held:
            if path is not None and path.exists():  # to open one that is not there would make it
                with suppress(DatabaseError):  # whoever works with it says what is wrong
                    connection = held.enter_context(self.engine.connect())
                    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
                    connection.rollback()  # no moment is held on to
            yield

    def moment_of_reading(self) -> datetime:
        """A moment before which nothing is left uncommitted: what is read from now on has every change stamped before it.

        A clock alone would not do: a change may be stamped before that moment and committed after it.
        """
        with self.write() as connection:
            lock_for_writing(connection, _CLOCK)
            return utc_now()

    def columns(self, query: Select[Any], connection: Connection | None = None) -> Columns:
        """The rows of a query as arrays by column, typed by the query (see `store.arrays`); typed alike when there is no row."""
        if connection is None:
            with self.read() as fresh:
                return self.columns(query, fresh)
        result = connection.execute(query)
        types = [(column.name, column.type) for column in query.selected_columns]
        with uncollected():
            return arrays_of(result.cursor.fetchall(), types)  # the driver's own values: typed by column, not by cell

    def frame(self, query: Select[Any], connection: Connection | None = None) -> pd.DataFrame:
        """The rows of a query as a frame, typed by the query (see `store.frames`).

        Returns
        -------
        DataFrame
            Float columns float64 with NaN, dates datetime64[s] with NaT, ids `uuid.UUID`, exact decimals `Decimal`, texts object
            with None; typed alike when there is no row.
        """
        from sigmasight_assets.store.frames import frame_of  # pandas: whoever reads rows and no frame does without it

        return frame_of(self.columns(query, connection))

    def dispose(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn what the driver says about a database that cannot serve into one sentence with a remedy."""
        driver = self.engine.dialect.loaded_dbapi
        with reporting(self.shown_url):
            try:
                yield
            except driver.DatabaseError as error:  # of the driver's own cursor, by which rows go in and out in bulk
                raise DBAPIError.instance(None, None, error, driver.Error) from error


@contextmanager
def reporting(shown: str) -> Iterator[None]:
    """The same for any database that SQLAlchemy speaks to, Dagster's own too; `shown` says which one it is.

    Raises
    ------
    DatabaseUnavailable
        In the place of the driver's error.
    """
    try:
        yield
    except OperationalError as error:
        raise DatabaseUnavailable(f"{_remedy(str(error.orig))} Database: {shown}.") from error
    except DatabaseError as error:
        if "malformed" in str(error.orig) or "not a database" in str(error.orig):
            raise DatabaseUnavailable(f"{_UNSOUND} Database: {shown}.") from error
        raise


_UNSOUND = (
    "The file is not a sound SQLite database: move it away, then put a copy back (`sigmasight db upgrade` keeps one beside it) "
    "or begin with an empty one by `sigmasight db upgrade`."
)


_DISK_IS_FULL = "The disk is full: free space, then run the same command again; nothing was half written."


def _remedy(driver_message: str) -> str:
    causes = {
        "locked": f"Another process has held the write lock for {BUSY_TIMEOUT_SECONDS} seconds: wait for its run to end, or stop it.",
        "readonly": "The database is read-only: give this user write access to the file and its folder.",
        "disk is full": _DISK_IS_FULL,
        "No space left": _DISK_IS_FULL,
        "disk I/O error": (
            "The disk refuses to be written or read: it is full, a limit of file size or quota is reached, or it fails. "
            "Free space, then run the same command again; nothing was half written."
        ),
        "unable to open": "The database file cannot be opened: check its folder's permissions, or create it by `sigmasight db upgrade`.",
        "no such table": "The database has no tables yet: run `sigmasight db upgrade`.",
    }
    for sign, remedy in causes.items():
        if sign in driver_message:
            return remedy
    first_line = driver_message.strip().splitlines()[0] if driver_message.strip() else "no answer"
    return f"The database does not answer ({first_line})."


def _postgres_engine(url: str, **kept: int) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, **kept)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        from psycopg2 import extensions

        kind = extensions.new_type((_UUID,), "UUID", lambda text, _cursor: identifier(text))  # the same ids are read again and again
        extensions.register_type(kind, connection)

    return engine


def _sqlite_engine(url: str, **kept: int) -> Engine:
    connecting = {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": not kept}  # a kept connection serves one thread at a time
    engine = create_engine(url, poolclass=QueuePool if kept else NullPool, connect_args=connecting, hide_parameters=True, **kept)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not behind our back
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = NORMAL")  # with WAL: consistent after a crash
        cursor.execute("PRAGMA cache_size = -65536")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("sigmasight_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


_CLOCK = "clock"


def moment_of_change(connection: Connection) -> datetime:
    """The moment to stamp on a change, in the transaction that makes it; see `Database.moment_of_reading`."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext(:name))"), {"name": f"sigmasight.{_CLOCK}"})
    return utc_now()


def lock_for_writing(connection: Connection, name: str) -> None:
    """Hold a named lock until the transaction ends. SQLite's write transaction holds it already."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"sigmasight.{name}"})
