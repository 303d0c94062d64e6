"""Risk of one portfolio on one session."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, Table, select


def of_session(table: Table, columns: Sequence[str], portfolio_id: uuid.UUID, session: date) -> Select[Any]:
    """Columns of a table's rows of one portfolio and session."""
    return select(*(table.c[name] for name in columns)).where(table.c.session == session, table.c.portfolio_id == portfolio_id)
