"""Answers to administrators: runs, schedule, lineage, health of the data, activity."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from sigmasight_api.answers import Paged
from sigmasight_api.models.base import Document, Page, Query, StaleReason, model_of
from sigmasight_api.models.operations import Operation
from sigmasight_assets.store.tables import activity, check_results


class Dagster(Document):
    """Whether Dagster's storage answers."""

    available: bool
    reason: str | None
    daemon_running: bool | None = Field(description="Whether schedules and sensors are looked after; null where it is not known")
    by: str = Field(description="worker: a process of the API runs batches; webserver: Dagster's queue does")


class TableProgress(Document):
    """Sessions of one table that a run has written so far."""

    table: str
    sessions_done: int


class DagsterRun(Document):
    """A Dagster run, whoever asked for it."""

    run_id: str
    job: str
    status: str = Field(description="Dagster's word: QUEUED, STARTED, SUCCESS, FAILURE, CANCELED …")
    first: date | None
    last: date | None
    tables: list[str] | None = Field(description="null: every table of the job")
    portfolios: list[str] | None = Field(description="null: every one")
    operation_id: str | None
    asked_by: str = Field(description="api, command, schedule, sensor, backfill or ui, with its name")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    failure: str | None = Field(description="What stopped it")


class RunningRun(DagsterRun):
    """A run in progress."""

    progress: list[TableProgress]


class PastRun(DagsterRun):
    """A run, with what stands of what it wrote."""

    rows: int = Field(description="Rows that it wrote and no later run has replaced")


class BatchStatus(Document):
    """What is at work and what waits."""

    running: list[Operation]
    queued: list[Operation] = Field(description="The next ones, in their order")
    n_queued: int
    runs: list[RunningRun] = Field(description="Every Dagster run in progress or queued, also those of commands, schedules and the UI")
    dagster: Dagster
    meta: dict[str, Any]


class RunHistory(Document):
    """Recent runs, the last first."""

    items: list[PastRun]
    page: Page
    meta: dict[str, Any]


class Tick(Document):
    """An evening of the daily schedule."""

    at: datetime
    session: date | None = Field(description="The session that it computes; null where it skips")
    skipped: str | None = Field(description="Why it computes nothing")


class Instigator(Document):
    """A schedule or sensor that somebody turned on or off, or that has run."""

    name: str
    kind: str
    status: str


class Schedule(Document):
    """Upcoming evenings, and what looks after them."""

    items: list[Tick]
    instigators: list[Instigator]
    dagster: Dagster
    meta: dict[str, Any]


class LineageQuery(Query):
    """Which number."""

    session: Annotated[date | None, Field(description="Without it the last computed")] = None
    portfolio_id: Annotated[
        uuid.UUID | None,
        Field(description="Whose, of any owner; without it the first, where the table has a row set for each"),
    ] = None


class LineageInput(Document):
    """An input over the window that is read of it."""

    input: str = Field(description="Table, table.facet for a part that is judged on its own, or ledger.facet")
    first: date | None = Field(description="First session of the window; null for what has no sessions")
    last: date | None
    changed_at: datetime | None = Field(description="The last change inside the window")
    changed_session: date | None = Field(description="The session that changed then")
    is_newer: bool = Field(description="Whether that was after this row set's inputs were read")
    stale_sessions: int = Field(description="Sessions of the window that are stale themselves")


CheckResult = model_of("CheckResult", "What a check said last.", check_results, leave_out=("table_name",))
TableCheckResult = model_of("TableCheckResult", "What a check of a table said last.", check_results)


class LineageTable(Document):
    """A table of the chain."""

    table: str
    exists: bool
    session: date | None
    computed_at: datetime | None
    changed_at: datetime | None
    run_id: str | None
    code_version: str | None
    current_code_version: str | None
    status: str | None
    reason: str | None
    stale: bool | None
    stale_reason: StaleReason | None
    inputs: list[LineageInput]
    checks: list[CheckResult]


class Cause(Document):
    """One step of the way from a stale number to what changed."""

    table: str
    session: date | None
    cause: str
    input: str
    detail: str
    input_session: date | None = Field(description="The session of the input that is to blame")
    changed_at: datetime | None


class LineageAnswer(Document):
    """Why a number is stale."""

    table: str
    session: date | None
    portfolio_id: uuid.UUID | None
    portfolio: str | None = Field(description="Its slug")
    stale: bool
    because: list[Cause] = Field(description="From the number to what changed; empty where it is not stale")
    remedy: str | None = Field(description="The command that brings it up to date")
    chain: list[LineageTable] = Field(description="The table, then all that it is made of, nearest first")
    meta: dict[str, Any]


class Missing(Document):
    """Sessions that are not stored."""

    table: str
    portfolio_id: uuid.UUID | None
    missing: int
    expected: int
    first_stored: date | None
    last_stored: date | None


class StaleSets(Document):
    """Stale row sets of one cause."""

    table: str
    cause: str
    input: str
    row_sets: int
    portfolios: list[uuid.UUID] = Field(description="Whose they are; empty for the market's")
    first: date | None
    last: date | None


class Quarantined(Document):
    """A row set with rows that broke a gate."""

    table: str
    session: date | None
    portfolio_id: uuid.UUID | None
    reason: str | None
    run_id: str
    computed_at: datetime


class BookCoverage(Document):
    """How much of a book is priced on its last session."""

    portfolio_id: uuid.UUID
    slug: str
    session: date | None
    status: str | None
    reason: str | None
    coverage: float | None
    n_positions: int | None
    n_missing: int | None
    n_stale: int | None


class Checks(Document):
    """Results of all checks."""

    passed: int
    failed: list[TableCheckResult]


class DataHealth(Document):
    """What is missing, stale or quarantined, what checks say, how much of each book is priced."""

    is_healthy: bool = Field(description="Nothing is missing, stale or quarantined, and every check passed")
    missing: list[Missing]
    stale: list[StaleSets]
    n_stale: int
    quarantined: list[Quarantined] = Field(description="The last 200")
    checks: Checks
    coverage: list[BookCoverage]
    meta: dict[str, Any]


Activity = model_of("Activity", "One thing that somebody did.", activity, user=(str | None, Field(description="E-mail address")))


class ActivityFilter(Paged):
    """Which activity."""

    user_id: Annotated[uuid.UUID | None, Field(description="Of this user")] = None
    user: Annotated[str | None, Field(max_length=254, description="Of the user with this e-mail address")] = None
    action: Annotated[
        str | None, Field(max_length=64, description="This action, or all of a section", examples=["auth.log_in", "operations"])
    ] = None
    resource: Annotated[str | None, Field(max_length=200, description="Done to this, as kind:id")] = None
    outcome: Annotated[Literal["done", "refused"] | None, Field(description="done or refused")] = None
    request_id: Annotated[str | None, Field(max_length=64, description="By the request with this id")] = None
    since: Annotated[datetime | None, Field(description="At this moment or later, with a time zone")] = None
    until: Annotated[datetime | None, Field(description="Before this moment, with a time zone")] = None
