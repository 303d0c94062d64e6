"""PostgreSQL's snapshot, asked for by the event loop itself: one question at a time for all who wait.

Who asks gets the answer to a question that was put afterwards, so what was committed before is seen; those that come while one is under
way share the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2 import extensions

from sigmasight_assets.store.database import Database

SECONDS = 5.0
"""How long PostgreSQL may take to answer; who waits longer is not told, and asks by a connection of the pool."""


class SnapshotWatch:
    """A connection of the event loop's own, made when it is first needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._waiting: list[asyncio.Future[str | None]] = []
        self._task: asyncio.Task[None] | None = None

    async def now(self) -> str | None:
        """The snapshot of a moment after the call; None where PostgreSQL does not tell."""
        loop = asyncio.get_running_loop()
        if self._task is not None and self._task.get_loop() is not loop:  # of a loop that has ended
            self._task, self._waiting = None, []
            self._hang_up()
        future: asyncio.Future[str | None] = loop.create_future()
        self._waiting.append(future)
        if self._task is None:
            self._task = loop.create_task(self._ask())
        return await future

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._hang_up()

    async def _ask(self) -> None:
        """Put the question as long as somebody waits."""
        batch: list[asyncio.Future[str | None]] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                token = await self._answer()
                for future in batch:
                    if not future.done():  # who asked may have gone away
                        future.set_result(token)
        finally:
            self._task = None
            for future in (*batch, *self._waiting):
                if not future.done():
                    future.set_result(None)
            self._waiting = []

    async def _answer(self) -> str | None:
        try:
            async with asyncio.timeout(SECONDS):
                if self._connection is None:
                    await self._dial()
                cursor = self._connection.cursor()
                cursor.execute("SELECT pg_current_snapshot()::text")
                await self._ready()
                token: str = cursor.fetchone()[0]
                return token
        except (psycopg2.Error, TimeoutError, OSError):
            self._hang_up()
            return None
        except asyncio.CancelledError:  # with the question on its way, nobody could put another one
            self._hang_up()
            raise

    async def _dial(self) -> None:
        engine = self._database.engine
        arguments, options = engine.dialect.create_connect_args(engine.url)
        self._connection = psycopg2.connect(*arguments, **options, async_=True)
        await self._ready()

    async def _ready(self) -> None:
        """Wait until the connection has done what it is doing."""
        loop = asyncio.get_running_loop()
        while (state := self._connection.poll()) != extensions.POLL_OK:
            watched, unwatched = (
                (loop.add_reader, loop.remove_reader) if state == extensions.POLL_READ else (loop.add_writer, loop.remove_writer)
            )
            await _once(self._connection.fileno(), watched, unwatched)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg2.Error):
                connection.close()


async def _once(descriptor: int, watched: Callable[..., Any], unwatched: Callable[[int], Any]) -> None:
    """Wait until the event loop sees a descriptor ready."""
    ready = asyncio.Event()
    watched(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        unwatched(descriptor)
