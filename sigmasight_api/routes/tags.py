"""Tags of the caller, and strategies: positions that share a strategy tag."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from sigmasight_api.access import Book, Caller, Door
from sigmasight_api.answers import OfPortfolio, Paged, collection, ordered, problems
from sigmasight_api.models.base import AnalyticCollection, Collection
from sigmasight_api.models.strategies import Strategy
from sigmasight_api.models.tags import Tag
from sigmasight_api.position_rows import closing
from sigmasight_api.queries import positions as positions_queries
from sigmasight_api.queries import tags as queries
from sigmasight_api.queries.paging import page_of
from sigmasight_api.strategy_rows import strategies

router = APIRouter(tags=["Tags and strategies"])


class TagListing(Paged):
    """Which page of the caller's tags."""

    sort: Annotated[str | None, Field(max_length=200, description="name, n_positions; - before a falling one")] = None


class StrategyListing(OfPortfolio, Paged):
    """Which book's strategies."""


@router.get("/tags", response_model=Collection[Tag], summary="The caller's tags", responses=problems())
def list_tags(door: Door, asked: Annotated[TagListing, Query()]) -> Response:
    """In alphabetical order, with how many positions carry each."""

    def build(caller: Caller) -> dict[str, Any]:
        order = ordered(asked.sort, queries.SORTABLE, [queries.SORTABLE["name"]])
        rows, total = page_of(caller, queries.tags_of(caller.user.id).order_by(*order), asked)
        return collection(rows, asked, {}, total)

    return door.answer(build)


@router.get("/strategies", response_model=AnalyticCollection[Strategy], summary="Strategies of a book", responses=problems(404))
def list_strategies(door: Door, asked: Annotated[StrategyListing, Query()]) -> Response:
    """Open positions by strategy tag (`strategy:name`), in alphabetical order.

    Each with its exposures, the day's gain, its Greeks and the structure that its legs are. Options without shares among them are covered
    by shares of the book that are in no strategy.
    """

    def build(book: Book) -> dict[str, Any]:
        close, meta = closing(book, asked.as_of)
        found = strategies(book.rows(positions_queries.held_at(book.portfolio.id, close)))
        return collection(found[asked.offset : asked.offset + asked.limit], asked, meta, len(found))

    return door.answer_for(asked.portfolio_id, build)
