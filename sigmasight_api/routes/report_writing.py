"""Reports written on demand: an operation that its owner starts."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from sigmasight_api.access import Door
from sigmasight_api.answers import problems
from sigmasight_api.errors import not_materialized
from sigmasight_api.models.operations import SingleOperation
from sigmasight_api.models.reports import ReportRequest
from sigmasight_api.operations import register
from sigmasight_api.operations.asking import plan_batch, require_dagster
from sigmasight_api.operations.register import Wanted
from sigmasight_api.operations.steps import steps_of
from sigmasight_api.routes.batch import KeyHeader
from sigmasight_api.routes.operations import accepted

KIND, TABLE = "reports.generate", "portfolio_reports"

router = APIRouter(prefix="/reports", tags=["Reports"])


@router.post("/generate", response_model=SingleOperation, status_code=202, summary="Write a report's files", responses=problems(404))
def generate_report(door: Door, body: ReportRequest, idempotency_key: KeyHeader = None) -> Response:
    """Starts an operation that writes a session's report in every format, from the numbers as they are stored; `Location` says where to
    watch it. `/reports/{id}/status` is `written` after it."""
    with door.reading_of(body.portfolio_id) as book:
        portfolio_id, row_set = book.portfolio.id, book.row_set("portfolio_snapshots", body.session)
        if body.session not in (None, row_set.session):
            raise not_materialized("portfolio_snapshots", body.session)
    session = row_set.session
    assert session is not None
    require_dagster(door.service)
    plan = plan_batch(door.service, [TABLE], session, session, [portfolio_id], downstream=False)
    day = session.isoformat()
    asked = {"tables": [TABLE], "first": day, "last": day, "portfolios": [str(portfolio_id)], "downstream": False}
    with door.writing_to(portfolio_id) as book:
        wanted = Wanted(KIND, asked, list(steps_of(plan)), portfolio_id=portfolio_id, key=idempotency_key)
        operation_id = register.submit(book.connection, book.user.id, wanted)
        book.record(KIND, f"operation:{operation_id}", f"{book.portfolio.slug} of {day}")
        answer = accepted(book, operation_id)
    door.service.operations.wake()
    return answer
