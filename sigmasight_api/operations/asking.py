"""How routes ask for work: a batch by an administrator, or a book's numbers after its owner changed it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from sigmasight_api.access import Caller
from sigmasight_api.errors import Problem, invalid
from sigmasight_api.operations import register
from sigmasight_api.operations.register import Wanted
from sigmasight_api.operations.steps import steps_of
from sigmasight_api.service import Service
from sigmasight_assets.calculations.planning import Plan, plan_range
from sigmasight_assets.errors import NotASession
from sigmasight_assets.store.lineage import downstream_of
from sigmasight_assets.store.tables import portfolios


def require_dagster(service: Service) -> None:
    """Refuse work that could not be started."""
    refusal = service.operations.launcher.refusal()
    if refusal is not None:
        raise Problem(503, "dagster_unavailable", refusal, headers={"Retry-After": "10"})


def plan_batch(
    service: Service, tables: Sequence[str], first: date, last: date, portfolio_ids: Sequence[uuid.UUID], *, downstream: bool
) -> Plan:
    """The runs of tables over a range."""
    coverage = service.operations.planner.coverage
    scope = [str(one) for one in portfolio_ids]
    try:
        return plan_range(service.database, coverage, first, last, tables, scope, downstream=downstream)
    except NotASession as error:
        raise invalid(("body",), str(error), f"{first} … {last}", "no_session") from error


def ask_for_batch(caller: Caller, kind: str, tables: Sequence[str], plan: Plan, asked: dict[str, object], key: str | None) -> uuid.UUID:
    """Queue a batch; the id of its operation."""
    chosen = [uuid.UUID(one) for one in plan.portfolio_ids]
    known = {row["id"] for row in caller.rows(select(portfolios.c.id).where(portfolios.c.id.in_(chosen)))}
    for i, portfolio_id in enumerate(chosen):
        if portfolio_id not in known:
            raise invalid(("body", "portfolios", i), "expected the id of a portfolio", str(portfolio_id), "unknown_portfolio")
    computed = set(plan.assets) or set(tables)
    left = [table for table in downstream_of(set(computed)) if table not in computed]
    note = " ".join(plan.notes) or None
    wanted = Wanted(f"batch.{kind}", {"tables": list(tables), **asked}, list(steps_of(plan)), left, note, key=key)
    operation_id = register.submit(caller.connection, caller.user.id, wanted)
    caller.service.operations.wake()
    return operation_id


def bring_up_to_date(caller: Caller, portfolio_id: uuid.UUID, first_session: date) -> uuid.UUID:
    """Queue the operation that brings a book's numbers up to date from a session on; its id.

    To be called in the transaction that changed the book: both are committed, or neither. An operation of the same book that waits
    already takes the change in.

    Parameters
    ----------
    first_session : date
        The first session that the change affects; `ledger.changes.INCEPTION` where it moves the opening cash.
    """
    operation_id = register.submit_book(caller.connection, caller.user.id, portfolio_id, first_session)
    caller.service.operations.wake()
    return operation_id
