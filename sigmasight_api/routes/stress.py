"""Stress tests: scenarios, and what they do to a book."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from sigmasight_api import stress_items
from sigmasight_api.access import Book, Caller, Door
from sigmasight_api.answers import Paged, meta_of, problems
from sigmasight_api.listing import Sorted, listed, sorted_rows
from sigmasight_api.models.base import AsOfDate
from sigmasight_api.models.stress import PARTS, Scenarios, StressResult, StressResults
from sigmasight_api.queries import stress as queries
from sigmasight_api.queries.together import rows_together
from sigmasight_api.routes.paths import PortfolioId
from sigmasight_assets.calculations.packing import positions_key
from sigmasight_assets.scenarios.parse import scenario_of
from sigmasight_assets.scenarios.shipped import shipped_scenarios

Category = Literal["market", "rates", "rotation", "volatility", "historical", "custom"]
Severity = Literal["mild", "moderate", "severe", "extreme"]
SORTABLE = ("scenario_id", "mode", "severity", "category", "pnl", "pnl_share", "pnl_linear", "mahalanobis")
ADDED = ("name", "scope", "moves", "by_factor", "by_asset_class", "by_position")
COLUMNS = [*(name for name in StressResult.model_fields if name not in ADDED), *PARTS, "position_pnl", "positions_key"]

router = APIRouter(prefix="/risk/stress-testing", tags=["Risk"])


class OfScenarios(Paged):
    """Which scenarios."""

    scope: Annotated[Literal["shipped", "own"] | None, Field(description="Shipped with the product, or the caller's own")] = None
    category: Annotated[Category | None, Field(description="Kind of scenario")] = None
    severity: Annotated[Severity | None, Field(description="The author's label")] = None


@router.get("/scenarios", response_model=Scenarios, summary="Scenarios: shipped, then the caller's own", responses=problems())
def list_scenarios(door: Door, asked: Annotated[OfScenarios, Query()]) -> Response:
    """As they are defined; `/risk/stress-testing/results` says what each meant on a session."""
    return door.answer(lambda caller: _scenarios(caller, asked))


def _scenarios(caller: Caller, asked: OfScenarios) -> dict[str, Any]:
    own = [] if asked.scope == "shipped" else caller.rows(queries.own_scenarios(caller.user.id))
    items = [] if asked.scope == "own" else [stress_items.scenario_item(scenario) for scenario in shipped_scenarios()]
    for row in own:
        scenario = scenario_of(row["definition"], "a stored scenario")
        items.append(stress_items.scenario_item(scenario, row["first_session"], row["created_at"]))
    chosen = [one for one in items if asked.category in (None, one["category"]) and asked.severity in (None, one["severity"])]
    return {**listed(chosen, asked, {}), "severity_bands": stress_items.bands()}


class OfResults(Sorted):
    """Which results, in which order."""

    as_of: AsOfDate = None
    scenario_id: Annotated[str | None, Field(max_length=48, description="One scenario")] = None
    mode: Annotated[Literal["direct", "correlated"] | None, Field(description="One mode")] = None
    category: Annotated[Category | None, Field(description="Kind of scenario")] = None
    severity: Annotated[Severity | None, Field(description="The author's label")] = None
    impact_band: Annotated[Severity | None, Field(description="Band of the loss")] = None
    positions: Annotated[bool, Field(description="Whether each item says what every lot gains")] = True
    sort: Annotated[str | None, Field(description=f"Out of {', '.join(SORTABLE)}; `-` before a descending one", max_length=200)] = None


@router.get("/results/{portfolio_id}", response_model=StressResults, summary="Stored stress results of a book", responses=problems(404))
def read_stress_results(door: Door, portfolio_id: PortfolioId, asked: Annotated[OfResults, Query()]) -> Response:
    """Every scenario, direct and correlated: gains by factor, by asset class and by position, with the moves behind them."""
    return door.answer_for(portfolio_id, lambda book: _results(book, asked))


def _results(book: Book, asked: OfResults) -> dict[str, Any]:
    row_set = book.row_set("stress_results", asked.as_of)
    found = rows_together(book.connection, queries.results(COLUMNS, book.portfolio.id, book.portfolio.owner_id, row_set.session))
    rows = sorted(found["results"], key=lambda row: (row["scenario_id"], row["mode"]))
    coverage = min((row["coverage"] for row in rows if row["coverage"] is not None), default=None)
    filters = ("scenario_id", "mode", "category", "severity", "impact_band")
    rows = [row for row in rows if all(getattr(asked, name) in (None, row[name]) for name in filters)]
    page = listed(sorted_rows(rows, asked.sort, SORTABLE), asked, meta_of(row_set, coverage))
    lots = _lots(found["lots"], rows[0]["positions_key"]) if rows and asked.positions else None
    return {**page, "items": [stress_items.result_item(row, lots) for row in page["items"]]}


def _lots(lots: list[dict[str, Any]], key: str) -> list[dict[str, Any]] | None:
    """The lots of the packed gains, in their order; None where these are of other lots than the stored positions."""
    ordered = sorted(lots, key=lambda lot: lot["lot_id"].int)
    return ordered if positions_key([lot["lot_id"] for lot in ordered]) == key else None
