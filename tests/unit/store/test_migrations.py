"""Migrations: from nothing to exactly the tables of the code; other revisions are refused with the remedy."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store import schema
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import current_revision, head_revision, known_revisions, require_revision, upgrade
from sigmasight_assets.store.tables import METADATA, tags, users

NextRelease = Callable[[str], str]
HEAD = head_revision()


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NextRelease]:
    """The code of tomorrow: today's migrations and one more, whose upgrade is given."""

    def forget() -> None:
        head_revision.cache_clear()
        known_revisions.cache_clear()

    def release(upgrade_body: str) -> str:
        folder = tmp_path / "next"
        shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        lines = ["import sqlalchemy as sa", "from alembic import op", "revision = '9998'", f"down_revision = {HEAD!r}", "def upgrade():"]
        (folder / "versions" / "9998_next.py").write_text("\n".join([*lines, *(f"    {line}" for line in upgrade_body.splitlines())]))
        monkeypatch.setattr(schema, "MIGRATIONS", folder)
        forget()
        return "9998"

    yield release
    monkeypatch.undo()
    forget()


ADDS_A_COLUMN = """
with op.batch_alter_table("users") as batch:
    batch.add_column(sa.Column("nickname", sa.String(20)))
    batch.alter_column("name", type_=sa.String(300))
"""


def set_revision(database: Database, revision: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_an_upgrade_from_nothing_gives_exactly_the_tables_of_the_code(empty_database: Database) -> None:
    assert upgrade(empty_database) == (None, head_revision())
    with empty_database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
        assert set(inspect(connection).get_table_names()) == {*METADATA.tables, "alembic_version"}
        for table in METADATA.sorted_tables:
            stored = {
                (index["name"], index["unique"])
                for index in inspect(connection).get_indexes(table.name)
                if "duplicates_constraint" not in index
            }
            assert {(str(index.name), bool(index.unique)) for index in table.indexes} <= stored
    require_revision(empty_database)


def test_a_second_upgrade_does_nothing(empty_database: Database) -> None:
    upgrade(empty_database)
    assert upgrade(empty_database) == (head_revision(), head_revision())


def test_an_absent_database_is_refused_with_the_command_and_not_created(empty_sqlite: Database) -> None:
    assert current_revision(empty_sqlite) is None
    with pytest.raises(DatabaseUnavailable, match=r"has no tables yet: run `sigmasight db upgrade`"):
        require_revision(empty_sqlite)
    assert empty_sqlite.sqlite_path is not None
    assert not empty_sqlite.sqlite_path.exists()


def test_an_empty_database_is_refused_with_the_command(empty_postgres: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"has no tables yet: run `sigmasight db upgrade`"):
        require_revision(empty_postgres)


def test_an_older_revision_is_refused_with_the_command(database: Database, next_release: NextRelease) -> None:
    newest = next_release(ADDS_A_COLUMN)
    with pytest.raises(DatabaseUnavailable, match=rf"is at revision {HEAD}, older than {newest}: run `sigmasight db upgrade`"):
        require_revision(database)


def test_a_newer_revision_is_refused_and_left_alone(database: Database) -> None:
    set_revision(database, "9999")
    for refuse in (require_revision, upgrade):
        with pytest.raises(DatabaseUnavailable, match=r"revision 9999, which this version .* does not know.*newer"):
            refuse(database)
    assert current_revision(database) == "9999"


def test_passwords_are_not_shown() -> None:
    database = Database("postgresql+psycopg2://desk:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable) as refused:
        require_revision(database)
    assert "secret" not in str(refused.value)
    assert "desk:***@127.0.0.1:1/none" in str(refused.value)


def an_owner_with_a_tag(database: Database) -> None:
    owner = {"id": uuid.uuid4(), "email": "a@b.c", "role": "user", "created_at": utc_now()}
    with database.write() as connection:
        connection.execute(insert(users), owner)
        connection.execute(insert(tags), {"id": uuid.uuid4(), "owner_id": owner["id"], "name": "Core", "name_key": "core"})


def names(database: Database) -> tuple[list[str], list[str]]:
    with database.read() as connection:
        return list(connection.execute(select(users.c.email)).scalars()), list(connection.execute(select(tags.c.name)).scalars())


def test_rebuilding_a_table_keeps_what_refers_to_it(database: Database, next_release: NextRelease) -> None:
    # SQLite changes a column by building the table anew; dropping the old one would delete its children by ON DELETE CASCADE
    an_owner_with_a_tag(database)
    newest = next_release(ADDS_A_COLUMN)
    assert upgrade(database) == (HEAD, newest)
    assert names(database) == (["a@b.c"], ["Core"])
    with database.read() as connection:
        assert "nickname" in {column["name"] for column in inspect(connection).get_columns("users")}
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(tags), {"id": uuid.uuid4(), "owner_id": uuid.uuid4(), "name": "Core", "name_key": "core"})


def test_the_file_is_copied_before_it_is_migrated(sqlite: Database, next_release: NextRelease) -> None:
    an_owner_with_a_tag(sqlite)
    newest = next_release("op.execute('DELETE FROM tags')")
    upgrade(sqlite)
    assert names(sqlite) == (["a@b.c"], [])
    assert sqlite.sqlite_path is not None
    copy = sqlite.sqlite_path.with_name(f"sigmasight.before-{newest}.db")
    before = Database(f"sqlite:///{copy}")
    assert (current_revision(before), names(before)) == (HEAD, (["a@b.c"], ["Core"]))
    assert not [path for path in copy.parent.iterdir() if path.name.startswith(f"{copy.name}.")]  # no unfinished copy


def test_a_migration_that_fails_changes_nothing(database: Database, next_release: NextRelease) -> None:
    next_release("op.drop_table('materializations')\nraise RuntimeError('stop')")
    with pytest.raises(RuntimeError, match="stop"):
        upgrade(database)
    with database.read() as connection:
        assert inspect(connection).has_table("materializations")
    assert current_revision(database) == HEAD


def test_a_migration_that_orphans_rows_is_taken_back(sqlite: Database, next_release: NextRelease) -> None:
    an_owner_with_a_tag(sqlite)
    next_release("op.execute('DELETE FROM users')")
    with pytest.raises(DatabaseUnavailable, match="leave 1 rows of tags without what they refer to: nothing was changed"):
        upgrade(sqlite)
    assert names(sqlite) == (["a@b.c"], ["Core"])
    assert current_revision(sqlite) == HEAD


def _upgrade_in_child(url: str, barrier: object) -> None:
    database = Database(url)
    barrier.wait()  # type: ignore[attr-defined]
    upgrade(database)
    os._exit(0 if current_revision(database) == head_revision() else 1)


def test_two_processes_may_upgrade_at_once(empty_database: Database) -> None:
    fork = multiprocessing.get_context("fork")
    empty_database.dispose()
    barrier = fork.Barrier(2)
    url = empty_database.url.render_as_string(hide_password=False)
    children = [fork.Process(target=_upgrade_in_child, args=(url, barrier)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    with empty_database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_sqlite_file_is_in_wal_mode_even_if_the_first_upgrade_died_before_setting_it(empty_sqlite: Database) -> None:
    upgrade(empty_sqlite)
    assert empty_sqlite.sqlite_path is not None

    def mode(change: str = "") -> str:
        with closing(sqlite3.connect(Path(empty_sqlite.sqlite_path or ""))) as connection:
            return str(connection.execute(f"PRAGMA journal_mode {change}").fetchone()[0])

    assert mode() == "wal"
    assert mode("= DELETE") == "delete"
    upgrade(empty_sqlite)
    assert mode() == "wal"
