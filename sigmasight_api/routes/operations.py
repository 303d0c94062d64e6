"""Operations: what was asked for, how far it is, its events, its end."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from sigmasight_api.access import Caller, Door, to_json
from sigmasight_api.answers import collection, problems
from sigmasight_api.errors import Problem, not_found
from sigmasight_api.models.base import Collection
from sigmasight_api.models.operations import Operation, Operations, SingleOperation
from sigmasight_api.operations import register
from sigmasight_api.operations.events import events_of
from sigmasight_api.queries import operations as queries
from sigmasight_api.queries.paging import page_of

router = APIRouter(prefix="/operations", tags=["Operations"])

OperationId = Annotated[uuid.UUID, Path(alias="id", description="`id` of an operation")]


def whose(caller: Caller) -> uuid.UUID | None:
    """Whose operations a caller sees: their own; an administrator everybody's."""
    return None if caller.user.role == "admin" else caller.user.id


def documents(caller: Caller, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Operations with how far each is."""
    runs = queries.runs_at_work(rows)
    seen = queries.by_run(caller.rows(queries.written(runs))) if runs else {}
    return [{**queries.document(row, seen), **({"total_rows": row["total_rows"]} if "total_rows" in row else {})} for row in rows]


def one_document(caller: Caller, operation_id: uuid.UUID) -> dict[str, Any]:
    """One operation that the caller sees; 404 for any other."""
    found = caller.rows(queries.one(whose(caller), operation_id))
    if not found:
        raise not_found(f"operation {operation_id}")
    return {**documents(caller, found)[0], "meta": {}}


def accepted(caller: Caller, operation_id: uuid.UUID) -> Response:
    """The answer to a request that started work."""
    document = one_document(caller, operation_id)
    place = caller.access.request.app.url_path_for("read_operation", id=operation_id)
    return Response(to_json(document), 202, {"Location": place}, "application/json")


@router.get("", response_model=Collection[Operation], summary="Operations", responses=problems())
def list_operations(door: Door, asked: Annotated[Operations, Query()]) -> Response:
    """Newest first: the caller's own; an administrator sees everybody's, unless a portfolio is named."""

    def build(caller: Caller) -> dict[str, Any]:
        rows, total = page_of(caller, queries.listed(whose(caller), asked.state, asked.kind, asked.portfolio_id), asked)
        return collection(documents(caller, rows), asked, {}, total)

    return door.answer(build) if asked.portfolio_id is None else door.answer_for(asked.portfolio_id, build)


@router.get("/{id}", response_model=SingleOperation, summary="One operation", responses=problems(404))
def read_operation(door: Door, operation_id: OperationId) -> Response:
    """Its state, and for each table how many sessions are done."""
    return door.answer(lambda caller: one_document(caller, operation_id))


@router.get(
    "/{id}/events",
    response_class=StreamingResponse,
    summary="Its events, as they happen",
    responses={**problems(404), 200: {"content": {"text/event-stream": {}}, "description": "Server-sent events until it has ended"}},
)
async def stream_operation(
    door: Door, operation_id: OperationId, last_event_id: Annotated[str | None, Header(description="The last event that was seen")] = None
) -> StreamingResponse:
    """`state` when its state changes, `progress` when sessions are done, each with the whole of what is known; a comment while nothing
    happens. Event ids grow: with `Last-Event-ID` what was seen before is not sent again. The stream ends with the operation."""

    def look() -> dict[str, Any]:
        with door.reading() as caller:
            return one_document(caller, operation_id)

    first = await run_in_threadpool(look)
    service = door.service

    async def lines() -> AsyncIterator[bytes]:
        async for event in events_of(service.streams, operation_id, first, look, last_event_id):
            yield event

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


@router.post("/{id}/cancel", response_model=SingleOperation, status_code=202, summary="Ask for its end", responses=problems(404, 409))
def cancel_operation(door: Door, operation_id: OperationId) -> Response:
    """One that waits is cancelled at once; of one at work the run is interrupted, and what it has finished is kept."""
    with door.writing() as caller:
        one_document(caller, operation_id)
        state = register.cancel(caller.connection, operation_id)
        if state not in register.UNFINISHED:
            raise Problem(409, "already_ended", f"The operation has {state} already.", state=state)
        caller.record("operations.cancel", f"operation:{operation_id}", f"It was {state}.")
        document = one_document(caller, operation_id)
    caller.service.operations.wake()
    return Response(to_json(document), 202, media_type="application/json")
