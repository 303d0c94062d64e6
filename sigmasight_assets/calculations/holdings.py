"""Open lots with what reprices them: what stress tests, value at risk and P&L explain start from."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.kept_rows import position_rows
from sigmasight_assets.calculations.reader import Reader, places_of
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.revaluation import OptionTerms
from sigmasight_assets.store.tables import option_greeks, position_values

ROWS_PER_READ = 200_000
NUMBERS = (
    "quantity", "multiplier", "price", "market_value", "cost_basis", "notional_exposure", "delta_dollars", "gamma_dollars_per_pct",
    "theta_per_day", "vega_per_volpt", "rho_per_pct",
)  # fmt: skip
WORDS = ("lot_id", "symbol", "underlying", "asset_class")
TERMS = ("spot", "strike", "years", "rate", "dividend_yield", "iv")


@dataclass(frozen=True)
class Contracts:
    """Option series of one session, each array of shape (n_contracts,).

    Attributes
    ----------
    symbol : ndarray of object
    underlying : IntArray
        Index into `Holdings.names`.
    terms : OptionTerms
        NaN where an input is missing, and then the series cannot be repriced.
    iv_source : ndarray of object
    """

    symbol: np.ndarray
    underlying: IntArray
    terms: OptionTerms
    iv_source: np.ndarray

    def part(self, rows: slice) -> Contracts:
        terms = OptionTerms(**{name: column[rows] for name, column in vars(self.terms).items()})
        return Contracts(self.symbol[rows], self.underlying[rows], terms, self.iv_source[rows])

    @property
    def is_priceable(self) -> BoolArray:
        columns = (self.terms.spot, self.terms.strike, self.terms.years, self.terms.rate, self.terms.dividend_yield, self.terms.volatility)
        return np.all(np.isfinite(columns), axis=0)


@dataclass(frozen=True)
class Holdings:
    """The lots that some portfolios hold at one close, each array of shape (n_lots,), ordered by portfolio and lot.

    Attributes
    ----------
    portfolio : IntArray
        Index into the portfolios that were asked for.
    name : IntArray
        Index into `names`, the underlyings.
    contract : IntArray
        Index into `contracts`; −1 for what is no option, and for an option without a row in `option_greeks`.
    units : Array
        Signed shares of the underlying per lot: quantity x multiplier.
    size : Array
        What coverage counts a lot with: |delta$|, else |notional|, else |cost basis|.
    numbers : dict of str to Array
        Further columns of `position_values`.
    """

    session: date
    portfolio: IntArray
    lot_id: np.ndarray
    symbol: np.ndarray
    name: IntArray
    names: list[str]
    is_option: BoolArray
    is_private: BoolArray
    units: Array
    size: Array
    contract: IntArray
    contracts: Contracts
    numbers: dict[str, Array]

    def __len__(self) -> int:
        return len(self.portfolio)

    @property
    def is_share(self) -> BoolArray:
        return ~self.is_option & ~self.is_private

    def by_portfolio(self, n_portfolios: int) -> list[slice]:
        """The lots of each portfolio."""
        bounds = np.searchsorted(self.portfolio, np.arange(n_portfolios + 1))
        return [slice(start, end) for start, end in itertools.pairwise(bounds.tolist())]

    def coverage(self, covered: BoolArray, n_portfolios: int) -> Array:
        """Share of each portfolio's size that some lots make up, shape (n_portfolios,); NaN where nothing is held."""
        part = np.bincount(self.portfolio, weights=np.where(covered, self.size, 0.0), minlength=n_portfolios)
        whole = np.bincount(self.portfolio, weights=self.size, minlength=n_portfolios)
        return np.divide(part, whole, out=np.full(n_portfolios, np.nan), where=whole > 0)


def read_holdings(reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID]) -> Iterator[Holdings]:
    """The stored holdings of each session, in order of session; a session without rows gives none.

    Parameters
    ----------
    portfolio_ids : sequence of UUID
        Sorted: `Holdings.portfolio` counts them.
    """
    ordered = sorted(sessions)
    size = max(1, ROWS_PER_READ // _rows_per_session(reader, ordered))
    for start in range(0, len(ordered), size):
        chunk = ordered[start : start + size]
        yield from holdings_of(_position_rows(reader, chunk, portfolio_ids), _option_rows(reader, chunk), portfolio_ids)


def _rows_per_session(reader: Reader, sessions: Sequence[date]) -> int:
    """Lots of the last session, at least 1: what a chunk's length is chosen by."""
    p = position_values.c
    rows = reader.frame(select(func.count().label("n")).where(p.session == sessions[-1])) if sessions else None
    return 1 if rows is None else max(1, int(rows["n"].iloc[0]))


def _position_rows(reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID]) -> pd.DataFrame:
    rows = position_rows(reader, sessions, portfolio_ids, ("session", "portfolio_id", *WORDS, *NUMBERS, "event"))
    return rows[rows["event"].isna()].reset_index(drop=True)


def _option_rows(reader: Reader, sessions: Sequence[date]) -> pd.DataFrame:
    g = option_greeks.c
    query = select(g.session, g.symbol, g.underlying, g.option_type, g.iv_source, *(g[name] for name in TERMS)).where(
        g.session.between(min(sessions), max(sessions)), g.session.in_(list(sessions)), g.status != "quarantined"
    )
    return reader.frame(query.order_by(g.session, g.symbol))


def holdings_of(lots: pd.DataFrame, options: pd.DataFrame, portfolio_ids: Sequence[uuid.UUID]) -> Iterator[Holdings]:
    """Holdings session by session, from rows of any number of sessions.

    Parameters
    ----------
    lots : DataFrame
        Open lots with the columns of `position_values` named in `WORDS` and `NUMBERS`, ordered by session, portfolio and lot.
    options : DataFrame
        Rows of `option_greeks` ordered by session; series that nobody of these holds are left out.
    """
    asset_class = lots["asset_class"].to_numpy(dtype=object)
    is_option = np.asarray(asset_class == "option")
    options = options[options["symbol"].isin(set(lots.loc[is_option, "symbol"]))]
    names = sorted(set(lots["underlying"]) | set(options["underlying"]))
    contracts = _contracts(options, names)
    numbers = {name: lots[name].to_numpy(dtype=np.float64) for name in NUMBERS}
    size = np.abs(numbers["delta_dollars"])
    for other in ("notional_exposure", "cost_basis"):
        size = np.where(np.isnan(size), np.abs(numbers[other]), size)
    columns: dict[str, np.ndarray] = {
        "portfolio": places_of(lots["portfolio_id"], portfolio_ids),
        "lot_id": lots["lot_id"].to_numpy(dtype=object),
        "symbol": lots["symbol"].to_numpy(dtype=object),
        "name": _codes(lots["underlying"], names),
        "is_option": is_option,
        "is_private": np.asarray(asset_class == "private"),
        "units": numbers["quantity"] * numbers["multiplier"],
        "size": np.nan_to_num(size),
        "contract": _contract_rows(lots, is_option, options),
    }
    if lots.empty:
        return
    days, first_lot = np.unique(lots["session"].to_numpy(), return_index=True)
    first_option = np.searchsorted(options["session"].to_numpy(), days, side="left")
    end_option = np.searchsorted(options["session"].to_numpy(), days, side="right")
    for day, start, end, option, last in zip(days, first_lot, [*first_lot[1:], len(lots)], first_option, end_option, strict=True):
        part = {name: values[start:end] for name, values in columns.items()}
        part["contract"] = np.where(part["contract"] < 0, -1, part["contract"] - option)
        yield Holdings(
            session=day.astype("datetime64[D]").item(),
            names=names,
            contracts=contracts.part(slice(option, last)),
            numbers={name: values[start:end] for name, values in numbers.items()},
            **part,
        )


def _contracts(options: pd.DataFrame, names: list[str]) -> Contracts:
    spot, strike, years, rate, dividend_yield, iv = (options[name].to_numpy(dtype=np.float64) for name in TERMS)
    is_call = np.asarray(options["option_type"].to_numpy(dtype=object) == "C")
    return Contracts(
        symbol=options["symbol"].to_numpy(dtype=object),
        underlying=_codes(options["underlying"], names),
        terms=OptionTerms(is_call, spot, strike, years, rate, dividend_yield, iv),
        iv_source=options["iv_source"].to_numpy(dtype=object),
    )


def _codes(values: pd.Series, names: list[str]) -> IntArray:
    """Index of each value in `names`; −1 where it is none of them."""
    return np.asarray(pd.Categorical(values, categories=names).codes, dtype=np.int64)


def _contract_rows(lots: pd.DataFrame, is_option: BoolArray, options: pd.DataFrame) -> IntArray:
    """Row of `options` of each option lot, by session and symbol; −1 for others."""
    out = np.full(len(lots), -1, dtype=np.int64)
    keys = pd.MultiIndex.from_frame(options[["session", "symbol"]])
    out[is_option] = keys.get_indexer(pd.MultiIndex.from_frame(lots.loc[is_option, ["session", "symbol"]]))
    return out
