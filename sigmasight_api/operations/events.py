"""Server-sent events of operations: one look at the database serves all who watch the same operation."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from sigmasight_api.access import to_json
from sigmasight_api.operations.watched import Streams, Watched

LOOK_SECONDS = 0.4
HEARTBEAT_SECONDS = 15.0
_ENDED = ("succeeded", "failed", "cancelled")
_RANK = {"queued": 0, "running": 1, "succeeded": 2, "failed": 2, "cancelled": 2}
_SESSIONS = 10**9
"""More sessions than any operation computes."""


def event_id(document: dict[str, Any]) -> int:
    """A number that grows with an operation's state and with every session done, whoever counts."""
    done = sum(one["sessions_done"] for one in document["progress"])
    return _RANK[document["state"]] * _SESSIONS + len(document["runs"]) * 100_000 + done


async def events_of(
    streams: Streams, operation_id: uuid.UUID, first: dict[str, Any], look: Callable[[], dict[str, Any]], last_event_id: str | None
) -> AsyncIterator[bytes]:
    """The events of one operation until it has ended."""
    watched = streams.watched.setdefault(operation_id, Watched(first, time.monotonic()))
    watched.watchers += 1
    sent = int(last_event_id) if last_event_id and last_event_id.isdigit() else -1
    state = None if sent < 0 else next((name for name, rank in _RANK.items() if rank == sent // _SESSIONS), None)
    document, spoke = first, time.monotonic()
    try:
        while True:
            number = event_id(document)
            if number > sent:
                kind = "progress" if document["state"] == state else "state"
                yield _event(number, kind, document)
                sent, state, spoke = number, document["state"], time.monotonic()
            if document["state"] in _ENDED:
                return
            if time.monotonic() > spoke + HEARTBEAT_SECONDS:
                yield b": still here\n\n"
                spoke = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            document = await _latest(watched, look)
    finally:
        watched.watchers -= 1
        if not watched.watchers:
            streams.watched.pop(operation_id, None)


async def _latest(watched: Watched, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    async with watched.lock:
        if time.monotonic() > watched.looked_at + LOOK_SECONDS / 2:
            watched.document = await run_in_threadpool(look)
            watched.looked_at = time.monotonic()
        return watched.document


def _event(number: int, kind: str, document: dict[str, Any]) -> bytes:
    data = to_json({name: value for name, value in document.items() if name != "meta"})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), data)
