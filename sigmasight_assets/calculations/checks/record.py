"""What every check said last, kept beside the rows that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, insert

from sigmasight_assets.calculations.checks.outcome import Outcome
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import lock_for_writing
from sigmasight_assets.store.lineage import UNDATED
from sigmasight_assets.store.tables import check_results


def record_outcome(shop: Workshop, table: str, check: str, outcome: Outcome, sessions: Sequence[date]) -> None:
    """Keep an outcome in the place of the last one of the same check."""
    is_dated = table not in UNDATED and bool(sessions)
    row = {
        "table_name": table,
        "check_name": check,
        "passed": outcome.passed,
        "detail": outcome.detail or None,
        "actual": outcome.actual,
        "threshold": outcome.threshold,
        "first_session": min(sessions) if is_dated else None,
        "last_session": max(sessions) if is_dated else None,
        "run_id": shop.run_id,
        "checked_at": utc_now(),
    }
    c = check_results.c
    with shop.database.write() as connection:
        lock_for_writing(connection, check_results.name)
        connection.execute(delete(check_results).where(c.table_name == table, c.check_name == check))
        connection.execute(insert(check_results), row)
