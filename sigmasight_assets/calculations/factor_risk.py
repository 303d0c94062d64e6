"""`portfolio_factor_risk` and `factor_exposures`: what books are exposed to, how volatile that makes them, and of what part."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from sigmasight_assets.calculations.book_exposures import N_MODEL, BookExposures, Covariances, NavSource, computed_nav, read_books
from sigmasight_assets.calculations.packing import packed
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader, places_of
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.factor_names import MARKET
from sigmasight_assets.engines.factor_risk import BookRisk, book_risk, standard_error
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import factor_exposures, portfolio_factor_risk

LEAST_COVERAGE = 0.25
"""Below this share of the gross exposure beta and volatility would speak for a book that they do not know."""
LOW_COVERAGE, PARTLY_COVERED, NOTHING_COVERED = "coverage_below_25pct", "uncovered_positions", "nothing_covered"
Frames = Iterator[tuple[list[date], pd.DataFrame]]


@dataclass(frozen=True)
class _Judged:
    """A book with its risk: what both tables are made of.

    `risk` is None where it cannot be told, for `risk_reason`; `share_reason` says why shares of NAV are missing.
    """

    book: BookExposures
    coverage: float
    risk_coverage: float
    risk: BookRisk | None
    risk_reason: str | None
    share_reason: str | None

    @property
    def scale(self) -> float:
        """1 / NAV; NaN where shares of NAV cannot be told."""
        return float("nan") if self.share_reason is not None else 1.0 / self.book.nav


def _judge(book: BookExposures, covariances: Covariances) -> _Judged:
    coverage, risk_coverage = book.share(book.is_covered), book.share(book.is_in_risk)
    covariance, some = covariances.at(book.position), book.is_in_risk
    risk, risk_reason = None, None
    if coverage < LEAST_COVERAGE:
        risk_reason = NOTHING_COVERED if coverage == 0.0 else LOW_COVERAGE
    elif covariance is None:
        risk_reason = covariances.reason_at(book.position)
    elif risk_coverage < LEAST_COVERAGE:
        risk_reason = LOW_COVERAGE
    else:
        parts = (book.dollars[some, :N_MODEL], book.delta_dollars[some], book.number[some], book.residual_vol[some])
        risk = book_risk(*parts, covariance)
    no_nav = "nav_unknown" if np.isnan(book.nav) else "nav_not_positive" if book.nav <= 0.0 else None
    return _Judged(book, coverage, risk_coverage, risk, risk_reason, no_nav)


def _status(judged: _Judged, coverage: float, missing: str | None, *, unavailable: bool) -> tuple[str, str | None]:
    """Status and reason of a row: what is missing, else what is left out, else what is old."""
    if missing is not None:
        return ("unavailable" if unavailable else "partial"), missing
    if coverage < 1.0:
        return "partial", PARTLY_COVERED
    return ("stale", "stale_prices") if judged.book.is_stale else ("ok", None)


def risk_frames(reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None) -> tuple[list[uuid.UUID], Frames]:
    """Rows of `portfolio_factor_risk` by chunks of whole sessions, and the portfolios they are of (all when None)."""
    ids = portfolios_of(reader, portfolio_ids)
    nav_of = computed_nav(reader, ids, int(reader.positions(sessions).max(initial=0)))
    covariances, chunks = read_books(reader, sessions, ids, nav_of)

    def frames() -> Frames:
        for days, books in chunks:
            yield days, _frame(portfolio_factor_risk, [_risk_row(reader, _judge(book, covariances)) for book in books])

    return ids, frames()


def exposure_frames(reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None) -> tuple[list[uuid.UUID], Frames]:
    """Rows of `factor_exposures`, as `risk_frames`; NAV is the one of `portfolio_factor_risk`."""
    ids = portfolios_of(reader, portfolio_ids)
    covariances, chunks = read_books(reader, sessions, ids, _stored_nav(reader, ids))

    def frames() -> Frames:
        for days, books in chunks:
            yield days, _frame(factor_exposures, [row for book in books for row in _exposure_rows(reader, _judge(book, covariances))])

    return ids, frames()


def calculated(reader: Reader, session: date, portfolio_id: uuid.UUID) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both tables of one book, from stored positions, betas and covariance."""
    nav_of = computed_nav(reader, [portfolio_id], int(reader.positions([session])[0]))
    covariances, chunks = read_books(reader, [session], [portfolio_id], nav_of)
    judged = [_judge(book, covariances) for _, books in chunks for book in books]
    risk = _frame(portfolio_factor_risk, [_risk_row(reader, one) for one in judged])
    return risk, _frame(factor_exposures, [row for one in judged for row in _exposure_rows(reader, one)])


def _stored_nav(reader: Reader, portfolio_ids: list[uuid.UUID]) -> NavSource:
    """NAV as `portfolio_factor_risk` holds it; NaN where it has no row."""
    r = portfolio_factor_risk.c

    def nav_of(position: IntArray) -> Array:
        span = r.session.between(reader.day(int(position[0])), reader.day(int(position[-1])))
        query = select(r.session, r.portfolio_id, r.nav).where(span, r.portfolio_id.in_(portfolio_ids), r.status != "quarantined")
        rows = reader.frame(query)
        at = reader.positions_of(rows["session"])
        rows, at = rows[np.isin(at, position)], at[np.isin(at, position)]
        nav = np.full((len(position), len(portfolio_ids)), np.nan)
        nav[np.searchsorted(position, at), places_of(rows["portfolio_id"], portfolio_ids)] = rows["nav"].to_numpy()
        return nav

    return nav_of


def _frame(table: Table, rows: list[dict[str, object]]) -> pd.DataFrame:
    names = [column.name for column in table.columns]
    return columns_to_frame([[row[name] for name in names] for row in rows], [(column.name, column.type) for column in table.columns])


def _risk_row(reader: Reader, judged: _Judged) -> dict[str, object]:
    book, risk = judged.book, judged.risk
    covered, dollars = book.is_covered, book.dollars
    scale = judged.scale if judged.coverage >= LEAST_COVERAGE or np.isnan(judged.coverage) else float("nan")
    market_error = standard_error(book.delta_dollars[covered], book.number[covered], book.std_error[covered, MARKET : MARKET + 1])[0]
    contributions = np.full(len(covered), np.nan)
    total = float("nan")
    if risk is not None:
        contributions[book.is_in_risk] = risk.position_volatility
        total = float(risk.factor_variance.sum()) + risk.specific_variance
    volatility = float("nan") if risk is None else risk.volatility
    status, reason = _status(
        judged, judged.risk_coverage, judged.risk_reason or judged.share_reason, unavailable=np.isnan(scale) and risk is None
    )
    return {
        "session": reader.day(book.position),
        "portfolio_id": book.portfolio_id,
        "nav": book.nav,
        "beta": np.nansum(dollars[:, MARKET]) * scale,
        "beta_std_error": market_error * scale,
        "predicted_volatility": volatility * scale,
        "predicted_volatility_dollars": volatility,
        "factor_variance": float("nan") if risk is None else float(risk.factor_variance.sum()),
        "specific_variance": float("nan") if risk is None else risk.specific_variance,
        "factor_variance_share": float(risk.factor_variance.sum()) / total if risk is not None and total > 0.0 else float("nan"),
        "coverage": judged.coverage,
        "risk_coverage": judged.risk_coverage,
        "gross_exposure": float(book.weight.sum()),
        "n_positions": len(covered),
        "n_covered": int(covered.sum()),
        "lot_ids": list(book.lot_id),
        "symbols": list(book.symbol),
        "underlyings": list(book.underlying),
        "delta_dollars": packed(book.delta_dollars),
        "uncovered_dollars": packed(np.where(covered, 0.0, book.weight)),
        "uncovered_reasons": list(book.reason),
        "factors": book.factors,
        "dollars": packed(dollars),
        "std_errors": packed(np.abs(np.where(covered, book.delta_dollars, np.nan))[:, None] * book.std_error),
        "volatility_contributions": packed(contributions),
        "status": status,
        "reason": reason,
    }


def _exposure_rows(reader: Reader, judged: _Judged) -> list[dict[str, object]]:
    """A row for each factor of the session."""
    book, dollars = judged.book, judged.book.dollars
    covered = book.is_covered
    is_long = np.nan_to_num(book.delta_dollars) > 0.0
    errors = standard_error(book.delta_dollars[covered], book.number[covered], book.std_error[covered])
    return [_exposure_row(reader, judged, k, dollars[:, k], is_long, float(errors[k])) for k in range(len(book.factors))]


def _exposure_row(reader: Reader, judged: _Judged, k: int, dollars: Array, is_long: np.ndarray, error: float) -> dict[str, object]:
    book, is_factor = judged.book, k < N_MODEL
    known = ~np.isnan(dollars)
    coverage = book.share(known)
    nothing = len(known) > 0 and not known.any()
    long, short = (float("nan") if nothing else float(dollars[known & side].sum()) for side in (is_long, ~is_long))
    enough = np.isnan(coverage) or coverage >= LEAST_COVERAGE
    scale = judged.scale if enough else float("nan")
    risk = judged.risk if is_factor else None
    total = float("nan") if risk is None else float(risk.factor_variance.sum()) + risk.specific_variance
    variance = float("nan") if risk is None else float(risk.factor_variance[k])
    missing = NOTHING_COVERED if nothing else LOW_COVERAGE if not enough else judged.share_reason
    if missing is None and is_factor:
        missing = judged.risk_reason
    status, reason = _status(judged, coverage, missing, unavailable=nothing)
    return {
        "session": reader.day(book.position),
        "portfolio_id": book.portfolio_id,
        "factor": book.factors[k],
        "role": "factor" if is_factor else "sensitivity",
        "exposure_long": long,
        "exposure_short": short,
        "exposure_net": long + short,
        "std_error_dollars": float("nan") if nothing else error,
        "beta": (long + short) * scale,
        "beta_long": long * scale,
        "beta_short": short * scale,
        "std_error": float("nan") if nothing else error * scale,
        "variance_contribution": variance,
        "volatility_contribution": float("nan") if risk is None else float(risk.factor_volatility[k]),
        "variance_share": variance / total if total > 0.0 else float("nan"),
        "coverage": coverage,
        "status": status,
        "reason": reason,
    }
