"""What an operation has to run next: as it was asked for, then what that leaves stale."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from sigmasight_api.operations.register import BRING_UP_TO_DATE, Operation
from sigmasight_api.operations.steps import NUMBERS, SUCCEEDED, Step, step_of, step_of_refresh
from sigmasight_assets.calculations.planning import Coverage
from sigmasight_assets.ledger.changes import mark_processed_of
from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.sessions import SessionCalendar, calendar_for, utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO, downstream_of
from sigmasight_assets.store.tables import ledger_changes, materializations

if TYPE_CHECKING:
    import pandas as pd

    from sigmasight_assets.providers.protocol import MarketDataProvider

MOST_STEPS = 40
"""Runs of one operation, with room for corrections that arrive meanwhile."""


class Planner:
    """Plans on one deployment; the provider is opened when it is first needed."""

    def __init__(self, settings: Settings, database: Database, clock: Callable[[], datetime]) -> None:
        self._settings, self._database, self._clock = settings, database, clock
        self._provider: MarketDataProvider | None = None

    @property
    def calendar(self) -> SessionCalendar:
        return calendar_for(self._clock())

    @property
    def coverage(self) -> Coverage:
        """The sessions that can be computed now."""
        if self._provider is None:
            self._provider = provider_from_settings(self._settings.provider, self._settings.data_dir)
        provider = self._provider
        first = self._settings.first_book_session(provider.first_session(), self.calendar)
        return Coverage(self.calendar, provider, provider.last_session(self._clock()), first)

    def next_step(self, operation: Operation) -> Step | None:
        """The next run of an operation that was not planned when it was asked for; None where nothing is left to do."""
        if len(operation.steps) >= MOST_STEPS:
            return None
        if operation.kind == BRING_UP_TO_DATE and not operation.steps:
            operation.steps.extend(self._book_steps(operation))
            if operation.steps:
                return operation.steps[0]
        if not operation.request.get("downstream"):
            return None
        from sigmasight_assets.calculations.refreshing import pending_refreshes  # pandas: not before something is computed

        stale = self._stale(operation)
        found = pending_refreshes(self._database, self.calendar, self.coverage.provider, self.coverage.first_book_session, stale)
        for refresh in found:
            n_sessions = len(self.calendar.between(refresh.first, refresh.last))
            step = step_of_refresh(refresh, n_sessions)
            if not _has_run(operation.steps, step):
                operation.steps.append(step)
                return step
        return None

    def _book_steps(self, operation: Operation) -> list[Step]:
        """Positions and snapshots at once and alone; then all else that is made of the book, with every check.

        Where tags alone have changed, what is called by them: what is stale after it is found by looking.
        """
        assert operation.portfolio_id is not None and operation.first_session is not None
        m = materializations.c
        begin = max(operation.first_session, self.coverage.first_book_session)
        query = select(m.session).where(m.table_name == "prices", m.session >= begin)
        computed = select(func.max(m.session)).where(m.table_name == "portfolio_snapshots")
        c = ledger_changes.c
        waiting = select(c.facet).distinct().where(c.portfolio_id == operation.portfolio_id, c.processed_at.is_(None))
        with self._database.read() as connection:
            priced = connection.execute(query.order_by(m.session)).scalars().all()
            last = connection.execute(computed).scalar_one()
            facets = set(connection.execute(waiting).scalars())
        sessions = [day for day in priced if last is None or day <= last]
        if not sessions:
            return []
        portfolio = [operation.portfolio_id]
        if facets == {"tags"}:
            return [step_of("book", ["position_correlations"], sessions, portfolio)]
        tables = [table for table in NUMBERS if table != "option_greeks" or "contracts" in facets]
        rest = [table for table in BY_PORTFOLIO if table not in NUMBERS]
        numbers, others = step_of("book", tables, sessions, portfolio), step_of("book", rest, sessions, portfolio)
        numbers.checked, others.checked = [], [*tables, *rest]
        return [numbers, others]

    def _stale(self, operation: Operation) -> pd.DataFrame:
        """What is stale of the tables that the operation is about."""
        rows = self.stale_rows()
        if operation.kind == BRING_UP_TO_DATE:
            shares = any("option_greeks" in step.tables for step in operation.steps)
            is_shared = rows["table"].isin(("option_greeks", "scenario_shocks"))
            return rows if shares else rows[_is_of(rows, operation.portfolio_id) | is_shared]
        return rows[rows["table"].isin(downstream_of(set(operation.request["tables"])))]

    def stale_rows(self, tables: Sequence[str] | None = None) -> pd.DataFrame:
        """Stale row sets of every portfolio, of some tables or all (columns of `store.stale_rows.COLUMNS`)."""
        from sigmasight_assets.calculations.freshness import stale_rows  # pandas

        return stale_rows(self._database, self.calendar, self.coverage.provider, tables)

    def left_stale(self, operation: Operation) -> list[str]:
        """Tables made of what was computed that have stale rows now."""
        computed = {table for step in operation.steps if step.state == SUCCEEDED for table in step.tables}
        if not computed:
            return []
        rows = self.stale_rows(downstream_of(computed))
        if operation.portfolio_id is not None:
            rows = rows[_is_of(rows, operation.portfolio_id)]
        present = set(rows["table"])
        return [table for table in downstream_of(computed) if table in present]

    def last_change(self, portfolio_id: uuid.UUID | None) -> int | None:
        """The last change of a book that no run has covered."""
        c = ledger_changes.c
        with self._database.read() as connection:
            query = select(func.max(c.id)).where(c.portfolio_id == portfolio_id, c.processed_at.is_(None))
            found: int | None = connection.execute(query).scalar_one()
        return found

    def mark_covered(self, portfolio_id: uuid.UUID, last_id: int) -> None:
        """The changes of a book up to one are in its numbers."""
        with self._database.write() as connection:
            mark_processed_of(connection, portfolio_id, last_id, utc_now())


def _is_of(rows: pd.DataFrame, portfolio_id: uuid.UUID | None) -> npt.NDArray[np.bool_]:
    """Which row sets are of a portfolio."""
    return np.array([one == portfolio_id for one in rows["portfolio_id"]], dtype=bool)


def _has_run(steps: Sequence[Step], wanted: Step) -> bool:
    """Whether the same work was done already: what is stale still after it is not to be mended by doing it again."""
    same = (wanted.tables, wanted.first, wanted.last, wanted.portfolios)
    return any((step.tables, step.first, step.last, step.portfolios) == same for step in steps)
