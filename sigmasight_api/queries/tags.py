"""A user's tags with how often they are used."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from sigmasight_assets.store.tables import lot_tags, lots, tags

N_POSITIONS = func.count(lots.c.id)
SORTABLE: Mapping[str, ColumnElement[Any]] = {"name": tags.c.name_key, "n_positions": N_POSITIONS}


def tags_of(owner_id: uuid.UUID) -> Select[Any]:
    source = tags.outerjoin(lot_tags, lot_tags.c.tag_id == tags.c.id).outerjoin(lots, lots.c.id == lot_tags.c.lot_id)
    columns = (tags.c.id, tags.c.name, N_POSITIONS.label("n_positions"), func.count(lots.c.portfolio_id.distinct()).label("n_portfolios"))
    query = select(*columns).select_from(source).where(tags.c.owner_id == owner_id)
    return query.group_by(tags.c.id, tags.c.name, tags.c.name_key)
