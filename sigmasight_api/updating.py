"""After a write: what will bring the numbers up to date."""

from __future__ import annotations

from datetime import date
from typing import Any

from sigmasight_api.access import Caller
from sigmasight_assets.settings import SAMPLE_BOOK_START


def bring_up_to_date(caller: Caller, first_session: date | None) -> dict[str, Any]:
    """Say from which session on numbers are old, in the transaction of the write that made them so.

    Parameters
    ----------
    first_session : date or None
        The first affected session as `ledger_changes` has it; None where the write changes no number.
    """
    if first_session is None:
        return {"operation": None, "stale_from": None}
    settings = caller.service.settings
    start = settings.book_start or (SAMPLE_BOOK_START if settings.provider == "sample" else None)
    return {"operation": None, "stale_from": first_session if start is None else max(first_session, start)}
