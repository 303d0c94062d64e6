"""Risk: the numbers of a portfolio's last session, or of an earlier one."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from sigmasight_api import greeks
from sigmasight_api.access import Book, Door
from sigmasight_api.answers import OfPortfolio, Paged, meta_of, problems
from sigmasight_api.errors import not_materialized
from sigmasight_api.listing import listed
from sigmasight_api.models.base import AnalyticCollection
from sigmasight_api.models.risk import COMPONENTS, Greeks, MarketScenario, RiskMetrics, VarException
from sigmasight_api.queries import risk as queries
from sigmasight_api.queries.together import rows_together

ADDED = ("components", "exceptions", "meta")
RISK_METRICS = [name for name in RiskMetrics.model_fields if name not in ADDED]
GRID = list(MarketScenario.model_fields)

router = APIRouter(prefix="/risk", tags=["Risk"])


@router.get("/metrics", response_model=RiskMetrics, summary="Volatility, ratios, drawdown and value at risk", responses=problems(404))
def read_risk_metrics(door: Door, asked: Annotated[OfPortfolio, Query()]) -> Response:
    """One session's row of `risk_metrics`, what each lot adds to value at risk, and how often it was exceeded."""

    def build(book: Book) -> dict[str, Any]:
        row_set = book.row_set("risk_metrics", asked.as_of)
        columns = [*RISK_METRICS, "lot_ids", *COMPONENTS]
        parts = queries.metrics(columns, list(VarException.model_fields), book.portfolio.id, row_set.session)
        found = rows_together(book.connection, parts)
        if not found["metrics"]:
            raise not_materialized(row_set.table, row_set.session)
        row = found["metrics"][0]
        components = _components(row.pop("lot_ids"), {name: row.pop(name) for name in COMPONENTS}, found["lots"])
        exceptions = sorted(found["exceptions"], key=lambda one: one["level"])
        meta = meta_of(row_set, row["var_coverage"], row["status"], row["reason"])
        return {**row, "components": components, "exceptions": exceptions, "meta": meta}

    return door.answer_for(asked.portfolio_id, build)


def _components(lot_ids: list[str], packed: dict[str, Any], lots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The packed components as one item a lot."""
    known = {lot["lot_id"]: lot for lot in lots}
    items = []
    for i, text in enumerate(lot_ids):
        lot = known.get(uuid.UUID(text), {})
        figures = {name.removesuffix("_components"): None if values is None else values[i] for name, values in packed.items()}
        items.append({"lot_id": uuid.UUID(text), "symbol": lot.get("symbol"), "underlying": lot.get("underlying"), **figures})
    return items


@router.get("/greeks", response_model=Greeks, summary="Greeks of the book, by underlying, by expiry", responses=problems(404))
def read_greeks(door: Door, asked: Annotated[OfPortfolio, Query()]) -> Response:
    """The snapshot's totals, and sums of the lots' own Greeks."""

    def build(book: Book) -> dict[str, Any]:
        row_set = book.row_set("portfolio_snapshots", asked.as_of)
        found = rows_together(book.connection, queries.greeks(book.portfolio.id, row_set.session))
        if not found["book"]:
            raise not_materialized(row_set.table, row_set.session)
        totals, lots = found["book"][0], found["lots"]
        status, reason, coverage = totals.pop("status"), totals.pop("reason"), totals["delta_coverage"]
        if coverage is not None and coverage < 1.0 and status in ("ok", "stale"):
            status, reason = "partial", "missing_greeks"
        return {
            "portfolio_id": book.portfolio.id,
            "session": row_set.session,
            "portfolio": totals,
            "by_underlying": greeks.by_underlying(lots),
            "by_expiry": greeks.by_expiry(lots),
            "missing": greeks.without_delta(lots),
            "meta": meta_of(row_set, coverage, status, reason),
        }

    return door.answer_for(asked.portfolio_id, build)


class OfGrid(OfPortfolio, Paged):
    """Which points of the grid."""

    variable: Annotated[Literal["market", "rates"] | None, Field(description="What moves alone")] = None


@router.get(
    "/scenarios",
    response_model=AnalyticCollection[MarketScenario],
    summary="Gains along a grid of the market and of rates",
    responses=problems(404),
)
def read_market_scenarios(door: Door, asked: Annotated[OfGrid, Query()]) -> Response:
    """The market ±5, 10 and 20 %, and the 10-year with the curve ±25 to 300 bp, each alone: options repriced in full."""

    def build(book: Book) -> dict[str, Any]:
        row_set = book.row_set("market_scenarios", asked.as_of)
        rows = book.rows(queries.grid(GRID, book.portfolio.id, row_set.session))
        coverage = min((row["coverage"] for row in rows if row["coverage"] is not None), default=None)
        rows = [row for row in rows if asked.variable in (None, row["variable"])]
        return listed(rows, asked, meta_of(row_set, coverage))

    return door.answer_for(asked.portfolio_id, build)
