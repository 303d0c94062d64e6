"""Positions of each portfolio on each session seen through the factor model: dollars by factor, coverage, risk (docs/conventions.md §6).

An option counts through its underlying: the underlying's betas times the option's delta dollars. What has no betas (a private asset, an
option without a delta, a name short of history) is uncovered and weighs by its size; it is never a beta of 0 or 1.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.kept_rows import position_rows
from sigmasight_assets.calculations.nav import net_asset_value, read_portfolio_cash, stored_market_value
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY
from sigmasight_assets.engines.factor_names import FACTORS, MODEL_FACTORS, RATES
from sigmasight_assets.ledger.kept_book import kept_book
from sigmasight_assets.store.arrays import by_object
from sigmasight_assets.store.tables import factor_betas, factor_covariance, lots

ROWS_PER_READ = 200_000
_COLUMNS = (
    "session", "portfolio_id", "lot_id", "symbol", "asset_class", "underlying", "event", "price_status", "market_value", "cost_basis",
    "notional_exposure", "delta_dollars", "status", "reason",
)  # fmt: skip
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
        Texts.
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
        return np.asarray(self.reason == None, dtype=bool)  # noqa: E711 - elementwise

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
        return min(float(self.weight[some].sum()) / whole, 1.0) if whole > 0.0 else float("nan")


NavSource = Callable[[IntArray], Array]
"""NAV of the portfolios on sorted calendar positions, shape (n_sessions, n_portfolios)."""


def read_books(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID], nav_of: NavSource
) -> tuple[Covariances, Iterator[tuple[list[date], list[BookExposures]]]]:
    """The covariances of sessions, and every portfolio on each of them in chunks of whole sessions.

    Parameters
    ----------
    portfolio_ids : sequence of UUID
        In the order of `nav_of`.
    """
    position = np.sort(reader.positions(sessions))
    return _read_covariances(reader, position), _chunks(reader, position, portfolio_ids, nav_of)


def computed_nav(reader: Reader, portfolio_ids: Sequence[uuid.UUID], horizon: int) -> NavSource:
    """NAV of cash and stored market values up to calendar position `horizon`."""
    if not portfolio_ids:
        return lambda position: np.zeros((len(position), 0))
    book = kept_book(reader.database, reader.connection, reader.calendar, portfolio_ids)
    cash = read_portfolio_cash(reader, book, horizon)
    return lambda position: net_asset_value(cash, position, stored_market_value(reader, book, position)).nav


def _chunks(
    reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID], nav_of: NavSource
) -> Iterator[tuple[list[date], list[BookExposures]]]:
    owned = reader.frame(select(func.count().label("n")).select_from(lots).where(lots.c.portfolio_id.in_(list(portfolio_ids))))["n"].iloc[0]
    size = max(1, ROWS_PER_READ // max(1, int(owned)))
    for start in range(0, len(position), size):
        part = position[start : start + size]
        days = [reader.day(p) for p in part.tolist()]
        nav = nav_of(part)
        rows = _held(reader, portfolio_ids, part)
        open_lots = _lots(rows, _read_betas(reader, part, sorted(set(rows["underlying"]))))
        owner, at = rows["portfolio_id"].to_numpy(dtype=object), rows["position"].to_numpy(dtype=np.int64)
        starts = np.flatnonzero(np.concatenate([[True], (at[1:] != at[:-1]) | (owner[1:] != owner[:-1])])) if len(rows) else []
        ends = [*list(starts)[1:], len(rows)]
        where = {(int(at[a]), owner[a]): slice(int(a), int(b)) for a, b in zip(starts, ends, strict=False)}
        yield (
            days,
            [
                open_lots.book(where.get((p, portfolio), slice(0, 0)), p, portfolio, float(nav[i, j]))
                for i, p in enumerate(part.tolist())
                for j, portfolio in enumerate(portfolio_ids)
            ],
        )


def _held(reader: Reader, portfolio_ids: Sequence[uuid.UUID], position: IntArray) -> pd.DataFrame:
    """Open lots on some sessions."""
    rows = position_rows(reader, reader.days(position), portfolio_ids, _COLUMNS, quarantined=True)
    rows = rows[rows["event"].isna()].reset_index(drop=True)
    return rows.assign(position=reader.positions_of(rows["session"]))


@dataclass(frozen=True)
class _Betas:
    """Stored betas by session, underlying and factor, each of shape (n_sessions, n_underlyings, n_factors).

    `names` are the eight factors of the model and every macro series of any of the sessions; `configured` holds the macro series that
    a session has. `reason` is `unknown_symbol` where there is no row.
    """

    position: IntArray
    underlyings: pd.Index
    names: list[str]
    beta: Array
    std_error: Array
    residual_vol: Array
    reason: np.ndarray
    configured: set[tuple[int, str]]

    def factors_at(self, position: int) -> list[str]:
        return [name for k, name in enumerate(self.names) if k < N_MODEL or (position, name) in self.configured]


def _read_betas(reader: Reader, position: IntArray, underlyings: list[str]) -> _Betas:
    b = factor_betas.c
    span = b.session.between(reader.day(int(position[0])), reader.day(int(position[-1])))
    query = select(b.session, b.symbol, b.factor, b.beta, b.std_error, b.residual_vol, b.reason).where(
        span, b.symbol.in_(underlyings), b.factor != RATES_MARKET_ONLY, b.status != "quarantined"
    )
    rows = reader.frame(query)
    at = reader.positions_of(rows["session"])
    rows, at = rows[np.isin(at, position)], at[np.isin(at, position)]
    names = [*MODEL_FACTORS, *sorted(set(rows["factor"]) - set(MODEL_FACTORS))]
    index, column = pd.Index(underlyings, dtype=object), pd.Index(names).get_indexer(rows["factor"])
    cell = (np.searchsorted(position, at), index.get_indexer(rows["symbol"]), column)
    shape = (len(position), len(underlyings), len(names))
    figures = {name: np.full(shape, np.nan) for name in ("beta", "std_error", "residual_vol")}
    for name, values in figures.items():
        values[cell] = rows[name].to_numpy(dtype=np.float64)
    reason = np.full(shape, "unknown_symbol", dtype=object)
    reason[cell] = rows["reason"].to_numpy(dtype=object)
    configured = {(int(p), names[k]) for p, k in {*zip(at[column >= N_MODEL].tolist(), column[column >= N_MODEL].tolist(), strict=True)}}
    return _Betas(position, index, names, *figures.values(), reason, configured)


@dataclass(frozen=True)
class _Lots:
    """Open lots of all books of a chunk with their underlyings' betas: `BookExposures` before it is cut into books."""

    betas: _Betas
    lot_id: np.ndarray
    symbol: np.ndarray
    underlying: np.ndarray
    number: IntArray
    delta_dollars: Array
    weight: Array
    beta: Array
    std_error: Array
    residual_vol: Array
    reason: np.ndarray
    is_stale: BoolArray

    def book(self, where: slice, position: int, portfolio_id: uuid.UUID, nav: float) -> BookExposures:
        factors = self.betas.factors_at(position)
        columns = [self.betas.names.index(name) for name in factors]
        return BookExposures(
            position=position,
            portfolio_id=portfolio_id,
            nav=nav,
            lot_id=self.lot_id[where],
            symbol=self.symbol[where],
            underlying=self.underlying[where],
            number=np.unique(self.number[where], return_inverse=True)[1].astype(np.int64),
            delta_dollars=self.delta_dollars[where],
            weight=self.weight[where],
            factors=factors,
            beta=self.beta[where][:, columns],
            std_error=self.std_error[where][:, columns],
            residual_vol=self.residual_vol[where],
            reason=self.reason[where],
            is_stale=bool(self.is_stale[where].any()),
        )


def _lots(rows: pd.DataFrame, betas: _Betas) -> _Lots:
    underlying = rows["underlying"].to_numpy(dtype=object)
    number = betas.underlyings.get_indexer(underlying).astype(np.int64)
    line = np.searchsorted(betas.position, rows["position"].to_numpy(dtype=np.int64))
    beta = betas.beta[line, number]  # (n_lots, n_factors)
    sound = (rows["status"] != "quarantined").to_numpy()
    is_private = (rows["asset_class"] == "private").to_numpy()
    delta = np.where(sound & ~is_private, rows["delta_dollars"].to_numpy(dtype=np.float64), np.nan)
    missing = np.isnan(beta[:, : len(FACTORS)])
    why = betas.reason[line, number, np.argmax(missing, axis=1)]
    no_delta = np.array([text or "no_delta" for text in rows["reason"]], dtype=object)
    causes = [is_private, ~sound, np.isnan(delta), missing.any(axis=1)]
    return _Lots(
        betas=betas,
        lot_id=by_object(rows["lot_id"].tolist(), str),
        symbol=rows["symbol"].to_numpy(dtype=object),
        underlying=underlying,
        number=number,
        delta_dollars=delta,
        weight=_weight(rows, delta),
        beta=beta,
        std_error=betas.std_error[line, number],
        residual_vol=betas.residual_vol[line, number, MODEL_FACTORS.index(RATES)],
        reason=np.select(causes, ["private_asset", "quarantined", no_delta, why], None).astype(object),
        is_stale=(rows["price_status"] == "stale").to_numpy(),
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
