"""A page of a query with the collection's total, in one query but where the page lies past the end."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from sigmasight_api.access import Caller
from sigmasight_api.answers import Paged

_TOTAL = func.count().over().label("total_rows")
"""Rows of the whole collection, beside each row of a page."""


def page_of(caller: Caller, query: Select[Any], page: Paged) -> tuple[list[dict[str, Any]], int]:
    """Rows of the page, and how many the collection has."""
    rows = caller.rows(query.add_columns(_TOTAL).limit(page.limit).offset(page.offset))
    if rows:
        return [{name: value for name, value in row.items() if name != "total_rows"} for row in rows], rows[0]["total_rows"]
    if not page.offset:
        return [], 0
    return [], caller.connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
