"""The Dagster runs that an operation is made of, and what each has got to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sigmasight_assets.calculations.planning import Plan
from sigmasight_assets.store.lineage import BOOK, LINEAGE, MARKET, UNDATED

if TYPE_CHECKING:
    from sigmasight_assets.calculations.refreshing import Refresh

OPERATION_TAG, STEP_TAG = "sigmasight/operation", "sigmasight/operation_step"
SCOPE_TAG, NUMBERS_ONLY_TAG = "sigmasight/portfolios", "sigmasight/numbers_only"
FOLLOWS_TAG = "sigmasight/book_follows"
PLANNED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "planned", "running", "succeeded", "failed", "cancelled"

NUMBERS = ("opening_cash", "option_greeks", "position_values", "portfolio_factor_risk", "position_correlations", "portfolio_snapshots")
"""What positions and snapshots are made of: computed first when somebody waits."""


@dataclass
class Step:
    """One Dagster run.

    Attributes
    ----------
    tables : list of str
        In lineage order; all of one job.
    first, last : str
        Sessions, YYYY-MM-DD.
    portfolios : list of str or None
        Ids; None is every portfolio.
    checked : list of str or None
        Tables whose checks are run, where those are not the step's own.
    done : dict
        Table -> sessions computed, once the run has ended.
    """

    job: str
    tables: list[str]
    first: str
    last: str
    sessions: int
    portfolios: list[str] | None = None
    checked: list[str] | None = None
    state: str = PLANNED
    run_id: str | None = None
    started_at: str | None = None
    error: str | None = None
    done: dict[str, int] = field(default_factory=dict)

    def total(self, table: str) -> int:
        """Sessions that the step computes of a table; 1 for a table without sessions."""
        return 1 if table in UNDATED else self.sessions

    def tags(self, operation_id: uuid.UUID, number: int) -> dict[str, str]:
        """Tags of its run, beside the sessions."""
        out = {OPERATION_TAG: str(operation_id), STEP_TAG: str(number)}
        if self.portfolios is not None:
            out[SCOPE_TAG] = ",".join(self.portfolios)
        if self.job == "market_data":
            out[FOLLOWS_TAG] = "command"
        if self.checked == []:
            out[NUMBERS_ONLY_TAG] = "yes"
        return out

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_steps(stored: Sequence[dict[str, Any]]) -> list[Step]:
    return [Step(**one) for one in stored]


def step_of(job: str, tables: Sequence[str], sessions: Sequence[date], portfolios: Sequence[uuid.UUID | str] | None = None) -> Step:
    """A run of tables over consecutive sessions."""
    ordered = [table for table in LINEAGE if table in tables]
    scope = [str(one) for one in portfolios] if portfolios and job == "book" else None
    return Step(job, ordered, sessions[0].isoformat(), sessions[-1].isoformat(), len(sessions), scope)


def steps_of(plan: Plan) -> Iterator[Step]:
    """The runs of a plan: market data, then the book."""
    for job, tables, sessions in (("market_data", MARKET, plan.market), ("book", BOOK, plan.book)):
        chosen = plan.selected(tables)
        if sessions and chosen != []:
            yield step_of(job, chosen or tables, sessions, plan.portfolio_ids)


def step_of_refresh(refresh: Refresh, n_sessions: int) -> Step:
    """The run of what is stale."""
    scope = None if refresh.portfolio_ids is None else [str(one) for one in refresh.portfolio_ids]
    job = "market_data" if refresh.is_market else "book"
    return Step(job, list(refresh.tables), refresh.first.isoformat(), refresh.last.isoformat(), n_sessions, scope)
