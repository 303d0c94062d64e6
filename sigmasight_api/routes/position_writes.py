"""Lots added, corrected, closed and deleted, and their tags set."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from sigmasight_api.access import Book, Door
from sigmasight_api.answers import problems
from sigmasight_api.errors import invalid
from sigmasight_api.ledger_rows import lot_row
from sigmasight_api.models import position_writes as models
from sigmasight_api.models.decimals import ExactRoute
from sigmasight_api.position_rows import lot_facts, tag_facts, tag_names
from sigmasight_api.queries import positions as queries
from sigmasight_api.routes.positions import PositionId
from sigmasight_api.updating import bring_up_to_date
from sigmasight_api.versions import IfMatch, require_version, tag_of
from sigmasight_assets.ledger import lot_changes
from sigmasight_assets.ledger.importing import HeldLot
from sigmasight_assets.ledger.tagging import record_tagging, set_tags

router = APIRouter(prefix="/positions", tags=["Positions"], route_class=ExactRoute)


@router.post("", response_model=models.WrittenPosition, status_code=201, summary="Add a lot", responses=problems(404))
def create_position(door: Door, body: models.NewPosition, response: Response) -> dict[str, Any]:
    """It is listed at once; its numbers follow."""
    with door.writing_to(body.portfolio_id) as book:
        facts = body.model_dump(exclude={"portfolio_id"})
        row, warnings = lot_row(book, facts, book.portfolio.cash_as_of)
        added = lot_changes.add_lot(book.connection, book.portfolio, row, book.service.calendar)
        lot_id = added.lot_ids[0]
        book.record("position.create", f"position:{lot_id}", f"{row.quantity} {row.symbol} at {row.entry_price}")
        lot = _lot(book, lot_id)
        operation = bring_up_to_date(book, added.first_session)
    response.headers["ETag"] = tag_of(lot_facts(lot))
    response.headers["Location"] = f"/api/v1/positions/{lot_id}"
    return {"position": lot, "warnings": warnings, **operation}


@router.patch("/{id}", response_model=models.WrittenPosition, summary="Correct a lot", responses=problems(404, 412))
def update_position(
    door: Door, position_id: PositionId, body: models.PositionChange, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Its quantity, entry or exit. Another symbol is another lot."""
    with door.writing_to_lot(position_id) as book:
        held = _held(book, position_id, if_match)
        for name in ("quantity", "entry_price", "entry_date"):
            if name in body.model_fields_set and getattr(body, name) is None:
                raise invalid(("body", name), "expected a value, or the field left out")
        row, warnings = lot_row(book, {**_stated(held), **body.model_dump(exclude_unset=True)}, book.portfolio.cash_as_of)
        first = lot_changes.change_lot(book.connection, book.portfolio, held, row, book.service.calendar)
        changed = ", ".join(f"{name} {getattr(held, name)} to {getattr(row, name)}" for name in sorted(body.model_fields_set))
        book.record("position.update", f"position:{position_id}", changed)
        lot = _lot(book, position_id)
        operation = bring_up_to_date(book, first)
    response.headers["ETag"] = tag_of(lot_facts(lot))
    return {"position": lot, "warnings": warnings, **operation}


@router.post("/{id}/close", response_model=models.ClosedPosition, summary="Close a lot", responses=problems(404, 409, 412))
def close_position(
    door: Door, position_id: PositionId, body: models.Closing, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """All of it, or a part, which splits the lot: it keeps what is still held, and a new lot has the part and the exit."""
    with door.writing_to_lot(position_id) as book:
        held = _held(book, position_id, if_match)
        stated = {**_stated(held), "exit_date": body.exit_date, "exit_price": body.exit_price}
        row, _ = lot_row(book, stated, book.portfolio.cash_as_of)
        done = lot_changes.close_lot(book.connection, book.portfolio, held, row, body.quantity, book.service.calendar)
        share = "all" if body.quantity is None else f"{body.quantity}"
        book.record("position.close", f"position:{position_id}", f"{share} of {held.symbol} at {body.exit_price} on {body.exit_date}")
        closed = _lot(book, done.lot_id)
        remaining = None if done.remaining_id is None else _lot(book, done.remaining_id)
        operation = bring_up_to_date(book, done.first_session)
    response.headers["ETag"] = tag_of(lot_facts(remaining or closed))
    return {"closed": closed, "remaining": remaining, **operation}


@router.delete("/{id}", response_model=models.DeletedPosition, summary="Delete a lot", responses=problems(404, 412))
def remove_position(door: Door, position_id: PositionId, if_match: IfMatch = None) -> dict[str, Any]:
    """As though it had never been held; what was sold is closed instead."""
    with door.writing_to_lot(position_id) as book:
        held = _held(book, position_id, if_match)
        done = lot_changes.delete_lot(book.connection, book.portfolio, held, book.service.calendar)
        book.record("position.delete", f"position:{position_id}", f"{held.quantity} {held.symbol} of {held.entry_date}")
        return {"lot_id": position_id, **bring_up_to_date(book, done.first_session)}


@router.put("/{id}/tags", response_model=models.SetTags, summary="Set the tags of a lot", responses=problems(404, 412))
def set_position_tags(
    door: Door, position_id: PositionId, body: models.TagSet, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """These and no others. A cluster of correlated names may be called by a tag: those names are old after it, and no number."""
    with door.writing_to_lot(position_id) as book:
        lot_changes.require_lot(book.connection, book.portfolio, position_id)
        require_version(if_match, tag_facts(tag_names(book.rows(queries.tags_of(position_id))[0]["tags"])), "position's tags")
        changed = set_tags(book.connection, book.user.id, {position_id: body.tags})
        if changed:
            book.record("position.tag", f"position:{position_id}", ", ".join(body.tags))
        first = record_tagging(book.connection, changed, book.service.calendar, f"tags of {len(changed)} lots").get(book.portfolio.id)
        updating = bring_up_to_date(book, first)
        names = tag_names(book.rows(queries.tags_of(position_id))[0]["tags"])
    response.headers["ETag"] = tag_of(tag_facts(names))
    return {"lot_id": position_id, "tags": names, "meta": {}, **updating}


def _held(book: Book, lot_id: uuid.UUID, if_match: str | None) -> HeldLot:
    """A lot as it stands, of the version that the client read."""
    held = lot_changes.require_lot(book.connection, book.portfolio, lot_id)
    require_version(if_match, lot_facts(_lot(book, lot_id)), "position")
    return held


def _stated(held: HeldLot) -> Mapping[str, Any]:
    """A lot's facts as a body would state them."""
    names = ("symbol", "asset_class", "quantity", "entry_price", "entry_date", "exit_date", "exit_price")
    return {name: getattr(held, name) for name in names}


def _lot(book: Book, lot_id: uuid.UUID) -> dict[str, Any]:
    row = book.rows(queries.ledger_lot(book.portfolio.id, lot_id))[0]
    return {**row, "tags": tag_names(row["tags"])}
