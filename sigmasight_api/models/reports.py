"""Answers about reports."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from pydantic import ConfigDict, Field

from sigmasight_api.models.base import Body, Collection, Document, Meta, OwnPortfolio
from sigmasight_api.models.calculations import HEDGE_FUND


class ReportFile(Document):
    """A report in one format."""

    format: str = Field(description="md, json, csv or html")
    file_name: str
    media_type: str
    is_written: bool = Field(description="Whether a file of it is recorded; otherwise a download is made from the tables")
    n_bytes: int | None = Field(description="Size of the recorded file [bytes]")
    sha256: str | None = Field(description="SHA-256 of the recorded file")


class SectionStatus(Document):
    """What one section of a report is worth."""

    name: str = Field(description="Table that it shows")
    status: str
    reason: str | None


class Report(Document):
    """A portfolio's report of one session."""

    id: str = Field(description="`{slug}_{session}`, as the folder of its files")
    portfolio_id: uuid.UUID
    slug: str
    portfolio_name: str
    session: date
    status: str = Field(description="ok, stale, partial, unavailable or quarantined")
    reason: str | None
    files: list[ReportFile]
    computed_at: datetime | None = Field(description="When the inputs of the last computation were read")
    run_id: str | None = Field(description="The run that wrote it last")


Reports = Collection[Report]


class ReportStatus(Document):
    """Whether a report can be had, what its sections are worth, and in which formats it is written."""

    id: str
    portfolio_id: uuid.UUID
    slug: str
    portfolio_name: str
    session: date
    state: str = Field(
        description="written: every format is a file with its recorded SHA-256; on_demand: downloads are made from the tables"
    )
    status: str = Field(description="ok, stale, partial, unavailable or quarantined")
    reason: str | None
    sections: list[SectionStatus]
    files: list[ReportFile]
    meta: Meta


class ReportRequest(Body):
    """Which report to write."""

    portfolio_id: OwnPortfolio = None
    session: date | None = Field(None, description="Session of the report; null: the last that is computed")

    model_config = ConfigDict(json_schema_extra={"examples": [{"portfolio_id": HEDGE_FUND, "session": "2022-12-27"}]})
