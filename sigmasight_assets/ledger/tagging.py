"""Tags of an owner, and which lots carry them: unique whatever their case, at most 100 an owner and 20 a lot."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, func, insert, select, update

from sigmasight_assets.errors import LedgerConflict, LedgerRefused, NotFound
from sigmasight_assets.ledger.changes import record_change
from sigmasight_assets.ledger.csv_fields import LONGEST_TAG, TAGS_PER_LOT, is_tag
from sigmasight_assets.ledger.event_sessions import event_session
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.tables import lot_tags, lots, portfolios, tags

FACET = "tags"
MAX_TAGS = 100
"""Of one owner."""


@dataclass(frozen=True)
class Tag:
    """A tag of an owner."""

    id: uuid.UUID
    name: str


def checked_tag(name: str) -> str:
    """A tag's name; `LedgerRefused` for a text that is none."""
    text = name.strip()
    if not is_tag(text):
        raise LedgerRefused(
            f"Expected a tag of letters, digits and underscores, at most {LONGEST_TAG} (strategy tags strategy:name), was {text[:60]!r}."
        )
    return text


def create_tag(connection: Connection, owner_id: uuid.UUID, name: str) -> Tag:
    """A tag that no lot carries yet.

    Raises
    ------
    LedgerRefused, LedgerConflict
        For a text that is none, a name that the owner has in any case, and the 101st.
    """
    text = checked_tag(name)
    _require_free(connection, owner_id, text)
    return Tag(_ensured(connection, owner_id, [text])[text.lower()], text)


def rename_tag(connection: Connection, owner_id: uuid.UUID, tag_id: uuid.UUID, name: str) -> Tag:
    """Another name for a tag, on all lots that carry it; `NotFound` for a tag that is not the owner's."""
    text = checked_tag(name)
    require_tag(connection, owner_id, tag_id)
    _require_free(connection, owner_id, text, tag_id)
    connection.execute(update(tags).where(tags.c.id == tag_id).values(name=text, name_key=text.lower()))
    return Tag(tag_id, text)


def delete_tag(connection: Connection, owner_id: uuid.UUID, tag_id: uuid.UUID) -> tuple[Tag, list[uuid.UUID]]:
    """Take a tag from all lots; the tag, and those lots."""
    tag = require_tag(connection, owner_id, tag_id)
    carriers = lots_with(connection, tag_id)
    connection.execute(delete(tags).where(tags.c.id == tag_id))
    return tag, carriers


def lots_with(connection: Connection, tag_id: uuid.UUID) -> list[uuid.UUID]:
    """The lots that carry a tag."""
    return list(connection.execute(select(lot_tags.c.lot_id).where(lot_tags.c.tag_id == tag_id)).scalars())


def record_tagging(connection: Connection, lot_ids: Collection[uuid.UUID], calendar: SessionCalendar, what: str) -> dict[uuid.UUID, date]:
    """Note that the tags of lots are others; portfolio -> the first session of any of its lots among them."""
    query = select(lots.c.portfolio_id, portfolios.c.cash_as_of, func.min(lots.c.entry_date).label("entry_date"))
    query = query.join(portfolios, portfolios.c.id == lots.c.portfolio_id).where(lots.c.id.in_(list(lot_ids)))
    first: dict[uuid.UUID, date] = {}
    for row in connection.execute(query.group_by(lots.c.portfolio_id, portfolios.c.cash_as_of).order_by(lots.c.portfolio_id)):
        first[row.portfolio_id] = event_session(row.entry_date, row.cash_as_of, calendar)
        record_change(connection, row.portfolio_id, first[row.portfolio_id], what, facet=FACET)
    return first


def require_tag(connection: Connection, owner_id: uuid.UUID, tag_id: uuid.UUID) -> Tag:
    row = connection.execute(select(tags.c.id, tags.c.name).where(tags.c.id == tag_id, tags.c.owner_id == owner_id)).first()
    if row is None:
        raise NotFound(f"There is no tag {tag_id}.")
    return Tag(row.id, row.name)


def _require_free(connection: Connection, owner_id: uuid.UUID, name: str, but: uuid.UUID | None = None) -> None:
    taken = select(tags.c.id, tags.c.name).where(tags.c.owner_id == owner_id, tags.c.name_key == name.lower())
    row = connection.execute(taken).first()
    if row is not None and row.id != but:
        raise LedgerConflict(f"You have the tag {row.name!r} already: names differ by more than their case.")


def tags_of_lots(connection: Connection, lot_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Lot -> names of its tags, in alphabetical order; lots without tags are left out."""
    pairs = select(lot_tags.c.lot_id, tags.c.name).join(tags, tags.c.id == lot_tags.c.tag_id).where(lot_tags.c.lot_id.in_(list(lot_ids)))
    named: dict[uuid.UUID, list[str]] = {}
    for lot_id, name in connection.execute(pairs.order_by(tags.c.name_key)):
        named.setdefault(lot_id, []).append(name)
    return named


def give_tags(connection: Connection, owner_id: uuid.UUID, named: Sequence[tuple[uuid.UUID, Sequence[str]]]) -> None:
    """Give lots without these tags their tags; a tag that the owner lacks is made, one that differs only in case is taken."""
    known = _ensured(connection, owner_id, [name for _, names in named for name in names])
    pairs = {(lot_id, known[name.lower()]) for lot_id, names in named for name in names}
    if pairs:
        connection.execute(insert(lot_tags), [{"lot_id": lot_id, "tag_id": tag_id} for lot_id, tag_id in sorted(pairs)])


def set_tags(connection: Connection, owner_id: uuid.UUID, wanted: Mapping[uuid.UUID, Sequence[str]]) -> list[uuid.UUID]:
    """Make the tags of lots what is wanted, as they are or in another case; the lots whose tags are others then.

    Raises
    ------
    LedgerRefused
        For more than 20 tags on a lot, or more than 100 of the owner; nothing is written then.
    """
    held = tags_of_lots(connection, wanted)
    changed: list[tuple[uuid.UUID, list[str]]] = []
    for lot_id, names in wanted.items():
        distinct = {name.lower(): name for name in reversed([checked_tag(name) for name in names])}
        if len(distinct) > TAGS_PER_LOT:
            raise LedgerRefused(f"The position {lot_id} would have {len(distinct)} tags: expected at most {TAGS_PER_LOT}.")
        if distinct.keys() != {name.lower() for name in held.get(lot_id, [])}:
            changed.append((lot_id, list(distinct.values())))
    if changed:
        connection.execute(delete(lot_tags).where(lot_tags.c.lot_id.in_([lot_id for lot_id, _ in changed])))
        give_tags(connection, owner_id, changed)
    return [lot_id for lot_id, _ in changed]


def _ensured(connection: Connection, owner_id: uuid.UUID, wanted: Iterable[str]) -> dict[str, uuid.UUID]:
    """Lower-case name -> id of the owner's tags, the wanted ones among them."""
    names: dict[str, str] = {}
    for name in wanted:
        names.setdefault(name.lower(), name)
    if not names:
        return {}
    rows = connection.execute(select(tags.c.name_key, tags.c.id).where(tags.c.owner_id == owner_id))
    known: dict[str, uuid.UUID] = {row.name_key: row.id for row in rows}
    if len(known.keys() | names.keys()) > MAX_TAGS:
        raise LedgerRefused(f"The owner would have {len(known.keys() | names.keys())} tags: expected at most {MAX_TAGS}. Reuse tags.")
    new = [{"id": uuid.uuid4(), "owner_id": owner_id, "name": names[key], "name_key": key} for key in sorted(names.keys() - known.keys())]
    if new:
        connection.execute(insert(tags), new)
    return known | {str(tag["name_key"]): uuid.UUID(str(tag["id"])) for tag in new}
