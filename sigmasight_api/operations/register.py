"""The life of an operation in its table: asked for, taken up, noted, ended, cancelled."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select, update

from sigmasight_api.errors import Problem, invalid
from sigmasight_api.operations.steps import Step, read_steps
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database, lock_for_writing
from sigmasight_assets.store.tables import operations

LONGEST_QUEUE = 1000
"""Operations that may wait; one more is refused until some are done."""
BRING_UP_TO_DATE = "bring_up_to_date"
UNFINISHED = ("queued", "running")
_C = operations.c


@dataclass
class Operation:
    """An operation that is being carried out."""

    id: uuid.UUID
    owner_id: uuid.UUID
    kind: str
    state: str
    request: dict[str, Any]
    steps: list[Step]
    portfolio_id: uuid.UUID | None
    first_session: date | None
    process_id: int | None


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes
    ----------
    request : mapping
        As the answer repeats it: tables, sessions, portfolios, downstream.
    left_stale : sequence of str
        Tables that are made of what is computed, and are not computed.
    key : str or None
        The caller's `Idempotency-Key`.
    """

    kind: str
    request: Mapping[str, Any]
    steps: Sequence[Step] = ()
    left_stale: Sequence[str] = ()
    note: str | None = None
    portfolio_id: uuid.UUID | None = None
    first_session: date | None = None
    key: str | None = None

    @property
    def request_hash(self) -> str:
        return hashlib.sha256(orjson.dumps([self.kind, self.request], option=orjson.OPT_SORT_KEYS)).hexdigest()


def submit(connection: Connection, owner_id: uuid.UUID, wanted: Wanted) -> uuid.UUID:
    """Put an operation at the end of the queue; under a key that has come before, the operation of then.

    Raises
    ------
    Problem
        422 where the key came with another request, 503 where the queue is full.
    """
    lock_for_writing(connection, operations.name)
    if wanted.key is not None:
        query = select(_C.id, _C.request_hash).where(_C.owner_id == owner_id, _C.idempotency_key == wanted.key)
        known = connection.execute(query).first()
        if known is not None and known.request_hash != wanted.request_hash:
            raise invalid(("header", "Idempotency-Key"), "came with another request before: choose a new key", wanted.key, "key_reused")
        if known is not None:
            return uuid.UUID(str(known.id))
    waiting = connection.execute(select(func.count()).where(_C.state == "queued")).scalar_one()
    if waiting >= LONGEST_QUEUE:
        detail = f"{waiting:,} operations wait: try again when some are done, or cancel some."
        raise Problem(503, "queue_full", detail, headers={"Retry-After": "60"})
    identity = uuid.uuid4()
    row = {
        "id": identity,
        "owner_id": owner_id,
        "kind": wanted.kind,
        "state": "queued",
        "request": dict(wanted.request),
        "steps": [step.as_json() for step in wanted.steps],
        "left_stale": list(wanted.left_stale),
        "note": wanted.note,
        "portfolio_id": wanted.portfolio_id,
        "first_session": wanted.first_session,
        "idempotency_key": wanted.key,
        "request_hash": wanted.request_hash,
        "created_at": utc_now(),
    }
    connection.execute(insert(operations), row)
    return identity


def submit_book(connection: Connection, owner_id: uuid.UUID, portfolio_id: uuid.UUID, first_session: date) -> uuid.UUID:
    """Queue what brings a book up to date; one that waits already takes the change in."""
    lock_for_writing(connection, operations.name)
    is_waiting = (_C.kind == BRING_UP_TO_DATE) & (_C.portfolio_id == portfolio_id) & (_C.state == "queued")
    waiting = connection.execute(select(_C.id, _C.first_session).where(is_waiting).order_by(_C.created_at).limit(1)).first()
    if waiting is None:
        request = _book_request(portfolio_id, first_session)
        wanted = Wanted(BRING_UP_TO_DATE, request, portfolio_id=portfolio_id, first_session=first_session)
        return submit(connection, owner_id, wanted)
    earlier = min(first_session, waiting.first_session)
    values = {"first_session": earlier, "request": _book_request(portfolio_id, earlier)}
    connection.execute(update(operations).where(_C.id == waiting.id).values(values))
    return uuid.UUID(str(waiting.id))


def _book_request(portfolio_id: uuid.UUID, first_session: date) -> dict[str, Any]:
    return {"tables": None, "first": first_session.isoformat(), "last": None, "portfolios": [str(portfolio_id)], "downstream": True}


def take_up(database: Database) -> Operation | None:
    """The operation that is at work, else the one that has waited longest, which is at work from now on; None where there is none."""
    columns = (_C.id, _C.owner_id, _C.kind, _C.state, _C.request, _C.steps, _C.portfolio_id, _C.first_session, _C.process_id)
    query = select(*columns).where(_C.state.in_(UNFINISHED)).order_by(_C.state.desc(), _C.created_at, _C.id).limit(1)
    with database.read() as connection:
        if connection.execute(query).first() is None:
            return None
    with database.write() as connection:
        lock_for_writing(connection, operations.name)
        row = connection.execute(query).first()
        if row is None:
            return None
        if row.state == "queued":
            connection.execute(update(operations).where(_C.id == row.id).values(state="running", started_at=utc_now()))
        return Operation(
            row.id,
            row.owner_id,
            row.kind,
            row.state,
            row.request,
            read_steps(row.steps),
            row.portfolio_id,
            row.first_session,
            row.process_id,
        )


def note_steps(database: Database, operation: Operation) -> None:
    """Keep how far an operation's runs are."""
    values = {"steps": [step.as_json() for step in operation.steps], "process_id": operation.process_id}
    with database.write() as connection:
        connection.execute(update(operations).where(_C.id == operation.id).values(values))


def finish(database: Database, operation: Operation, state: str, error: str | None, left_stale: Sequence[str]) -> None:
    """An operation's end."""
    steps = [step.as_json() for step in operation.steps]
    values = {"state": state, "error": error, "steps": steps, "left_stale": list(left_stale), "ended_at": utc_now(), "process_id": None}
    with database.write() as connection:
        connection.execute(update(operations).where(_C.id == operation.id).values(values))


def note(database: Database, operation: Operation, text: str) -> None:
    with database.write() as connection:
        connection.execute(update(operations).where(_C.id == operation.id).values(note=text))


def is_cancelled(database: Database, operation: Operation) -> bool:
    """Whether somebody asked for its end."""
    with database.read() as connection:
        found: datetime | None = connection.execute(select(_C.cancel_requested_at).where(_C.id == operation.id)).scalar_one_or_none()
    return found is not None


def cancel(connection: Connection, operation_id: uuid.UUID) -> str:
    """Ask for an operation's end; one that waits has it at once. The state that it was in."""
    lock_for_writing(connection, operations.name)
    state: str = connection.execute(select(_C.state).where(_C.id == operation_id)).scalar_one()
    now = utc_now()
    if state == "queued":
        values = {"state": "cancelled", "cancel_requested_at": now, "ended_at": now}
        connection.execute(update(operations).where(_C.id == operation_id).values(values))
    elif state == "running":
        is_first = (_C.id == operation_id) & _C.cancel_requested_at.is_(None)
        connection.execute(update(operations).where(is_first).values(cancel_requested_at=now))
    return state


def is_anything_unfinished(database: Database) -> bool:
    with database.read() as connection:
        return connection.execute(select(_C.id).where(_C.state.in_(UNFINISHED)).limit(1)).first() is not None
