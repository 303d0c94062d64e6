"""A database that cannot serve says so in one sentence with a remedy; reads see one moment."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store import database as module
from sigmasight_assets.store.database import Database, lock_for_writing, moment_of_change
from sigmasight_assets.store.schema import require_revision, upgrade
from sigmasight_assets.store.tables import tags, users

NOBODY = 65534


def user(email: str) -> dict[str, object]:
    return {"id": users.c.id.type.python_type(int=abs(hash(email))), "email": email, "role": "user", "created_at": utc_now()}


def in_child(action: Callable[[], None], *, as_nobody: bool = False) -> str:
    """What an action raises in a child process (its text), or an empty text."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            if as_nobody and os.getuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            action()
        except DatabaseUnavailable as error:
            said = str(error)
        except BaseException as error:  # noqa: BLE001 - a child must not return into the test runner
            said = f"not expected: {type(error).__name__} {error}"
        os.write(write_end, said.encode()[:4000])
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def test_a_locked_database_names_the_remedy(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_SECONDS", 0.05)
    impatient = Database(str(sqlite.url))
    with (
        sqlite.write(),
        pytest.raises(DatabaseUnavailable, match=r"held the write lock .* wait for its run to end, or stop it"),
        impatient.write(),
    ):
        pass
    with impatient.write():  # and afterwards all is well
        pass


def test_a_reader_is_not_kept_waiting_by_a_writer(sqlite: Database) -> None:
    with sqlite.write() as connection:
        connection.execute(insert(users), user("a@b.c"))
        with sqlite.read() as reader:
            assert reader.execute(select(func.count()).select_from(users)).scalar_one() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and file modes")
def test_a_read_only_file_names_the_remedy(sqlite: Database, tmp_path: Path) -> None:
    path = sqlite.sqlite_path
    assert path is not None
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    for parent in tmp_path.parents:
        if parent.owner() == tmp_path.owner() and os.getuid() == 0 and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)

    def write() -> None:
        with Database(f"sqlite:///{path}").write() as connection:
            connection.execute(insert(users), user("a@b.c"))

    try:
        said = in_child(write, as_nobody=True)
    finally:
        tmp_path.chmod(0o755)
    assert "read-only: give this user write access" in said or "cannot be opened: check its folder's permissions" in said


def test_a_file_that_is_no_database_names_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database, but long enough to be looked at " * 20)
    before = path.read_bytes()
    for action in (require_revision, upgrade):
        with pytest.raises(DatabaseUnavailable, match=r"not a sound SQLite database: move it away|cannot be reached"):
            action(Database(f"sqlite:///{path}"))
    assert path.read_bytes() == before


def test_a_torn_file_names_the_remedy(sqlite: Database) -> None:
    path = sqlite.sqlite_path
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(DatabaseUnavailable, match="not a sound SQLite database"), sqlite.read() as reader:
        reader.execute(select(users)).fetchall()


def test_a_folder_in_the_place_of_the_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be opened"):
        require_revision(Database(f"sqlite:///{tmp_path}"))


def test_a_file_in_the_place_of_the_folder_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(DatabaseUnavailable, match="cannot be reached or made"):
        upgrade(Database(f"sqlite:///{tmp_path / 'state' / 'sigmasight.db'}"))


def test_tables_that_are_missing_name_the_command(empty_sqlite: Database) -> None:
    assert empty_sqlite.sqlite_path is not None
    empty_sqlite.sqlite_path.parent.mkdir()
    with pytest.raises(DatabaseUnavailable, match=r"no tables yet: run `sigmasight db upgrade`"), empty_sqlite.read() as reader:
        reader.execute(select(users))


def test_a_server_that_does_not_answer_is_named_with_its_cause() -> None:
    database = Database(Settings(database_url="postgres://desk@127.0.0.1:1/none").url)  # type: ignore[arg-type]
    with pytest.raises(DatabaseUnavailable, match=r"does not answer \(.*127.0.0.1.*\)"):
        require_revision(database)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_a_postgres_url_names_the_driver(scheme: str) -> None:
    assert Settings(database_url=f"{scheme}://u@h/d").url == "postgresql+psycopg2://u@h/d"  # type: ignore[arg-type]


def test_what_was_to_be_written_is_not_in_an_error(sqlite: Database) -> None:
    with sqlite.write() as writer:
        writer.execute(insert(users), user("ann@example.com"))
    with pytest.raises(IntegrityError) as refused, sqlite.write() as writer:
        writer.execute(insert(users), user("ann@example.com") | {"role": "administrator-of-all"})
    assert "administrator-of-all" not in str(refused.value)


def test_other_errors_are_not_taken_for_the_databases(sqlite: Database) -> None:
    # an error recognised by a part of its text would be counted as something else
    with pytest.raises(FileNotFoundError), sqlite.read():
        Path("/nowhere/at/all").read_text()
    with pytest.raises(ValueError, match="database is locked"), sqlite.write():
        raise ValueError("database is locked")


def test_a_read_sees_one_moment(database: Database) -> None:
    count = select(func.count()).select_from(users)
    with database.read() as reader:
        assert reader.execute(count).scalar_one() == 0
        with database.write() as writer:
            writer.execute(insert(users), user("a@b.c"))
        assert reader.execute(count).scalar_one() == 0
    with database.read() as reader:
        assert reader.execute(count).scalar_one() == 1


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as writer:
        writer.execute(insert(users), user("a@b.c"))
        raise RuntimeError
    assert database.frame(select(users)).empty


def test_references_are_enforced(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.write() as writer:
        row = user("a@b.c")
        writer.execute(insert(tags), {"id": row["id"], "owner_id": row["id"], "name": "Core", "name_key": "core"})


def test_a_change_stamped_before_a_reading_is_in_what_is_read(database: Database) -> None:
    # the change is stamped first and committed later: a reader that looked at the clock in between would miss it for ever
    read_end, write_end = os.pipe()
    url = database.url.render_as_string(hide_password=False)
    database.dispose()
    reader = os.fork()
    if reader == 0:
        os.read(read_end, 1)
        other = Database(url)
        moment = other.moment_of_reading()
        with other.read() as connection:
            seen = connection.execute(select(users.c.created_at)).scalars().all()
        os._exit(0 if len(seen) == 1 and seen[0] < moment else 1)
    with database.write() as writer:
        stamped = moment_of_change(writer)
        os.write(write_end, b"x")
        for _ in range(20):  # the reader waits in the meantime, however long this takes
            writer.execute(text("SELECT 1"))
        writer.execute(insert(users), user("a@b.c") | {"created_at": stamped})
    _, status = os.waitpid(reader, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_named_locks_end_with_their_transaction(database: Database) -> None:
    for _ in range(2):
        with database.write() as connection:
            lock_for_writing(connection, "prices")
            lock_for_writing(connection, "prices")


def test_while_a_database_is_held_open_its_log_is_not_written_back_by_every_transaction(sqlite: Database) -> None:
    assert sqlite.sqlite_path is not None
    log = sqlite.sqlite_path.with_name(sqlite.sqlite_path.name + "-wal")

    def write(email: str) -> None:
        with sqlite.write() as connection:
            connection.execute(insert(users), user(email))

    write("before@example.com")
    assert not log.exists()
    with sqlite.held_open():
        write("one@example.com")
        assert log.stat().st_size > 0
        with sqlite.read() as connection:  # nobody is kept at an earlier moment
            assert connection.execute(select(func.count()).select_from(users)).scalar_one() == 2
    assert not log.exists()


def test_holding_open_makes_no_file_and_leaves_faults_to_who_meets_them(empty_sqlite: Database) -> None:
    path = empty_sqlite.sqlite_path
    assert path is not None
    with empty_sqlite.held_open():
        assert not path.exists()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all" * 100)
    with (
        empty_sqlite.held_open(),
        pytest.raises(DatabaseUnavailable, match="not a sound SQLite database"),
        empty_sqlite.read() as connection,
    ):
        connection.execute(select(users.c.id))
    with pytest.raises(ZeroDivisionError), empty_sqlite.held_open():
        _ = 1 / 0
