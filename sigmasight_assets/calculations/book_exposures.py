"""Positions of each portfolio on each session seen through the factor model: dollars by factor, coverage, risk (docs/conventions.md §6).

An option counts through its underlying: the underlying's betas times the option's delta dollars. What has no betas (a private asset, an
option without a delta, a name short of history) is uncovered and weighs by its size; it is never a beta of 0 or 1.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.nav import net_asset_value, read_portfolio_cash
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY
from sigmasight_assets.engines.factor_model import FACTORS, MODEL_FACTORS, RATES
from sigmasight_assets.ledger.book import Book, load_book
from sigmasight_assets.store.tables import factor_betas, factor_covariance, position_values

ROWS_PER_READ = 200_000
N_MODEL = len(MODEL_FACTORS)


@dataclass(frozen=True)
class Covariances:
    """The eight factors' daily covariance by calendar position, and why a session has none."""

    matrix: Mapping[int, Array]
    reason: Mapping[int, str]

    def at(self, position: int) -> Array | None:
        return self.matrix.get(position)

    def reason_at(self, position: int) -> str:
        return self.reason.get(position, "not_materialized")


@dataclass(frozen=True)
class BookExposures:
    """One portfolio on one session; arrays are of its open lots.

    Attributes
    ----------
    nav : float
        NaN while cash is unknown.
    lot_id, symbol, underlying : ndarray of object
    number : IntArray
        Number of the lot's underlying, from 0.
    delta_dollars : Array
        NaN without a delta, and for private assets.
    weight : Array
        |delta dollars|, |notional| without a delta, |market value| of private assets, |cost| without a price.
    factors : list of str
        The eight of the model, then the session's macro series.
    beta, std_error : Array of shape (n_lots, n_factors)
        Of the underlying; NaN where there is none.
    residual_vol : Array
        Of the underlying's rates regression.
    reason : ndarray of object
        Why a lot has no betas; None for a covered one.
    is_stale : bool
        A lot is valued at an older close.
    """

    position: int
    portfolio_id: uuid.UUID
    nav: float
    lot_id: np.ndarray
    symbol: np.ndarray
    underlying: np.ndarray
    number: IntArray
    delta_dollars: Array
    weight: Array
    factors: list[str]
    beta: Array
    std_error: Array
    residual_vol: Array
    reason: np.ndarray
    is_stale: bool

    @property
    def is_covered(self) -> BoolArray:
        """Lots whose seven betas are known."""
        return np.array([why is None for why in self.reason], dtype=bool)

    @property
    def is_in_risk(self) -> BoolArray:
        """Covered lots whose rates beta and residual volatility are known too."""
        known = ~np.isnan(self.beta[:, N_MODEL - 1]) & ~np.isnan(self.residual_vol)
        return np.asarray(self.is_covered & known)

    @property
    def dollars(self) -> Array:
        """beta x delta dollars, shape (n_lots, n_factors); NaN where a beta is, and for uncovered lots."""
        amount = np.where(self.is_covered, self.delta_dollars, np.nan)
        return amount[:, None] * self.beta

    def share(self, some: BoolArray) -> float:
        """Share of the weight that some lots are; NaN where there is nothing to cover."""
        whole = float(self.weight.sum())
        return float(self.weight[some].sum()) / whole if whole > 0.0 else float("nan")


def read_books(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None
) -> tuple[list[uuid.UUID], Covariances, Iterator[tuple[list[date], list[BookExposures]]]]:
    """Every portfolio on every session, in chunks of whole sessions, with the covariances; and the portfolios (all when None)."""
    book = load_book(reader.database, reader.connection, reader.calendar, portfolio_ids)
    position = np.sort(reader.positions(sessions))
    return book.portfolio_ids, _read_covariances(reader, position), _chunks(reader, book, position)


def _chunks(reader: Reader, book: Book, position: IntArray) -> Iterator[tuple[list[date], list[BookExposures]]]:
    if not len(position):
        return
    cash = read_portfolio_cash(reader, book, int(position[-1])) if book.portfolio_ids else None
    size = max(1, ROWS_PER_READ // max(1, len(book.lots)))
    for start in range(0, len(position), size):
        part = position[start : start + size]
        days = [reader.day(p) for p in part.tolist()]
        if cash is None:
            yield days, []
            continue
        nav = net_asset_value(reader, book, cash, part).nav
        rows = _held(reader, book.portfolio_ids, part)
        betas = _Betas(reader, part, sorted(set(rows["underlying"])))
        groups = rows.groupby(["position", "portfolio_id"], sort=False).indices
        empty = np.zeros(0, dtype=np.int64)
        yield (
            days,
            [
                _book(rows.iloc[groups.get((at, portfolio), empty)], at, portfolio, float(nav[i, j]), betas)
                for i, at in enumerate(part.tolist())
                for j, portfolio in enumerate(book.portfolio_ids)
            ],
        )


def _held(reader: Reader, portfolio_ids: Sequence[uuid.UUID], position: IntArray) -> pd.DataFrame:
    """Open lots on some sessions."""
    p = position_values.c
    wanted = (
        p.session, p.portfolio_id, p.lot_id, p.symbol, p.asset_class, p.underlying, p.price_status, p.market_value, p.cost_basis,
        p.notional_exposure, p.delta_dollars, p.status, p.reason,
    )  # fmt: skip
    span = p.session.between(reader.day(int(position[0])), reader.day(int(position[-1])))
    query = select(*wanted).where(span, p.portfolio_id.in_(list(portfolio_ids)), p.event.is_(None))
    rows = reader.frame(query.order_by(p.session, p.portfolio_id, p.lot_id))
    rows = rows.assign(position=reader.positions_of(rows["session"]))
    return rows[rows["position"].isin(position)].reset_index(drop=True)


class _Betas:
    """Stored betas of some underlyings on some sessions."""

    def __init__(self, reader: Reader, position: IntArray, underlyings: list[str]) -> None:
        b = factor_betas.c
        span = b.session.between(reader.day(int(position[0])), reader.day(int(position[-1])))
        query = select(b.session, b.symbol, b.factor, b.beta, b.std_error, b.residual_vol, b.reason).where(
            span, b.symbol.in_(underlyings), b.factor != RATES_MARKET_ONLY, b.status != "quarantined"
        )
        rows = reader.frame(query)
        macro = sorted(set(rows["factor"]) - set(MODEL_FACTORS))
        self.factors = [*MODEL_FACTORS, *macro]
        self._row = {name: i for i, name in enumerate(underlyings)}
        self._line = {p: i for i, p in enumerate(position.tolist())}
        line = pd.Series(reader.positions_of(rows["session"])).map(self._line)
        inside = line.notna().to_numpy()
        column = {name: k for k, name in enumerate(self.factors)}
        cell = (
            line[inside].to_numpy(dtype=np.int64),
            rows.loc[inside, "symbol"].map(self._row).to_numpy(dtype=np.int64),
            rows.loc[inside, "factor"].map(column).to_numpy(dtype=np.int64),
        )
        shape = (len(position), len(underlyings), len(self.factors))
        self.beta, self.std_error = np.full(shape, np.nan), np.full(shape, np.nan)
        residual_vol = np.full(shape, np.nan)
        self.reason = np.full(shape, "unknown_symbol", dtype=object)
        for values, name in ((self.beta, "beta"), (self.std_error, "std_error"), (residual_vol, "residual_vol"), (self.reason, "reason")):
            values[cell] = rows.loc[inside, name].to_numpy()
        self.residual_vol = residual_vol[:, :, MODEL_FACTORS.index(RATES)]
        is_macro = cell[2] >= N_MODEL
        self._configured = set(zip(cell[0][is_macro].tolist(), cell[2][is_macro].tolist(), strict=True))

    def of(self, position: int, underlyings: np.ndarray) -> tuple[int, IntArray, list[int]]:
        """Line of a session, rows of underlyings, columns of the session's factors."""
        line = self._line[position]
        rows = np.array([self._row[name] for name in underlyings], dtype=np.int64)
        columns = [k for k in range(len(self.factors)) if k < N_MODEL or (line, k) in self._configured]
        return line, rows, columns


def _book(rows: pd.DataFrame, position: int, portfolio_id: uuid.UUID, nav: float, betas: _Betas) -> BookExposures:
    underlying = rows["underlying"].to_numpy(dtype=object)
    line, name, columns = betas.of(position, underlying)
    sound = (rows["status"] != "quarantined").to_numpy()
    is_private = (rows["asset_class"] == "private").to_numpy()
    delta = np.where(sound & ~is_private, rows["delta_dollars"].to_numpy(dtype=np.float64), np.nan)
    missing = np.isnan(betas.beta[line, name, : len(FACTORS)])  # (n_lots, 7)
    has_betas = ~missing.any(axis=1)
    why = betas.reason[line, name, np.argmax(missing, axis=1)]
    no_delta = np.array([text or "no_delta" for text in rows["reason"]], dtype=object)
    reason = np.select([is_private, ~sound, np.isnan(delta), ~has_betas], ["private_asset", "quarantined", no_delta, why], None)
    return BookExposures(
        position=position,
        portfolio_id=portfolio_id,
        nav=nav,
        lot_id=rows["lot_id"].to_numpy(dtype=object),
        symbol=rows["symbol"].to_numpy(dtype=object),
        underlying=underlying,
        number=np.unique(underlying.astype(str), return_inverse=True)[1].astype(np.int64),
        delta_dollars=delta,
        weight=_weight(rows, delta),
        factors=[betas.factors[k] for k in columns],
        beta=betas.beta[line, name][:, columns],
        std_error=betas.std_error[line, name][:, columns],
        residual_vol=betas.residual_vol[line, name],
        reason=reason.astype(object),
        is_stale=bool((rows["price_status"] == "stale").any()),
    )


def _weight(rows: pd.DataFrame, delta: Array) -> Array:
    """What a lot counts for in coverage: the first of its sizes that is known."""
    weight = np.abs(delta)
    private = (rows["asset_class"] == "private").to_numpy()
    market_value = np.where(private, rows["market_value"].to_numpy(dtype=np.float64), np.nan)
    for size in (market_value, rows["notional_exposure"].to_numpy(dtype=np.float64), rows["cost_basis"].to_numpy(dtype=np.float64)):
        finite = np.where(np.isfinite(size), np.abs(size), np.nan)
        weight = np.where(np.isnan(weight), finite, weight)
    return np.nan_to_num(weight)


def _read_covariances(reader: Reader, position: IntArray) -> Covariances:
    if not len(position):
        return Covariances({}, {})
    c = factor_covariance.c
    span = c.session.between(reader.day(int(position[0])), reader.day(int(position[-1])))
    rows = reader.frame(select(c.session, c.covariance, c.status, c.reason).where(span))
    matrix: dict[int, Array] = {}
    reason: dict[int, str] = {}
    for at, packed, status, why in zip(
        reader.positions_of(rows["session"]).tolist(), rows["covariance"], rows["status"], rows["reason"], strict=True
    ):
        found = None if packed is None or status == "quarantined" else unpacked(packed)
        if found is None or np.isnan(found).any():
            reason[at] = str(why)
        else:
            matrix[at] = found
    return Covariances(matrix, reason)
