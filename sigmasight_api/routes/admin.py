"""What administrators ask: runs at work and past, the schedule, why a number is old, the health of the data, who did what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Select, false, func, select
from starlette.responses import Response

from sigmasight_api.access import ADMIN_ONLY, Caller, Door, to_json
from sigmasight_api.answers import Paged, collection, problems
from sigmasight_api.errors import invalid, not_found, not_materialized
from sigmasight_api.health import missing_sessions, stale_sets
from sigmasight_api.launcher import DagsterDown
from sigmasight_api.lineage import Chain, checks_by_table
from sigmasight_api.models.admin import (
    Activity,
    ActivityFilter,
    BatchStatus,
    DataHealth,
    LineageAnswer,
    LineageQuery,
    RunHistory,
    Schedule,
)
from sigmasight_api.models.base import Collection
from sigmasight_api.queries import admin as queries
from sigmasight_api.queries import operations as operation_queries
from sigmasight_api.queries.paging import page_of
from sigmasight_api.queries.together import rows_together
from sigmasight_api.routes.operations import documents
from sigmasight_api.service import Service
from sigmasight_assets.calculations.evening import EVENING, evening_session
from sigmasight_assets.sessions import NEW_YORK
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, UNDATED, upstream_of
from sigmasight_assets.store.tables import operations, portfolios

EVENINGS = 10
SHOWN_QUEUE = 50

router = APIRouter(prefix="/admin", tags=["Administration"], dependencies=[ADMIN_ONLY])


@router.get("/batch/status", response_model=BatchStatus, summary="What is at work, and what waits", responses=problems(403))
def read_status(door: Door) -> Response:
    """Operations and Dagster runs in progress, with the sessions of each table that are done."""
    with door.reading() as caller:
        rows = caller.rows(operation_queries.unfinished().limit(SHOWN_QUEUE))
        n_queued = caller.connection.execute(select(func.count()).where(operations.c.state == "queued")).scalar_one()
        found = documents(caller, rows)
        service = door.service
        runs = _in_progress(service)
        seen = operation_queries.by_run(caller.rows(operation_queries.written([run["run_id"] for run in runs]))) if runs else {}
    progress = {
        run_id: [{"table": table, "sessions_done": done[table]} for table in LINEAGE if table in done] for run_id, done in seen.items()
    }
    answer = {
        "running": [one for one in found if one["state"] == "running"],
        "queued": [one for one in found if one["state"] == "queued"],
        "n_queued": n_queued,
        "runs": [{**run, "progress": progress.get(run["run_id"], [])} for run in runs],
        "dagster": service.operations.launcher.describe(),
        "meta": {},
    }
    return _fresh(answer)


def _in_progress(service: Service) -> list[dict[str, Any]]:
    """Runs in progress; none where Dagster does not answer, which the answer says beside."""
    try:
        return service.operations.launcher.runs(SHOWN_QUEUE, in_progress=True)[0]
    except DagsterDown:
        return []


def _fresh(answer: dict[str, Any]) -> Response:
    """An answer that is not of the database alone, and is not kept."""
    return Response(to_json(answer), headers={"Cache-Control": "no-store"}, media_type="application/json")


@router.get("/batch/history", response_model=RunHistory, summary="Recent runs", responses=problems(403))
def read_history(door: Door, page: Annotated[Paged, Query()]) -> Response:
    """Every Dagster run, the last first: duration, rows that stand of it, what stopped it."""
    with door.reading() as caller:
        runs, total = door.service.operations.launcher.runs(page.limit, page.offset)
        rows = {row["run_id"]: int(row["n"]) for row in caller.rows(queries.rows_of_runs([run["run_id"] for run in runs]))}
    items = [{**run, "rows": rows.get(run["run_id"], 0)} for run in runs]
    return _fresh(collection(items, page, {}, total))


@router.get("/batch/schedule", response_model=Schedule, summary="Upcoming evenings", responses=problems(403))
def read_schedule(door: Door) -> Response:
    """The next evenings of the daily schedule: which session each computes, or why it computes nothing."""
    service = door.service
    launcher = service.operations.launcher
    answer = {"items": _evenings(service), "instigators": [], "dagster": launcher.describe(), "meta": {}}
    if answer["dagster"]["daemon_running"] is not None:
        answer["instigators"] = launcher.instigators()
    return _fresh(answer)


def _evenings(service: Service) -> list[dict[str, Any]]:
    now = service.clock()
    today = now.astimezone(NEW_YORK).date()
    moments = [datetime.combine(today + timedelta(days=i), EVENING, NEW_YORK) for i in range(EVENINGS + 1)]
    out = []
    for moment in [one for one in moments if one > now][:EVENINGS]:
        found = evening_session(service.calendar, service.operations.planner.coverage.provider, moment)
        is_skipped = isinstance(found, str)
        out.append({"at": moment, "session": None if is_skipped else found, "skipped": found if is_skipped else None})
    return out


@router.get("/lineage/{table}", response_model=LineageAnswer, summary="Why a number is stale", responses=problems(403, 404))
def read_lineage(door: Door, table: str, asked: Annotated[LineageQuery, Query()]) -> Response:
    """A table's row set of one session, and the chain of all that it is made of: when each was computed and changed, by which run and
    code, over which window it is read, what its checks say; and the way from the number to what makes it stale."""
    if table not in LINEAGE:
        raise not_found(f"table {table}: expected one of {', '.join(LINEAGE)}")

    def build(caller: Caller) -> dict[str, Any]:
        return _lineage(caller, table, asked)

    return door.answer(build)


def _lineage(caller: Caller, table: str, asked: LineageQuery) -> dict[str, Any]:
    found = rows_together(caller.connection, {"book": _books(table, asked), "checks": queries.checks(upstream_of([table]))})
    book = next(iter(found["book"]), None)
    if book is None and asked.portfolio_id is not None:
        raise invalid(("query", "portfolio_id"), "expected the id of a portfolio", str(asked.portfolio_id), "unknown_portfolio")
    service = caller.service
    whose = (None, None) if book is None else (book["id"], book["cash_as_of"])
    provenance = service.provenance.get(caller.connection, service.calendar, *whose, caller.token)
    row_set = provenance.latest(table) if asked.session is None else provenance.on(table, asked.session)
    if row_set is None:
        raise not_materialized(table, asked.session or provenance.last_market_session)
    chain = Chain(provenance)
    tables = chain.tables(table, row_set.session if table not in UNDATED else None)
    results = checks_by_table(sorted(found["checks"], key=lambda row: (row["table_name"], row["check_name"])))
    return {
        "table": table,
        "session": row_set.session,
        "portfolio_id": book["id"] if book else None,
        "portfolio": book["slug"] if book else None,
        "stale": row_set.stale,
        "because": chain.why(table, row_set.session),
        "remedy": "sigmasight run --stale" if row_set.stale else None,
        "chain": [{**one, "checks": results.get(one["table"], [])} for one in tables],
        "meta": {},
    }


def _books(table: str, asked: LineageQuery) -> Select[Any]:
    """The portfolio to look at, of any owner: the named one, else the first; none where the table is the market's."""
    p = portfolios.c
    query = select(p.id, p.slug, p.cash_as_of).order_by(p.slug).limit(1)
    if asked.portfolio_id is None:
        return query if table in BY_PORTFOLIO else query.where(false())
    return query.where(p.id == asked.portfolio_id)


@router.get("/data-health", response_model=DataHealth, summary="Missing, stale, quarantined", responses=problems(403))
def read_data_health(door: Door) -> Response:
    """Sessions that are not stored, row sets older than their inputs, rows that broke a gate, checks that failed, and the share of each
    book that has prices."""

    def build(caller: Caller) -> dict[str, Any]:
        missing = missing_sessions(caller)
        stale = stale_sets(caller)
        quarantined = caller.rows(queries.quarantined())
        results = caller.rows(queries.checks())
        failed = [row for row in results if not row["passed"]]
        return {
            "is_healthy": not (missing or stale or quarantined or failed),
            "missing": missing,
            "stale": stale,
            "n_stale": sum(one["row_sets"] for one in stale),
            "quarantined": quarantined,
            "checks": {"passed": len(results) - len(failed), "failed": failed},
            "coverage": caller.rows(queries.coverage()),
            "meta": {},
        }

    return door.answer(build)


@router.get("/activity", response_model=Collection[Activity], summary="Who did what, when, from where", responses=problems(403))
def list_activity(door: Door, asked: Annotated[ActivityFilter, Query()]) -> Response:
    """The record of activity, newest first. Nothing of it is ever changed or deleted by the API."""
    for name in ("since", "until"):
        moment = getattr(asked, name)
        if moment is not None and moment.tzinfo is None:
            raise invalid(("query", name), "expected a moment with a time zone", moment.isoformat())

    def build(caller: Caller) -> dict[str, Any]:
        rows, total = page_of(caller, queries.activity_of(asked), asked)
        return collection(rows, asked, {}, total)

    return door.answer(build)
