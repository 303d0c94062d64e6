"""Portfolios: what their owners state of them, and their numbers in time."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Response
from pydantic import Field

from sigmasight_api.access import Book, Door
from sigmasight_api.answers import OfPortfolio, Paged, collection, meta_of, ordered, problems
from sigmasight_api.errors import invalid, not_materialized
from sigmasight_api.listing import listed
from sigmasight_api.models import portfolios as models
from sigmasight_api.models.base import AnalyticCollection, Collection
from sigmasight_api.models.decimals import ExactRoute
from sigmasight_api.provenance import RowSet
from sigmasight_api.queries import portfolios as queries
from sigmasight_api.queries.paging import page_of
from sigmasight_api.routes.paths import ThisPortfolio
from sigmasight_api.updating import bring_up_to_date
from sigmasight_api.versions import IfMatch, Versioned, require_version, tag_of, version_of
from sigmasight_assets.ledger.accounts import locked
from sigmasight_assets.ledger.changes import INCEPTION
from sigmasight_assets.ledger.lot_imports import require_covered
from sigmasight_assets.ledger.portfolio_changes import change_portfolio, delete_portfolio, open_portfolio
from sigmasight_assets.sessions import utc_now

LOG = logging.getLogger("sigmasight_api")

router = APIRouter(tags=["Portfolios"], route_class=ExactRoute)


class Listing(Paged):
    """Which page of the caller's portfolios."""

    sort: Annotated[str | None, Field(max_length=200, description=f"Fields, - before a falling one: {', '.join(queries.SORTABLE)}")] = None


@router.get("/portfolio", response_model=models.PortfolioSummary, summary="Summary of one portfolio", responses=problems(404))
def read_summary(door: Door, asked: Annotated[OfPortfolio, Query()]) -> Response:
    """The snapshot of a session: NAV, cash, gains, exposures in three families, Greeks, beta, predicted volatility."""

    def build(book: Book) -> dict[str, Any]:
        row_set = book.row_set("portfolio_snapshots", asked.as_of)
        row = book.rows(queries.summary(book.portfolio.id, _session(row_set)))[0]
        return {**row, "meta": meta_of(row_set, row["coverage"], row["status"], row["reason"])}

    return door.answer_for(asked.portfolio_id, build)


@router.get(
    "/portfolio/exposures", response_model=AnalyticCollection[models.Exposures], summary="Exposures in time", responses=problems(404)
)
def read_exposures(door: Door, asked: Annotated[models.Span, Query()]) -> Response:
    """Long, short, gross and net by market value, notional and delta, in USD and as shares of NAV; one row per session."""

    def build(book: Book) -> dict[str, Any]:
        sessions, row_set = _sessions(book, "portfolio_snapshots", asked)
        shown = _page(sessions, asked)
        rows = book.rows(queries.exposures(book.portfolio.id, min(shown), max(shown))) if shown else []
        rows.sort(key=lambda row: row["session"], reverse=asked.sort == "-session")
        return collection(rows, asked.page, meta_of(row_set), len(sessions))

    return door.answer_for(asked.portfolio_id, build)


@router.get("/portfolio/performance", response_model=models.Performance, summary="Performance and the NAV series", responses=problems(404))
def read_performance(door: Door, asked: Annotated[models.Span, Query()]) -> Response:
    """Gains and ratios of the last session of the range, and the NAV series of the range, a page of it at a time."""

    def build(book: Book) -> dict[str, Any]:
        sessions, row_set = _sessions(book, "portfolio_snapshots", asked)
        session, shown = _session(row_set), _page(sessions, asked)
        rows = book.rows(queries.performance(book.portfolio.id, shown, session))
        last = next(row for row in rows if row["session"] == session)
        wanted = set(shown)
        points = [{name: row[name] for name in models.SERIES} for row in rows if row["session"] in wanted]
        points.sort(key=lambda row: row["session"], reverse=asked.sort == "-session")
        page = {"limit": asked.limit, "offset": asked.offset, "total": len(sessions)}
        metrics = book.provenance.latest("risk_metrics", session)
        return {
            **last,
            "series": {"items": points, "page": page},
            "meta": meta_of(row_set, last["coverage"], last["status"], last["reason"]),
            "metrics_meta": meta_of(metrics) if metrics is not None and metrics.session == session else None,
        }

    return door.answer_for(asked.portfolio_id, build)


@router.get("/portfolio/attribution", response_model=models.Attribution, summary="Where gains came from", responses=problems(404))
def read_attribution(door: Door, asked: Annotated[models.Span, Query()]) -> Response:
    """P&L explain and by factor, by session and summed over the range; without `from` and `to` of the last session alone."""

    def build(book: Book) -> dict[str, Any]:
        of_one = asked.from_ is None and asked.to is None
        sessions, row_set = _sessions(book, "pnl_attribution", asked)
        sessions = sessions[-1:] if of_one else sessions
        rows = book.rows(queries.attribution(book.portfolio.id, sessions[0], sessions[-1]))
        totals = _sums(rows)
        rows.sort(key=lambda row: row["session"], reverse=asked.sort == "-session")
        return {**listed(rows, asked.page, meta_of(row_set)), "totals": totals}

    return door.answer_for(asked.portfolio_id, build)


def _sums(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over sessions: a factor's over those on which its return is known, so that the terms add up to the gain of all."""
    known = {name: [row[name] for row in rows if row[name] is not None] for name in ("pnl", *models.EXPLAINED, *models.BY_FACTOR)}
    return {
        **{name: math.fsum(values) if values else None for name, values in known.items()},
        "n_sessions": len(rows),
        "first_session": rows[0]["session"],
        "last_session": rows[-1]["session"],
        "n_unknown": sum(any(row[name] is None for name in models.BY_FACTOR) for row in rows),
    }


@router.get("/portfolios", response_model=Collection[models.ListedPortfolio], summary="The caller's portfolios", responses=problems())
def list_portfolios(door: Door, asked: Annotated[Listing, Query()]) -> Response:
    """Each with its last snapshot."""
    return door.answer(
        lambda caller: _collected(
            page_of(
                caller, queries.owned(caller.user.id).order_by(*ordered(asked.sort, queries.SORTABLE, [queries.SORTABLE["slug"]])), asked
            ),
            asked,
        )
    )


@router.post("/portfolios", response_model=models.ChangedPortfolio, status_code=201, summary="Make a portfolio", responses=problems(409))
def create_portfolio(door: Door, body: models.NewPortfolio, response: Response) -> dict[str, Any]:
    """An empty one with a stated balance of cash."""
    with door.writing() as caller:
        last = caller.market().last_market_session
        if last is not None:
            require_covered(body.cash_as_of, last, caller.service.calendar)
        made = open_portfolio(caller.connection, caller.user.id, body.name, body.cash_balance, body.cash_as_of, body.slug)
        caller.record("portfolio.create", f"portfolio:{made.id}", made.name)
        row = caller.rows(queries.head(made.id))[0]
        operation = bring_up_to_date(caller, INCEPTION, made.id)
    response.headers["ETag"] = tag_of(row)
    response.headers["Location"] = f"/api/v1/portfolios/{made.id}"
    return {"portfolio": row, **operation}


@router.get("/portfolios/{id}", response_model=models.PortfolioDocument, summary="One portfolio", responses=problems(404))
def read_portfolio(door: Door, portfolio_id: ThisPortfolio) -> Response:
    """As its owner states it; its numbers are at `/portfolio`."""

    def build(book: Book) -> Versioned:
        row = book.rows(queries.head(book.portfolio.id))[0]
        return Versioned({**row, "meta": {}}, version_of(row))

    return door.answer_for(portfolio_id, build)


@router.patch("/portfolios/{id}", response_model=models.ChangedPortfolio, summary="Change a portfolio", responses=problems(404, 412))
def update_portfolio(
    door: Door, portfolio_id: ThisPortfolio, body: models.PortfolioChange, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Another name, or another balance of cash: that one changes every number of the portfolio."""
    with door.writing_to(portfolio_id) as book:
        locked(book.connection, book.portfolio)
        require_version(if_match, book.rows(queries.head(portfolio_id))[0], "portfolio")
        _refuse_nulls(body)
        if body.cash_as_of is not None:
            last = book.market().last_market_session
            if last is not None:
                require_covered(body.cash_as_of, last, book.service.calendar)
        _, first = change_portfolio(book.connection, book.portfolio, body.name, body.cash_balance, body.cash_as_of)
        book.record("portfolio.update", f"portfolio:{portfolio_id}", ", ".join(sorted(body.model_fields_set)))
        row = book.rows(queries.head(portfolio_id))[0]
        operation = bring_up_to_date(book, first)
    response.headers["ETag"] = tag_of(row)
    return {"portfolio": row, **operation}


@router.delete("/portfolios/{id}", response_model=models.DeletedPortfolio, summary="Delete a portfolio", responses=problems(404, 412))
def remove_portfolio(door: Door, portfolio_id: ThisPortfolio, if_match: IfMatch = None) -> dict[str, Any]:
    """With its lots, flows, marks, every number and every report file of it."""
    with door.writing_to(portfolio_id) as book:
        locked(book.connection, book.portfolio)
        require_version(if_match, book.rows(queries.head(portfolio_id))[0], "portfolio")
        files = [file for row in book.rows(queries.report_files(portfolio_id)) for file in row["files"].values()]
        n_lots = delete_portfolio(book.connection, book.portfolio, book.service.calendar)
        book.record("portfolio.delete", f"portfolio:{portfolio_id}", f"{book.portfolio.name}, {n_lots} lots")
        operation = bring_up_to_date(book, None)
    _remove_files(door.service.settings.reports_dir, [file["path"] for file in files])
    return {"id": portfolio_id, "n_lots": n_lots, "deleted_at": utc_now(), **operation}


@router.get("/portfolios/{id}/flows", response_model=Collection[models.Flow], summary="Money put in or taken out", responses=problems(404))
def list_flows(door: Door, portfolio_id: ThisPortfolio, asked: Annotated[Paged, Query()]) -> Response:
    """The last ones first."""
    return door.answer_for(portfolio_id, lambda book: _collected(page_of(book, queries.flows_of(book.portfolio.id), asked), asked))


@router.get(
    "/portfolios/{id}/appraisals",
    response_model=Collection[models.Appraisal],
    summary="Marks of private assets",
    responses=problems(404),
)
def list_appraisals(door: Door, portfolio_id: ThisPortfolio, asked: Annotated[Paged, Query()]) -> Response:
    """The last ones first."""
    return door.answer_for(portfolio_id, lambda book: _collected(page_of(book, queries.appraisals_of(book.portfolio.id), asked), asked))


def _collected(found: tuple[list[dict[str, Any]], int], page: Paged) -> dict[str, Any]:
    return collection(found[0], page, {}, found[1])


def _remove_files(folder: Path, paths: Sequence[str]) -> None:
    """Remove a deleted portfolio's reports, and folders that are empty then; what the system keeps is for the log."""
    for path in paths:
        try:
            (folder / path).unlink(missing_ok=True)
            with suppress(OSError):  # other files are in it, or it is gone already
                (folder / path).parent.rmdir()
        except OSError as error:
            LOG.warning("a report of a deleted portfolio is still there", extra={"file": path, "error": str(error)})


def _refuse_nulls(body: models.PortfolioChange) -> None:
    """What is left out stays; null is no value of these fields."""
    for name in sorted(body.model_fields_set):
        if getattr(body, name) is None:
            raise invalid(("body", name), "expected a value, or the field left out")


def _sessions(book: Book, table: str, asked: models.Span) -> tuple[list[date], RowSet]:
    """The computed sessions of a range, in order, and their row set: of the last one, stale where any of them is.

    Raises
    ------
    Problem
        404 `not_materialized` where there is none.
    """
    last = book.row_set(table, asked.last)
    first = asked.from_ or date.min
    sessions = [session for session in book.provenance.sessions(table) if first <= session <= _session(last)]
    if not sessions:
        raise not_materialized(table, asked.last or book.provenance.last_market_session)
    return sessions, book.provenance.over(table, sessions[0], last)


def _page(sessions: Sequence[date], asked: models.Span) -> Sequence[date]:
    ordered_sessions = sessions if asked.sort == "session" else sessions[::-1]
    return ordered_sessions[asked.offset : asked.offset + asked.limit]


def _session(row_set: RowSet) -> date:
    return cast("date", row_set.session)  # snapshots and what is made of them are dated
