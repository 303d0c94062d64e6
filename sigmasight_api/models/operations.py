"""Operations: what is asked for, and what is answered."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from sigmasight_api.answers import Paged
from sigmasight_api.models.base import Body, Document

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
MOST_PORTFOLIOS = 500


class BatchRequest(Body):
    """What to compute: one session, or a range of them."""

    session: date | None = Field(None, description="One session; instead of first and last")
    first: date | None = Field(None, description="First session of a range")
    last: date | None = Field(None, description="Last session of the range; without it the first one alone")
    portfolios: list[uuid.UUID] = Field([], max_length=MOST_PORTFOLIOS, description="Only these portfolios; empty: every one")
    downstream: bool = Field(False, description="Whether to compute what is made of these tables too, in later sessions as well")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"session": "2022-12-28"},
                {"first": "2022-12-01", "last": "2022-12-28", "portfolios": ["c1af1b52-35bf-559e-9811-fdbe0382874b"], "downstream": True},
            ]
        }
    )

    @model_validator(mode="after")
    def _one_or_range(self) -> BatchRequest:
        if (self.session is None) == (self.first is None):
            raise ValueError("expected either session or first (and last)")
        if self.session is not None and self.last is not None:
            raise ValueError("expected last together with first, not with session")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("expected last on or after first")
        return self

    @property
    def range(self) -> tuple[date, date]:
        """First and last session asked for."""
        begin = self.session or self.first
        assert begin is not None
        return begin, self.last or begin


class Asked(Document):
    """What was asked for."""

    tables: list[str] | None = Field(description="null: whatever the change of the book affects")
    first: date
    last: date | None
    portfolios: list[uuid.UUID] = Field(description="Empty: every one")
    downstream: bool


class Run(Document):
    """One Dagster run of an operation."""

    run_id: str | None = Field(description="null until it has begun; opens in the Dagster UI under Runs")
    job: str
    tables: list[str]
    first: date
    last: date
    portfolios: list[uuid.UUID] | None = Field(description="null: every one")
    state: str = Field(description="planned, running, succeeded, failed or cancelled")
    error: str | None


class Progress(Document):
    """How far one table is."""

    table: str
    run_id: str | None
    sessions_done: int
    sessions: int = Field(description="1 for a table without sessions")


class Operation(Document):
    """Work that outlives the request that asked for it."""

    id: uuid.UUID
    owner_id: uuid.UUID
    owner: str = Field(description="E-mail address of who asked for it")
    kind: str = Field(description="batch.NAME, reports.generate, or bring_up_to_date after a change of a book")
    state: State
    request: Asked
    runs: list[Run]
    progress: list[Progress]
    left_stale: list[str] = Field(
        description="Tables made of what it computes that it leaves alone: until its end those not asked for, then those that are stale"
    )
    portfolio_id: uuid.UUID | None
    first_session: date | None
    idempotency_key: str | None
    process_id: int | None
    error: str | None = Field(description="Why it failed")
    note: str | None = Field(description="What of the request was left out")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None


class SingleOperation(Operation):
    """One operation."""

    meta: dict[str, Any]


class Operations(Paged):
    """Which operations."""

    state: Annotated[State | None, Field(description="Only in this state")] = None
    kind: Annotated[str | None, Field(max_length=32, description="Only of this kind", examples=["batch.run-all"])] = None
    portfolio_id: Annotated[
        uuid.UUID | None, Field(description="Only those of this book that its owner started, or that bring it up to date")
    ] = None
