"""PostgreSQL's snapshot as the event loop asks for it: another one after every commit, whoever waits and whatever breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from sigmasight_api.snapshot_watch import SnapshotWatch
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.store.database import Database


@pytest.fixture
def watch(postgres: Database) -> Iterator[SnapshotWatch]:
    watch = SnapshotWatch(postgres)
    yield watch
    watch.close()


def commit(database: Database, name: str) -> None:
    with database.write() as connection:
        add_user(connection, f"{name}@example.com")


def test_it_is_another_one_after_every_commit_and_the_same_between(watch: SnapshotWatch, postgres: Database) -> None:
    async def story() -> list[str | None]:
        first = [await watch.now(), await watch.now()]
        commit(postgres, "one")
        second = [await watch.now(), await watch.now()]
        with postgres.write() as connection:
            add_user(connection, "open@example.com")
            during = await watch.now()  # what is not committed is not seen
        return [*first, *second, during, await watch.now()]

    tokens = asyncio.run(story())
    assert None not in tokens
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]
    assert tokens[5] not in tokens[:5]


def test_those_that_wait_share_a_question_that_was_put_after_they_came(
    watch: SnapshotWatch, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = 0
    answer = watch._answer

    async def slow() -> str | None:
        nonlocal questions
        questions += 1
        token = await answer()
        await asyncio.sleep(0.05)
        return token

    monkeypatch.setattr(watch, "_answer", slow)

    async def story() -> tuple[str | None, list[str | None]]:
        early = asyncio.create_task(watch.now())
        await asyncio.sleep(0.03)  # its question is answered, and on its way back
        commit(postgres, "between")
        late = await asyncio.gather(*(watch.now() for _ in range(50)))
        return await early, list(late)

    early, late = asyncio.run(story())
    assert questions == 2
    assert len(set(late)) == 1
    assert None not in (early, late[0])
    assert early != late[0]


def test_a_connection_that_breaks_is_made_anew(watch: SnapshotWatch, postgres: Database, postgres_admin: Database) -> None:
    async def story() -> list[str | None]:
        found = [await watch.now()]
        with postgres_admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            end = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
            connection.execute(end, {"name": postgres.url.database})
        return [*found, await watch.now(), await watch.now()]

    before, broken, after = asyncio.run(story())
    assert before is not None
    assert broken is None
    assert after is not None


def test_who_goes_away_holds_nobody_up_and_a_loop_that_ends_leaves_nothing_behind(watch: SnapshotWatch) -> None:
    async def impatient() -> None:
        asking = [asyncio.create_task(watch.now()) for _ in range(3)]
        await asyncio.sleep(0)
        asking[0].cancel()
        assert await asking[1] is not None
        assert await asking[2] is not None

    async def interrupted() -> None:
        asking = asyncio.create_task(watch.now())
        await asyncio.sleep(0)
        asking.cancel()

    asyncio.run(impatient())
    asyncio.run(interrupted())
    assert asyncio.run(watch.now()) is not None


def test_a_server_that_is_not_there_is_not_waited_for() -> None:
    watch = SnapshotWatch(Database("postgresql+psycopg2://nobody@127.0.0.1:9/nothing"))
    assert asyncio.run(watch.now()) is None
