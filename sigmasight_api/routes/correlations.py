"""How factors, and the names of a book, move together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from sigmasight_api import matrices
from sigmasight_api.access import Book, Caller, Door
from sigmasight_api.answers import OfPortfolio, meta_of, problems
from sigmasight_api.errors import not_materialized
from sigmasight_api.models.correlations import CorrelationMatrix, CorrelationMetrics, FactorMatrix
from sigmasight_api.queries import correlations as queries
from sigmasight_api.queries.together import rows_together
from sigmasight_api.routes.factors import AsOf
from sigmasight_assets.engines.factor_names import FACTORS

LEAST_SHARE, LEAST_DOLLARS = 0.01, 10_000.0
"""Sizes of the stored matrices (docs/conventions.md §7); a test holds them against the calculation's."""
MOMENTS = (
    "session",
    "min_eigenvalue",
    "n_obs",
    "rates_n_obs",
    "status",
    "reason",
    "factors",
    "covariance",
    "correlation",
    "etf_correlation",
)
FIGURES = [name for name in CorrelationMetrics.model_fields if name not in ("filters", "meta")]

router = APIRouter(prefix="/risk/correlations", tags=["Risk"])


class OfView(OfPortfolio):
    """Which side of the book."""

    view: Annotated[Literal["portfolio", "longs", "shorts"], Field(description="By the sign of netted delta dollars")] = "portfolio"


class OfMatrix(OfView):
    """Which names of it. A size that is not stated does not count where the other is; neither stated: 1 % or 10,000 USD."""

    least_share: Annotated[
        float | None, Field(ge=LEAST_SHARE, le=1, description="Names of at least this share of the view's gross delta exposure")
    ] = None
    least_dollars: Annotated[float | None, Field(ge=LEAST_DOLLARS, description="Names of at least these |delta dollars|")] = None
    name: Annotated[list[str] | None, Field(max_length=100, description="These names alone; may be repeated")] = None


@router.get(
    "/factors/matrix", response_model=FactorMatrix, summary="Correlations of the factors and of their ETFs", responses=problems(404)
)
def read_factor_matrix(door: Door, asked: Annotated[AsOf, Query()]) -> Response:
    """Two matrices of 7 x 7 by name, and the covariance of the eight factors."""
    return door.answer(lambda caller: _factor_matrix(caller, asked))


def _factor_matrix(caller: Caller, asked: AsOf) -> dict[str, Any]:
    provenance = caller.market()
    row_set = provenance.latest("factor_covariance", asked.as_of)
    if row_set is None or row_set.session is None:
        raise not_materialized("factor_covariance", asked.as_of or provenance.last_market_session)
    found = rows_together(caller.connection, queries.factor_matrices(MOMENTS, row_set.session))
    row = found["moments"][0]
    return {**factor_matrix_of(row, found["series"]), "meta": meta_of(row_set, None, row["status"], row["reason"])}


def factor_matrix_of(row: dict[str, Any], series: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of `factor_covariance` with its matrices by name."""
    matrix = {
        out: None if row[name] is None else matrices.with_series(matrices.named_rows(FACTORS, row[name]), FACTORS, series)
        for out, name in (("etf_returns", "etf_correlation"), ("factor_returns", "correlation"))
    }
    covariance = None
    if row["covariance"] is not None:
        rows = matrices.named_rows(row["factors"], row["covariance"])
        covariance = [{"factor": factor, "covariances": cells} for factor, cells in zip(row["factors"], rows, strict=True)]
    packed = ("factors", "covariance", "correlation", "etf_correlation")
    return {**{name: cell for name, cell in row.items() if name not in packed}, **matrix, "covariance": covariance}


@router.get(
    "/positions/metrics",
    response_model=CorrelationMetrics,
    summary="How diversified the book is",
    responses=problems(404),
)
def read_correlation_metrics(door: Door, asked: Annotated[OfView, Query()]) -> Response:
    """Average correlation, effective number of names, concentration, clusters: of names of at least 1 % of gross or 10,000 USD.

    Other sizes and windows are computed by `POST /risk/correlations/positions/calculate`.
    """

    def build(book: Book) -> dict[str, Any]:
        row_set = book.row_set("position_correlations", asked.as_of)
        row = _row(book, FIGURES, row_set.session, asked.view)
        meta = meta_of(row_set, row["coverage"], row["status"], row["reason"])
        return {**row, "filters": {"least_share": LEAST_SHARE, "least_dollars": LEAST_DOLLARS}, "meta": meta}

    return door.answer_for(asked.portfolio_id, build)


@router.get(
    "/positions/matrix",
    response_model=CorrelationMatrix,
    summary="Correlations of the book's names",
    responses=problems(404),
)
def read_correlation_matrix(door: Door, asked: Annotated[OfMatrix, Query()]) -> Response:
    """Each name's correlations by name: of all names that are stored, or of the larger ones."""

    def build(book: Book) -> dict[str, Any]:
        row_set = book.row_set("position_correlations", asked.as_of)
        columns = ("window", "names", "delta_dollars", "correlations", "coverage", "status", "reason")
        view = queries.of_view(columns, book.portfolio.id, row_set.session, asked.view)
        found = rows_together(book.connection, {"view": view, "netted": queries.netted(book.portfolio.id, row_set.session)})
        if not found["view"]:
            raise not_materialized(row_set.table, row_set.session)
        row = found["view"][0]
        places, filters = _chosen(row["names"], found["netted"], asked)
        rows = matrices.of_triangle(row["names"], row["correlations"], places)
        names = [
            {"name": row["names"][i], "delta_dollars": row["delta_dollars"][i], "correlations": cells}
            for i, cells in zip(places, rows, strict=True)
        ]
        return {
            "portfolio_id": book.portfolio.id,
            "session": row_set.session,
            "view": asked.view,
            "window": row["window"],
            "n_names": len(names),
            "names": names,
            "filters": filters,
            "meta": meta_of(row_set, row["coverage"], row["status"], row["reason"]),
        }

    return door.answer_for(asked.portfolio_id, build)


def _row(book: Book, columns: list[str], session: Any, view: str) -> dict[str, Any]:
    rows = book.rows(queries.of_view(columns, book.portfolio.id, session, view))
    if not rows:
        raise not_materialized("position_correlations", session)
    return rows[0]


def _chosen(names: list[str], netted: list[dict[str, Any]], asked: OfMatrix) -> tuple[list[int], dict[str, float | None]]:
    """Places of the names that are asked for, and by which sizes."""
    share, dollars = asked.least_share, asked.least_dollars
    places = list(range(len(names)))
    if share is None and dollars is None:
        share, dollars = LEAST_SHARE, LEAST_DOLLARS  # as stored: nothing to leave out
    else:
        delta = {row["underlying"]: row["delta_dollars"] for row in netted}
        places = matrices.kept_names(names, delta, asked.view, share, dollars)
    wanted = None if asked.name is None else set(asked.name)
    return [i for i in places if wanted is None or names[i] in wanted], {"least_share": share, "least_dollars": dollars}
