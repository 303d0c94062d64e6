"""Operations, and how many rows their runs have written so far."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from sigmasight_api.operations.steps import RUNNING, Step, read_steps
from sigmasight_assets.store.tables import materializations, operations, users

_C = operations.c
COLUMNS = (
    _C.id,
    _C.owner_id,
    users.c.email.label("owner"),
    _C.kind,
    _C.state,
    _C.request,
    _C.steps,
    _C.left_stale,
    _C.portfolio_id,
    _C.first_session,
    _C.idempotency_key,
    _C.process_id,
    _C.error,
    _C.note,
    _C.created_at,
    _C.started_at,
    _C.ended_at,
    _C.cancel_requested_at,
)
Written = Mapping[str, Mapping[str, int]]
"""Run -> table -> sessions written so far."""


def visible(user_id: uuid.UUID | None) -> Select[Any]:
    """A user's operations; everybody's for None."""
    query = select(*COLUMNS).join(users, users.c.id == _C.owner_id)
    return query if user_id is None else query.where(_C.owner_id == user_id)


def one(user_id: uuid.UUID | None, operation_id: uuid.UUID) -> Select[Any]:
    return visible(user_id).where(_C.id == operation_id)


def listed(user_id: uuid.UUID | None, state: str | None, kind: str | None, portfolio_id: uuid.UUID | None) -> Select[Any]:
    """Newest first."""
    query = visible(user_id)
    for column, value in ((_C.state, state), (_C.kind, kind), (_C.portfolio_id, portfolio_id)):
        if value is not None:
            query = query.where(column == value)
    return query.order_by(_C.created_at.desc(), _C.id)


def unfinished() -> Select[Any]:
    """At work, then those that wait, in their order."""
    query = visible(None).where(_C.state.in_(("queued", "running")))
    return query.order_by(_C.state.desc(), _C.created_at, _C.id)


def written(run_ids: Sequence[str]) -> Select[Any]:
    """Sessions of each table that runs have written."""
    m = materializations.c
    n = func.count(m.session.distinct()).label("n")
    return select(m.run_id, m.table_name, n).where(m.run_id.in_(run_ids)).group_by(m.run_id, m.table_name)


def runs_at_work(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The runs of operations that are at work now."""
    return [step["run_id"] for row in rows if row["state"] == "running" for step in row["steps"] if step["state"] == RUNNING]


def by_run(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Rows of `written`, by run and table; a table without sessions counts as one."""
    out: dict[str, dict[str, int]] = {}
    for row in rows:
        if "." not in row["table_name"]:
            out.setdefault(row["run_id"], {})[row["table_name"]] = row["n"] or 1
    return out


def document(row: Mapping[str, Any], seen: Written) -> dict[str, Any]:
    """An operation as it is answered."""
    steps = read_steps(row["steps"])
    out = {name: value for name, value in row.items() if name not in ("steps", "total_rows")}
    runs = [
        {
            "run_id": step.run_id,
            "job": step.job,
            "tables": step.tables,
            "first": step.first,
            "last": step.last,
            "portfolios": step.portfolios,
            "state": step.state,
            "error": step.error,
        }
        for step in steps
    ]
    assets = [asset for step in steps for asset in progress(step, seen.get(step.run_id or "", {}))]
    return {**out, "runs": runs, "progress": assets}


def progress(step: Step, seen: Mapping[str, int]) -> list[dict[str, Any]]:
    """Sessions done of each table of a run."""
    out = []
    for table in step.tables:
        total = step.total(table)
        done = min(total, seen.get(table, 0)) if step.state == RUNNING else step.done.get(table, 0)
        out.append({"table": table, "run_id": step.run_id, "sessions_done": done, "sessions": total})
    return out
