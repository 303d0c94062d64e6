"""Risk: the numbers of a portfolio's last session, or of an earlier one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from sigmasight_api.access import Book, Door
from sigmasight_api.answers import OfPortfolio, meta_of, problems
from sigmasight_api.models.risk import RiskMetrics
from sigmasight_api.queries import risk as queries
from sigmasight_assets.store.tables import risk_metrics

RISK_METRICS = [name for name in RiskMetrics.model_fields if name != "meta"]

router = APIRouter(prefix="/risk", tags=["Risk"])


@router.get("/metrics", response_model=RiskMetrics, summary="Volatility, ratios, drawdown and value at risk", responses=problems(404))
def read_risk_metrics(door: Door, asked: Annotated[OfPortfolio, Query()]) -> Response:
    """One session's row of `risk_metrics`."""

    def build(book: Book) -> dict[str, Any]:
        row_set = book.row_set("risk_metrics", asked.as_of)
        row = book.rows(queries.of_session(risk_metrics, RISK_METRICS, book.portfolio.id, row_set.session))[0]
        return {**row, "meta": meta_of(row_set, row["var_coverage"], row["status"], row["reason"])}

    return door.answer_for(asked.portfolio_id, build)
