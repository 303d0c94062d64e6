"""After a write: what will bring the numbers up to date."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from sigmasight_api.access import Book, Caller
from sigmasight_api.operations.asking import bring_up_to_date as ask
from sigmasight_assets.settings import SAMPLE_BOOK_START


def bring_up_to_date(caller: Caller, first_session: date | None, portfolio_id: uuid.UUID | None = None) -> dict[str, Any]:
    """Queue what brings a book's numbers up to date, in the transaction of the write that made them old; how the answer says so.

    Parameters
    ----------
    first_session : date or None
        The first affected session as `ledger_changes` has it; None where the write changes no number.
    portfolio_id : UUID, optional
        The book, where the caller did not come with it.
    """
    if first_session is None:
        return {"operation": None, "stale_from": None}
    book = caller.portfolio.id if isinstance(caller, Book) else portfolio_id
    operation = None if book is None else str(ask(caller, book, first_session))
    settings = caller.service.settings
    start = settings.book_start or (SAMPLE_BOOK_START if settings.provider == "sample" else None)
    return {"operation": operation, "stale_from": first_session if start is None else max(first_session, start)}


def bring_all_up_to_date(caller: Caller, first_sessions: Mapping[uuid.UUID, date]) -> dict[str, Any]:
    """The same for several of the caller's books, each from its first affected session."""
    asked = [bring_up_to_date(caller, first, portfolio_id) for portfolio_id, first in first_sessions.items()]
    return {"operations": [one["operation"] for one in asked], "stale_from": min((one["stale_from"] for one in asked), default=None)}
