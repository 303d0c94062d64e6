"""Positions: every lot of a book with its values of a session, one lot, and sums by group."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from sigmasight_api.access import Book, Door
from sigmasight_api.answers import AsOf, OfPortfolio, Paged, collection, ordered, problems
from sigmasight_api.models.base import AnalyticCollection
from sigmasight_api.models.positions import (
    TOTALS,
    GroupedPositions,
    Grouping,
    Position,
    PositionFilters,
    PositionTags,
    SinglePosition,
)
from sigmasight_api.position_rows import closing, groups_of, lot_facts, position, tag_facts, tag_names
from sigmasight_api.queries import positions as queries
from sigmasight_api.queries.paging import page_of
from sigmasight_api.versions import Versioned, version_of
from sigmasight_assets.store.tables import lots

router = APIRouter(prefix="/positions", tags=["Positions"])

PositionId = Annotated[uuid.UUID, Path(alias="id", description="`lot_id` of a position")]


class Grouped(OfPortfolio):
    """Which book, and by what."""

    by: Annotated[Grouping, Field(description="What makes a group")] = "type"


@router.get("", response_model=AnalyticCollection[Position], summary="Lots of a book", responses=problems(404))
def list_positions(door: Door, asked: Annotated[PositionFilters, Query()]) -> Response:
    """One row per lot that is open at the close of the session, with its stored values; the largest first.

    A lot that was written after the session was computed is there at once, without values and with the reason `not_computed`.
    """

    def build(book: Book) -> dict[str, Any]:
        close, meta = closing(book, asked.as_of)
        query = queries.lots_at(book.portfolio.id, close).where(
            *queries.chosen(
                types=asked.type,
                symbols=asked.symbol,
                underlyings=asked.underlying,
                sectors=asked.sector,
                strategies=asked.strategy,
                tag_names=asked.tags,
                every_tag=asked.tag_mode == "all",
                min_value=asked.min_value,
            )
        )
        if asked.state != "all":
            query = query.where(queries.state_at(close) == asked.state)
        page = Paged(limit=asked.limit, offset=asked.offset)
        rows, total = page_of(book, query.order_by(*ordered(asked.sort, queries.SORTABLE, queries.BY_SIZE)), page)
        return collection([position(row, close.session) for row in rows], page, meta, total)

    return door.answer_for(asked.portfolio_id, build)


@router.get("/grouped", response_model=GroupedPositions, summary="Sums of a book by group", responses=problems(404))
def group_positions(door: Door, asked: Annotated[Grouped, Query()]) -> Response:
    """Exposures, Greeks and the day's gain by type, strategy, tag, sector or underlying, beside the snapshot of the whole book.

    The gain of lots that ended on the session counts in their groups. By tag and by strategy a lot with two names counts under both.
    """

    def build(book: Book) -> dict[str, Any]:
        close, meta = closing(book, asked.as_of)
        rows = book.rows(queries.book_at(book.portfolio.id, close, TOTALS))
        whole = {name: rows[0][queries.TOTAL + name] for name in TOTALS}
        lots = [row for row in rows if row["lot_id"] is not None]
        return {
            "by": asked.by,
            "overlapping": asked.by in ("tag", "strategy"),
            "groups": groups_of(lots, asked.by),
            "total": whole if whole["session"] is not None else None,
            "meta": meta,
        }

    return door.answer_for(asked.portfolio_id, build)


@router.get("/{id}", response_model=SinglePosition, summary="One lot", responses=problems(404))
def read_position(door: Door, position_id: PositionId, asked: Annotated[AsOf, Query()]) -> Response:
    """A lot of the ledger, open or not, with its values of the session."""

    def build(book: Book) -> Versioned:
        close, meta = closing(book, asked.as_of)
        row = book.rows(queries.lots_at(book.portfolio.id, close).where(lots.c.id == position_id))[0]
        return Versioned({**position(row, close.session), "meta": meta}, version_of(lot_facts(row)))

    return door.answer_for_lot(position_id, build)


@router.get("/{id}/tags", response_model=PositionTags, summary="The tags of a lot", responses=problems(404))
def read_position_tags(door: Door, position_id: PositionId) -> Response:
    """In alphabetical order."""

    def build(book: Book) -> Versioned:
        names = tag_names(book.rows(queries.tags_of(position_id))[0]["tags"])
        return Versioned({"lot_id": position_id, "tags": names, "meta": {}}, version_of(tag_facts(names)))

    return door.answer_for_lot(position_id, build)
