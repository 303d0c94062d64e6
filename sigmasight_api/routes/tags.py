"""Tags of the caller, and strategies: positions that share a strategy tag."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from sigmasight_api.access import Book, Caller, Door
from sigmasight_api.answers import OfPortfolio, Paged, collection, ordered, problems
from sigmasight_api.errors import not_found
from sigmasight_api.listing import listed
from sigmasight_api.models.base import AnalyticCollection, Collection
from sigmasight_api.models.position_writes import Assigned, Assignment, DeletedTag, NewTag, RenamedTag, TagSuggestion
from sigmasight_api.models.strategies import Strategy
from sigmasight_api.models.tags import Tag
from sigmasight_api.position_rows import closing
from sigmasight_api.queries import positions as positions_queries
from sigmasight_api.queries import tags as queries
from sigmasight_api.queries.paging import page_of
from sigmasight_api.strategy_rows import strategies
from sigmasight_api.tag_suggestions import suggestions
from sigmasight_api.updating import bring_all_up_to_date
from sigmasight_assets.ledger import tagging
from sigmasight_assets.ledger.accounts import LEDGER_LOCK
from sigmasight_assets.store.database import lock_for_writing
from sigmasight_assets.store.tables import tags

router = APIRouter(tags=["Tags and strategies"])

TagId = Annotated[uuid.UUID, Path(alias="id", description="`id` of a tag")]


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


@router.get("/tags/suggestions", response_model=AnalyticCollection[TagSuggestion], summary="Tags that fit", responses=problems(404))
def suggest_tags(door: Door, asked: Annotated[StrategyListing, Query()]) -> Response:
    """By sector, size, volatility and option structure; each says why. `POST /tags/bulk-assign` takes what it gives."""

    def build(book: Book) -> dict[str, Any]:
        close, meta = closing(book, asked.as_of)
        found = suggestions(book.rows(positions_queries.suggestible(book.portfolio.id, close)))
        return listed(found, asked, meta)

    return door.answer_for(asked.portfolio_id, build)


@router.post("/tags", response_model=Tag, status_code=201, summary="Make a tag", responses=problems(409))
def create_tag(door: Door, body: NewTag) -> dict[str, Any]:
    """That no position carries yet."""
    with door.writing() as caller:
        lock_for_writing(caller.connection, LEDGER_LOCK)
        made = tagging.create_tag(caller.connection, caller.user.id, body.name)
        caller.record("tag.create", f"tag:{made.id}", made.name)
    return {"id": made.id, "name": made.name, "n_positions": 0, "n_portfolios": 0}


@router.post("/tags/bulk-assign", response_model=Assigned, summary="Tags for many positions", responses=problems(404))
def assign_tags(door: Door, body: Assignment) -> dict[str, Any]:
    """Added to, and taken off, every one of them, or none."""
    with door.writing() as caller:
        lock_for_writing(caller.connection, LEDGER_LOCK)
        lot_ids = list(dict.fromkeys(body.lot_ids))
        owned = set(caller.connection.execute(positions_queries.owned_lots(caller.user.id, lot_ids)).scalars())
        strangers = [lot_id for lot_id in lot_ids if lot_id not in owned]
        if strangers:
            raise not_found(f"position {strangers[0]}")
        held, taken = tagging.tags_of_lots(caller.connection, lot_ids), {name.lower() for name in body.remove}
        wanted = {lot_id: [*(name for name in held.get(lot_id, []) if name.lower() not in taken), *body.add] for lot_id in lot_ids}
        changed = tagging.set_tags(caller.connection, caller.user.id, wanted)
        updating = _updating(caller, changed, f"tags of {len(changed)} lots")
        caller.record("tag.assign", None, f"{len(lot_ids)} positions: add {', '.join(body.add)}; remove {', '.join(body.remove)}")
        now = tagging.tags_of_lots(caller.connection, lot_ids)
    items = [{"lot_id": lot_id, "tags": now.get(lot_id, [])} for lot_id in lot_ids]
    return {"items": items, "n_changed": len(changed), "updating": updating}


@router.put("/tags/{id}", response_model=RenamedTag, summary="Rename a tag", responses=problems(404, 409))
def rename_tag(door: Door, tag_id: TagId, body: NewTag) -> dict[str, Any]:
    """On every position that carries it."""
    with door.writing() as caller:
        lock_for_writing(caller.connection, LEDGER_LOCK)
        renamed = tagging.rename_tag(caller.connection, caller.user.id, tag_id, body.name)
        updating = _updating(caller, tagging.lots_with(caller.connection, tag_id), f"a tag is {renamed.name} now")
        caller.record("tag.update", f"tag:{tag_id}", body.name)
        return {**caller.rows(queries.tags_of(caller.user.id).where(tags.c.id == tag_id))[0], "updating": updating}


@router.delete("/tags/{id}", response_model=DeletedTag, summary="Delete a tag", responses=problems(404))
def remove_tag(door: Door, tag_id: TagId) -> dict[str, Any]:
    """From every position that carries it."""
    with door.writing() as caller:
        lock_for_writing(caller.connection, LEDGER_LOCK)
        gone, carriers = tagging.delete_tag(caller.connection, caller.user.id, tag_id)
        updating = _updating(caller, carriers, f"no tag {gone.name} any more")
        caller.record("tag.delete", f"tag:{tag_id}", gone.name)
    return {"id": gone.id, "name": gone.name, "n_positions": len(carriers), "updating": updating}


def _updating(caller: Caller, lot_ids: Sequence[uuid.UUID], what: str) -> dict[str, Any]:
    """Clusters of correlated names are called by what the names share, tags among it: the books concerned are brought up to date."""
    first = tagging.record_tagging(caller.connection, lot_ids, caller.service.calendar, what)
    return bring_all_up_to_date(caller, first)


@router.get("/strategies", response_model=AnalyticCollection[Strategy], summary="Strategies of a book", responses=problems(404))
def list_strategies(door: Door, asked: Annotated[StrategyListing, Query()]) -> Response:
    """Open positions by strategy tag (`strategy:name`), in alphabetical order.

    Each with its exposures, the day's gain, its Greeks and the structure that its legs are. Options without shares among them are covered
    by shares of the book that are in no strategy.
    """

    def build(book: Book) -> dict[str, Any]:
        close, meta = closing(book, asked.as_of)
        found = strategies(book.rows(positions_queries.held_at(book.portfolio.id, close)))
        return listed(found, asked, meta)

    return door.answer_for(asked.portfolio_id, build)
