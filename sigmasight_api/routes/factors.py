"""Factor exposures, under two names, and what the factors are."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from sigmasight_api import factor_words
from sigmasight_api.access import Book, Caller, Door
from sigmasight_api.answers import AsOf, OfPortfolio, meta_of, problems
from sigmasight_api.errors import not_materialized
from sigmasight_api.listing import Sorted, listed, sorted_rows
from sigmasight_api.models.base import AsOfDate
from sigmasight_api.models.factors import FactorDefinitions, FactorExposure, FactorExposures, FactorPositions, FactorRisk
from sigmasight_api.queries import factors as queries
from sigmasight_api.queries.together import rows_together
from sigmasight_api.routes.paths import PortfolioId
from sigmasight_assets.engines.factor_windows import FULL_HISTORY, MIN_OBSERVATIONS, WINDOW

BOOK, EXPOSURES = list(map(str, FactorRisk.model_fields)), list(map(str, FactorExposure.model_fields))
SORTABLE = ("symbol", "underlying", "delta_dollars", "uncovered_dollars", "volatility_contribution")

router = APIRouter()


class Positions(Sorted):
    """Which lots, in which order."""

    as_of: AsOfDate = None
    underlying: Annotated[str | None, Field(max_length=64, description="Lots of this underlying alone")] = None
    is_covered: Annotated[bool | None, Field(description="Lots with betas alone, or those without")] = None
    sort: Annotated[str | None, Field(description=f"Out of {', '.join(SORTABLE)}; `-` before a descending one", max_length=200)] = None


class PositionsOfPortfolio(Positions, OfPortfolio):
    """Which portfolio's lots."""


@router.get("/risk/factors", response_model=FactorExposures, tags=["Risk"], summary="Factor exposures of the book", responses=problems(404))
def read_risk_factors(door: Door, asked: Annotated[OfPortfolio, Query()]) -> Response:
    """Long, short and net, in dollars and over NAV, each with its standard error; market beta and predicted volatility beside them."""
    return door.answer_for(asked.portfolio_id, lambda book: _exposures(book, asked.as_of))


@router.get(
    "/risk/factors/positions", response_model=FactorPositions, tags=["Risk"], summary="Factor exposures lot by lot", responses=problems(404)
)
def read_risk_factor_positions(door: Door, asked: Annotated[PositionsOfPortfolio, Query()]) -> Response:
    """Each open lot's dollars by factor with standard errors, its underlying's fit, and its part of the predicted volatility."""
    return door.answer_for(asked.portfolio_id, lambda book: _positions(book, asked))


@router.get(
    "/factors/definitions", response_model=FactorDefinitions, tags=["Factors"], summary="What the factors are", responses=problems(404)
)
def read_factor_definitions(door: Door, asked: Annotated[AsOf, Query()]) -> Response:
    """The seven factors with their proxies, the rates surprise, and configured macro series."""
    return door.answer(lambda caller: _definitions(caller, asked.as_of))


@router.get(
    "/factors/exposures/{portfolio_id}",
    response_model=FactorExposures,
    tags=["Factors"],
    summary="Factor exposures of one portfolio",
    responses=problems(404),
)
def read_factor_exposures(door: Door, portfolio_id: PortfolioId, asked: Annotated[AsOf, Query()]) -> Response:
    """The same as `/risk/factors`."""
    return door.answer_for(portfolio_id, lambda book: _exposures(book, asked.as_of))


@router.get(
    "/factors/exposures/{portfolio_id}/positions",
    response_model=FactorPositions,
    tags=["Factors"],
    summary="Factor exposures of one portfolio, lot by lot",
    responses=problems(404),
)
def read_factor_exposure_positions(door: Door, portfolio_id: PortfolioId, asked: Annotated[Positions, Query()]) -> Response:
    """The same as `/risk/factors/positions`."""
    return door.answer_for(portfolio_id, lambda book: _positions(book, asked))


def _exposures(book: Book, as_of: date | None) -> dict[str, Any]:
    row_set = book.row_set("factor_exposures", as_of)
    found = rows_together(book.connection, queries.exposures(BOOK, EXPOSURES, book.portfolio.id, row_set.session))
    risk = found["book"][0] if found["book"] else None
    return {
        "portfolio_id": book.portfolio.id,
        "session": row_set.session,
        "book": risk,
        "factors": factor_words.in_order(found["factors"]),
        "meta": meta_of(row_set, None if risk is None else risk["coverage"]),
    }


def _positions(book: Book, asked: Positions) -> dict[str, Any]:
    row_set = book.row_set("portfolio_factor_risk", asked.as_of)
    found = rows_together(book.connection, queries.positions(book.portfolio.id, row_set.session))
    if not found["risk"]:
        raise not_materialized(row_set.table, row_set.session)
    row = found["risk"][0]
    lots = [
        lot
        for lot in lots_of(row, found["fits"])
        if asked.underlying in (None, lot["underlying"]) and asked.is_covered in (None, lot["is_covered"])
    ]
    meta = meta_of(row_set, row["coverage"], row["status"], row["reason"])
    return listed(sorted_rows(lots, asked.sort, SORTABLE), asked, meta)


def lots_of(row: dict[str, Any], fits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lots packed in a row of `portfolio_factor_risk` as named items, with the fits of their underlyings."""
    fit_of = {(fit["symbol"], fit["factor"]): fit for fit in fits}
    none = dict.fromkeys(queries.FIT)
    items = []
    for i, lot_id in enumerate(row["lot_ids"]):
        name, reason = row["underlyings"][i], row["uncovered_reasons"][i]
        fitted = None if reason == "private_asset" else name  # which may be called like a listed security
        by_factor = [
            {
                "factor": factor,
                "dollars": row["dollars"][i][k],
                "std_error_dollars": row["std_errors"][i][k],
                **{key: fit_of.get((fitted, factor), none)[key] for key in queries.FIT},
            }
            for k, factor in enumerate(row["factors"])
        ]
        items.append(
            {
                "lot_id": uuid.UUID(lot_id),
                "symbol": row["symbols"][i],
                "underlying": name,
                "delta_dollars": row["delta_dollars"][i],
                "is_covered": reason is None,
                "uncovered_reason": reason,
                "uncovered_dollars": row["uncovered_dollars"][i],
                "volatility_contribution": row["volatility_contributions"][i],
                "factors": by_factor,
            }
        )
    return items


def _definitions(caller: Caller, as_of: date | None) -> dict[str, Any]:
    provenance = caller.market()
    row_set, model = provenance.latest("factor_returns", as_of), provenance.latest("factor_loadings", as_of)
    if row_set is None or row_set.session is None:
        raise not_materialized("factor_returns", as_of or provenance.last_market_session)
    model_session = None if model is None else model.session
    found = rows_together(caller.connection, queries.definitions(row_set.session, model_session, factor_words.LOADINGS))
    loadings = {row["factor"]: row for row in found["loadings"]}
    whole = next(iter(found["loadings"]), dict.fromkeys(factor_words.OF_ALL))
    return {
        "session": row_set.session,
        "model_session": model_session,
        "window": WINDOW,
        "min_observations": MIN_OBSERVATIONS,
        "full_history": FULL_HISTORY,
        **{name: whole[name] for name in factor_words.OF_ALL},
        "factors": factor_words.defined(found["series"], loadings),
        "meta": meta_of(row_set),
    }
