"""Money put in and taken out, and marks of private assets: added and deleted."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from sigmasight_api.access import Door
from sigmasight_api.answers import problems
from sigmasight_api.ledger_rows import appraisal_row, flow_row
from sigmasight_api.models import position_writes as models
from sigmasight_api.models.decimals import ExactRoute
from sigmasight_api.routes.paths import ThisPortfolio
from sigmasight_api.updating import bring_up_to_date
from sigmasight_assets.ledger import dated_entries

router = APIRouter(prefix="/portfolios/{id}", tags=["Portfolios"], route_class=ExactRoute)

FlowId = Annotated[uuid.UUID, Path(description="`id` of a flow")]
AppraisalId = Annotated[uuid.UUID, Path(description="`id` of an appraisal")]


@router.post("/flows", response_model=models.WrittenEntry, status_code=201, summary="Add a flow", responses=problems(404))
def create_flow(door: Door, portfolio_id: ThisPortfolio, body: models.NewFlow) -> dict[str, Any]:
    """Money put in (+) or taken out (-); the stated balance of cash keeps holding."""
    with door.writing_to(portfolio_id) as book:
        row = flow_row(book, body.model_dump())
        flow_id, first = dated_entries.add_flow(book.connection, book.service.calendar, book.portfolio, row)
        book.record("flow.create", f"flow:{flow_id}", f"{row.amount} on {row.date}")
        return {"id": flow_id, **bring_up_to_date(book, first)}


@router.delete("/flows/{flow_id}", response_model=models.DeletedEntry, summary="Delete a flow", responses=problems(404))
def remove_flow(door: Door, portfolio_id: ThisPortfolio, flow_id: FlowId) -> dict[str, Any]:
    """As though it had never been."""
    with door.writing_to(portfolio_id) as book:
        first = dated_entries.remove_flow(book.connection, book.service.calendar, book.portfolio, flow_id)
        book.record("flow.delete", f"flow:{flow_id}")
        return {"id": flow_id, **bring_up_to_date(book, first)}


@router.post(
    "/appraisals",
    response_model=models.WrittenEntry,
    status_code=201,
    summary="Mark a private asset",
    responses=problems(404) | {200: {"model": models.WrittenEntry, "description": "A mark of that date was there and is corrected"}},
)
def create_appraisal(door: Door, portfolio_id: ThisPortfolio, body: models.NewAppraisal, response: Response) -> dict[str, Any]:
    """Its price from a date on. A second mark of one date corrects the first, and answers 200."""
    with door.writing_to(portfolio_id) as book:
        row = appraisal_row(book, body.model_dump())
        mark_id, first, is_new = dated_entries.set_appraisal(book.connection, book.service.calendar, book.portfolio, row)
        book.record("appraisal.create" if is_new else "appraisal.update", f"appraisal:{mark_id}", f"{row.symbol} {row.price_per_unit}")
        response.status_code = 201 if is_new else 200
        return {"id": mark_id, **bring_up_to_date(book, first)}


@router.delete(
    "/appraisals/{appraisal_id}", response_model=models.DeletedEntry, summary="Delete a mark of a private asset", responses=problems(404)
)
def remove_appraisal(door: Door, portfolio_id: ThisPortfolio, appraisal_id: AppraisalId) -> dict[str, Any]:
    """The mark before it holds again."""
    with door.writing_to(portfolio_id) as book:
        first = dated_entries.remove_appraisal(book.connection, book.service.calendar, book.portfolio, appraisal_id)
        book.record("appraisal.delete", f"appraisal:{appraisal_id}")
        return {"id": appraisal_id, **bring_up_to_date(book, first)}
