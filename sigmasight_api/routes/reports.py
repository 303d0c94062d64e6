"""Reports: which there are, whether they are written, and their files."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from pydantic import Field
from sqlalchemy import null
from starlette.responses import Response

from sigmasight_api import report_files
from sigmasight_api.access import Book, Caller, Door, to_json
from sigmasight_api.answer_cache import Answer, entity_tag
from sigmasight_api.answers import meta_of, ordered, problems
from sigmasight_api.errors import not_found, not_materialized
from sigmasight_api.listing import Sorted
from sigmasight_api.models.base import Query as QueryModel
from sigmasight_api.models.reports import Reports, ReportStatus
from sigmasight_api.queries import reports as queries
from sigmasight_api.queries.together import rows_together
from sigmasight_assets.store.tables import portfolio_reports, portfolios

ReportId = Annotated[
    str,
    PathParameter(
        alias="id",
        description="`{slug}_{session}`, as the folder of its files",
        max_length=120,
        examples=["long-short-equity-hedge-fund-style_2022-12-28"],
    ),
]
HTML_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
FILES = {200: {"content": {kind.split(";")[0]: {} for kind in report_files.MEDIA_TYPES.values()}, "description": "The report"}}

router = APIRouter(prefix="/reports", tags=["Reports"])


class OfReports(Sorted):
    """Which reports, in which order: newest first unless told."""

    portfolio_id: Annotated[uuid.UUID | None, Field(description="Of one portfolio of the caller")] = None
    session: Annotated[date | None, Field(description="Of one session")] = None
    status: Annotated[Literal["ok", "stale", "partial", "unavailable", "quarantined"] | None, Field(description="Worth of the report")] = (
        None
    )
    is_written: Annotated[bool | None, Field(description="Whether files of it are recorded")] = None
    sort: Annotated[str | None, Field(description=f"Out of {', '.join(queries.SORTABLE)}; `-` before a descending one", max_length=200)] = (
        None
    )


@router.get("", response_model=Reports, summary="Reports of the caller's portfolios", responses=problems(404))
def list_reports(door: Door, asked: Annotated[OfReports, Query()]) -> Response:
    """One a portfolio and session that was computed, newest first."""
    if asked.portfolio_id is not None:  # which has to be the caller's
        return door.answer_for(asked.portfolio_id, lambda book: _reports(book, asked))
    return door.answer(lambda caller: _reports(caller, asked))


def _reports(caller: Caller, asked: OfReports) -> dict[str, Any]:
    r = portfolio_reports.c
    given = ((r.portfolio_id, asked.portfolio_id), (r.session, asked.session), (r.status, asked.status))
    chosen = [column == value for column, value in given if value is not None]
    if asked.is_written is not None:
        chosen.append(r.files.is_not(null()) if asked.is_written else r.files.is_(null()))
    order = ordered(asked.sort, queries.SORTABLE, [r.session.desc(), portfolios.c.slug])
    found = rows_together(caller.connection, queries.of_owner(caller.user.id, chosen, order, asked.limit, asked.offset))
    rows = sorted(found["page"], key=lambda row: row["place"])
    page = {"limit": asked.limit, "offset": asked.offset, "total": found["total"][0]["n"]}
    return {"items": [_item(row) for row in rows], "page": page, "meta": {}}


def _item(row: dict[str, Any]) -> dict[str, Any]:
    slug, session = row["slug"], row["session"]
    head = {name: row[name] for name in ("portfolio_id", "slug", "portfolio_name", "session", "status", "reason", "computed_at", "run_id")}
    return {"id": report_files.report_id(slug, session), **head, "files": report_files.file_items(row["files"], slug, session)}


@router.get("/{id}/status", response_model=ReportStatus, summary="Whether a report can be had", responses=problems(404))
def read_report_status(door: Door, report_id: ReportId) -> Response:
    """Its formats, whether each is a file with the recorded SHA-256, and what its sections are worth."""
    slug, session = _named(report_id)
    with door.reading_of(slug) as book:
        row, snapshot = _recorded(book, session)
        files = None if row is None else row["files"]
        seen = report_files.fingerprints(book.service.settings.reports_dir, files, report_files.MEDIA_TYPES)
        body = to_json(_status(book, session, row, snapshot))
    return door.give(book.known, Answer(body, entity_tag(body), files=seen))


def _status(book: Book, session: date, row: dict[str, Any] | None, snapshot: dict[str, Any]) -> dict[str, Any]:
    slug = book.portfolio.slug
    row_set = book.provenance.latest("portfolio_reports", session)
    if row is None or row_set is None or row_set.session != session:
        row_set = book.row_set("portfolio_snapshots", session)
    row = row or {**snapshot, "sections": {}, "files": None}
    folder = book.service.settings.reports_dir
    is_whole = all(report_files.stored_file(folder, row["files"], kind) is not None for kind in report_files.MEDIA_TYPES)
    return {
        "id": report_files.report_id(slug, session),
        "portfolio_id": book.portfolio.id,
        "slug": slug,
        "portfolio_name": book.portfolio.name,
        "session": session,
        "state": "written" if is_whole else "on_demand",
        "status": row["status"],
        "reason": row["reason"],
        "sections": [{"name": name, **said} for name, said in row["sections"].items()],
        "files": report_files.file_items(row["files"], slug, session),
        "meta": meta_of(row_set, None, row["status"], row["reason"]),
    }


class OfDownload(QueryModel):
    """In which format."""

    format: Annotated[Literal["md", "json", "csv", "html"], Field(description="Format of the file")] = "md"


@router.get(
    "/{id}/download",
    summary="A report as a file",
    response_class=Response,
    responses={**problems(404), **FILES},
)
def download_report(door: Door, report_id: ReportId, asked: Annotated[OfDownload, Query()]) -> Response:
    """The written file where it is still the recorded one, else the same made from the tables as they are now."""
    slug, session = _named(report_id)
    with door.reading_of(slug) as book:
        row, _ = _recorded(book, session)
    folder, files = door.service.settings.reports_dir, None if row is None else row["files"]
    seen = report_files.fingerprints(folder, files, [asked.format])
    content = report_files.stored_file(folder, files, asked.format)
    if content is None:
        content = report_files.rendered(door.service.database, book.portfolio.id, session, asked.format)
    if content is None:
        raise not_materialized("portfolio_snapshots", session)
    name = report_files.file_name(asked.format, slug, session)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": HTML_POLICY}
    return door.give(book.known, Answer(content, entity_tag(content), report_files.MEDIA_TYPES[asked.format], headers, seen))


def _named(report_id: str) -> tuple[str, date]:
    found = report_files.parse_id(report_id)
    if found is None:
        raise not_found("report of this id: it is `{slug}_{session}`")
    return found


def _recorded(book: Book, session: date) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The row of `portfolio_reports`, if there is one, and status and reason of the snapshot that a report is made of."""
    found = rows_together(book.connection, queries.of_session(book.portfolio.id, session))
    if not found["snapshot"]:
        raise not_materialized("portfolio_snapshots", session)
    return next(iter(found["report"]), None), found["snapshot"][0]
