"""Calculations on demand: Greeks of given contracts, correlations, factor exposures."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter
from starlette.responses import Response

from sigmasight_api import factor_words, matrices
from sigmasight_api.access import Caller, Door
from sigmasight_api.answers import problems
from sigmasight_api.errors import invalid, not_materialized
from sigmasight_api.greeks import total
from sigmasight_api.models import calculations as models
from sigmasight_api.models.calculations import CorrelationRequest, FactorMatrixRequest, FactorRequest, GreeksRequest
from sigmasight_api.on_demand import answered, book_to_calculate, calculated_meta, reader_of, records
from sigmasight_api.provenance import RowSet
from sigmasight_api.queries import factors as factor_queries
from sigmasight_api.queries.together import rows_together
from sigmasight_api.routes.correlations import LEAST_DOLLARS, LEAST_SHARE, factor_matrix_of
from sigmasight_api.routes.factors import BOOK, EXPOSURES, lots_of
from sigmasight_assets.errors import InvalidSymbol
from sigmasight_assets.ledger.option_symbols import OptionSymbol, parse
from sigmasight_assets.sessions import SessionCalendar

if TYPE_CHECKING:
    import pandas as pd

router = APIRouter()


@router.post(
    "/risk/greeks/calculate",
    response_model=models.CalculatedGreeks,
    tags=["Risk"],
    summary="Price option series and their Greeks",
    responses=problems(404),
)
def calculate_greeks(door: Door, body: GreeksRequest) -> Response:
    """Any series, held or not, by the ladder of prices and volatilities that `option_greeks` is made by."""
    with door.reading() as caller:
        inputs = _market_rows(caller, "prices", body.as_of)
        session = inputs.session
        assert session is not None
        series = [_parsed(contract.symbol, i, session) for i, contract in enumerate(body.contracts)]
        frame = _priced(caller, series, session)
        rows = {row["symbol"]: row for row in records(frame)}
        items = [_priced_item(rows[one.symbol], one, contract.quantity) for one, contract in zip(series, body.contracts, strict=True)]
        totals = {name: total(item["position"][name] for item in items) for name in models.ContractTotals.model_fields}
        known = [item for item in items if item["delta"] is not None]
        whole = len(known) == len(items)
        status, reason = ("ok", None) if whole else ("partial" if known else "unavailable", "missing_greeks")
        meta = calculated_meta(caller, "option_greeks", inputs, len(known) / len(items), status, reason)
        return answered({"session": session, "contracts": items, "totals": totals, "meta": meta})


def _market_rows(caller: Caller, table: str, as_of: date | None) -> RowSet:
    provenance = caller.market()
    found = provenance.latest(table, as_of)
    if found is None:
        raise not_materialized(table, as_of or provenance.last_market_session)
    return found


def _parsed(text: str, i: int, session: date) -> OptionSymbol:
    place = ("body", "contracts", i, "symbol")
    try:
        found = parse(text)
    except InvalidSymbol as error:
        raise invalid(place, str(error), text, "no_option_symbol") from error
    if found.expiry < session:
        raise invalid(place, f"expected a series that expires on {session} or later, was {found.expiry}", text, "expired")
    return found


def _priced(caller: Caller, series: list[OptionSymbol], session: date) -> pd.DataFrame:
    """Rows of `option_greeks`, one a series, by the function that the asset calls."""
    import pandas as pd  # with the engines, when a number is asked for

    from sigmasight_assets.calculations.options import price_contracts

    calendar: SessionCalendar = caller.service.calendar
    distinct = {one.symbol: one for one in series}
    contracts = pd.DataFrame(
        {
            "position": calendar.position(session),
            "symbol": pd.Series(list(distinct), dtype=object),
            "underlying": pd.Series([one.underlying for one in distinct.values()], dtype=object),
            "expiry": pd.to_datetime([one.expiry for one in distinct.values()]).astype("datetime64[s]"),
            "strike": [float(one.strike) for one in distinct.values()],
            "option_type": pd.Series([one.option_type for one in distinct.values()], dtype=object),
            "exercise_style": pd.Series([one.exercise_style for one in distinct.values()], dtype=object),
            "settlement": [calendar.position_on_or_before(one.expiry) for one in distinct.values()],
        }
    )
    return price_contracts(reader_of(caller), contracts)


def _priced_item(row: dict[str, Any], series: OptionSymbol, quantity: float) -> dict[str, Any]:
    from sigmasight_assets.calculations.positions import option_exposures

    names = ("spot", "delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct")
    greeks = {name: np.array([math.nan if row[name] is None else row[name]]) for name in names}
    exposures = option_exposures(np.array([quantity * series.multiplier]), np.array([series.option_type == "C"]), greeks)
    position = {name: None if np.isnan(values[0]) else float(values[0]) for name, values in exposures.items()}
    value = None if row["price"] is None else quantity * series.multiplier * row["price"]
    return {
        **{name: cell for name, cell in row.items() if name != "session"},
        "position": {**position, "quantity": quantity, "multiplier": series.multiplier, "market_value": value},
    }


@router.post(
    "/risk/correlations/factors/calculate",
    response_model=models.CalculatedFactorMatrix,
    tags=["Risk"],
    summary="Correlations of the factors over another window",
    responses=problems(404),
)
def calculate_factor_matrix(door: Door, body: FactorMatrixRequest) -> Response:
    """As `GET /risk/correlations/factors/matrix`, estimated on the window that is asked for."""
    from sigmasight_assets.calculations.factors import covariance_frame

    with door.reading() as caller:
        inputs = _market_rows(caller, "factor_returns", body.as_of)
        row = records(covariance_frame(reader_of(caller), [inputs.session], body.window))[0]
        series = caller.rows(factor_queries.factor_series(inputs.session))
        meta = calculated_meta(caller, "factor_covariance", inputs, None, row["status"], row["reason"])
        return answered({**factor_matrix_of(row, series), "window": body.window, "meta": meta})


@router.post(
    "/risk/correlations/positions/calculate",
    response_model=models.CalculatedCorrelations,
    tags=["Risk"],
    summary="Correlations of a book's names, by other sizes and windows",
    responses=problems(404),
)
def calculate_correlations(door: Door, body: CorrelationRequest) -> Response:
    """Every view, or one, with its figures, its clusters and its matrix by name."""
    from sigmasight_assets.calculations.correlations import CorrelationParameters, correlation_frames

    if body.min_common > body.window:
        raise invalid(("body", "min_common"), f"expected at most the window, {body.window}", body.min_common)
    share, dollars = body.least_share, body.least_dollars
    if share is None and dollars is None:
        share, dollars = LEAST_SHARE, LEAST_DOLLARS
    sizes = (math.inf if share is None else share, math.inf if dollars is None else dollars)
    parameters = CorrelationParameters(*sizes, body.window, body.min_common, body.cluster_at)
    with book_to_calculate(door, body.portfolio_id) as (book, reader):
        inputs = book.row_set("position_values", body.as_of)
        _, frames = correlation_frames(reader, [inputs.session], [book.portfolio.id], parameters)
        rows = [row for _, frame in frames for row in records(frame) if body.view in (None, row["view"])]
        worst = rows[0] if len(rows) == 1 else next(row for row in rows if row["view"] == "portfolio")
        document = {
            "portfolio_id": book.portfolio.id,
            "session": inputs.session,
            "filters": {"least_share": share, "least_dollars": dollars},
            "min_common": body.min_common,
            "cluster_at": body.cluster_at,
            "views": [_view(row) for row in rows],
            "meta": calculated_meta(book, "position_correlations", inputs, worst["coverage"], worst["status"], worst["reason"]),
        }
    return answered(document)


def _view(row: dict[str, Any]) -> dict[str, Any]:
    names = row["names"]
    matrix = matrices.of_triangle(names, row["correlations"], range(len(names)))
    items = [
        {"name": name, "delta_dollars": delta, "correlations": cells}
        for name, delta, cells in zip(names, row["delta_dollars"], matrix, strict=True)
    ]
    left_out = ("session", "portfolio_id", "names", "delta_dollars", "correlations")
    return {**{name: cell for name, cell in row.items() if name not in left_out}, "names": items}


@router.post(
    "/factors/calculate",
    response_model=models.CalculatedFactors,
    tags=["Factors"],
    summary="Compute a book's factor exposures",
    responses=problems(404),
)
def calculate_factors(door: Door, body: FactorRequest) -> Response:
    """From its positions as they are stored now and the stored betas: the book, each factor, and every lot."""
    from sigmasight_assets.calculations.factor_risk import calculated

    with book_to_calculate(door, body.portfolio_id) as (book, reader):
        inputs = book.row_set("position_values", body.as_of)
        risk, exposures = (records(frame) for frame in calculated(reader, inputs.session, book.portfolio.id))
        found = rows_together(book.connection, {"fits": factor_queries.fits(book.portfolio.id, inputs.session)})
        (row,) = risk
        factors = [{name: one[name] for name in EXPOSURES} for one in exposures]
        document = {
            "portfolio_id": book.portfolio.id,
            "session": inputs.session,
            "book": {name: row[name] for name in BOOK},
            "factors": factor_words.in_order(factors),
            "positions": lots_of(row, found["fits"]),
            "meta": calculated_meta(book, "factor_exposures", inputs, row["coverage"], row["status"], row["reason"]),
        }
    return answered(document)
