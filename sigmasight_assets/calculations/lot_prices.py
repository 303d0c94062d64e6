"""The price ladder of every lot on every session: closes, option prices, appraisals (docs/conventions.md §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.contracts import held_contracts, series_symbols
from sigmasight_assets.calculations.market_panels import Closes, Splits, carried_closes, read_closes, read_dividends, read_splits
from sigmasight_assets.calculations.options import COLUMNS, price_contracts
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.lot_value import settlement_price
from sigmasight_assets.engines.price_panel import STALE_LIMIT
from sigmasight_assets.ledger.book import Book, Lots
from sigmasight_assets.store.tables import option_greeks

STATUS_WORDS = np.array(["missing", "ok", "stale", "model", "appraisal"], dtype=object)
MISSING, OK, STALE, MODEL, APPRAISAL = range(5)
GREEKS = ("spot", "delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct")


@dataclass(frozen=True)
class LotPrices:
    """Prices of lots on consecutive sessions, each of shape (n_sessions, n_lots).

    Attributes
    ----------
    price : Array
        NaN when missing.
    status : IntArray
        Index into `STATUS_WORDS`.
    price_position : IntArray
        Calendar position of the session of the price; -1 when missing.
    split_factor, dividend_per_share : Array
    symbol : ndarray of object
        The series on the session; the lot's own symbol but for options after a split.
    greeks : dict of str to Array
        Per share of the underlying, and `spot`; NaN but for options.
    reason : ndarray of object
        Why a price or a Greek is missing; None where nothing is.
    """

    price: Array
    status: IntArray
    price_position: IntArray
    split_factor: Array
    dividend_per_share: Array
    symbol: np.ndarray
    greeks: dict[str, Array]
    reason: np.ndarray


@dataclass
class MarketCache:
    """What all blocks of lots share: closes, splits, dividends and option prices of the sessions, read once."""

    closes: Closes
    filled: Array
    age: IntArray
    splits: Splits
    dividends: pd.DataFrame
    option_rows: pd.DataFrame
    option_symbols: pd.Index
    option_place: IntArray
    """Row of `option_rows` by session and symbol, shape (n_sessions, n_symbols + 1); -1 where there is none."""


def read_market(reader: Reader, book: Book, position: IntArray, stored: Sequence[date]) -> MarketCache:
    """Read the market data that value a book on consecutive sessions.

    Parameters
    ----------
    position : IntArray of shape (n_sessions,)
        Consecutive calendar positions.
    stored : sequence of date
        Sessions whose option prices are read from `option_greeks`; the others are computed here by the same function.
    """
    lots, first, last = book.lots, int(position[0]), int(position[-1])
    shares = sorted(set(lots.symbol[~lots.is_option & ~lots.is_private]))
    closes = read_closes(reader, shares, max(first - STALE_LIMIT, 0), last)
    splits = read_splits(reader, sorted(set(lots.underlying[~lots.is_private])))
    filled, age = carried_closes(closes, splits)
    keep = slice(first - closes.first, None)
    dividends = read_dividends(reader, shares, first, last)
    options = _option_rows(reader, lots, splits, position, stored)
    code, symbols = pd.factorize(options["symbol"])
    place = np.full((len(position), len(symbols) + 1), -1, dtype=np.int64)
    place[options["position"].to_numpy(dtype=np.int64) - first, code] = np.arange(len(options))
    return MarketCache(closes, filled[keep], age[keep], splits, dividends, options, pd.Index(symbols, dtype=object), place)


def _option_rows(reader: Reader, lots: Lots, splits: Splits, position: IntArray, stored: Sequence[date]) -> pd.DataFrame:
    held = held_contracts(lots, splits, position)
    at_stored = np.isin(position, reader.positions(list(stored)))
    parts = []
    fresh = held[held["position"].isin(position[~at_stored])].reset_index(drop=True)
    if len(fresh):
        parts.append(price_contracts(reader, fresh))
    if at_stored.any() and len(held):
        some = position[at_stored]
        query = select(option_greeks).where(
            option_greeks.c.session.between(reader.day(int(some.min())), reader.day(int(some.max()))),
            option_greeks.c.symbol.in_(sorted(set(held["symbol"]))),
            option_greeks.c.status != "quarantined",
        )
        rows = reader.frame(query)
        parts.append(rows[np.isin(reader.positions_of(rows["session"]), some)])
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    rows["position"] = reader.positions_of(rows["session"]) if len(rows) else np.zeros(0, dtype=np.int64)
    return rows


def price_lots(book: Book, which: np.ndarray, position: IntArray, market: MarketCache) -> LotPrices:
    """Prices of a block of the book's lots.

    Parameters
    ----------
    which : ndarray of bool, shape (n_book_lots,)
        The block.
    position : IntArray of shape (n_sessions,)
        As given to `read_market`.
    """
    lots = book.lots.chosen(which)
    shape = (len(position), len(lots))
    factor = market.splits.factors(list(lots.underlying), lots.entry, position)
    factor[:, lots.is_private] = 1.0
    out = LotPrices(
        price=np.full(shape, np.nan),
        status=np.zeros(shape, dtype=np.int64),
        price_position=np.full(shape, -1, dtype=np.int64),
        split_factor=factor,
        dividend_per_share=np.zeros(shape),
        symbol=np.broadcast_to(lots.symbol, shape).copy(),
        greeks={name: np.full(shape, np.nan) for name in GREEKS},
        reason=np.full(shape, None, dtype=object),
    )
    _price_shares(out, lots, position, market)
    _price_options(out, lots, position, market)
    _price_private(out, lots, position, book)
    return out


def _price_shares(out: LotPrices, lots: Lots, position: IntArray, market: MarketCache) -> None:
    share = np.flatnonzero(~lots.is_option & ~lots.is_private)
    column = market.closes.columns(list(lots.symbol[share]))
    out.reason[:, share[column < 0]] = "unknown_symbol"
    share, column = share[column >= 0], column[column >= 0]
    if not len(share):
        return
    age = market.age[:, column]
    out.price[:, share] = market.filled[:, column]
    out.status[:, share] = np.select([age == 0, age > 0], [OK, STALE], MISSING)
    out.price_position[:, share] = np.where(age < 0, -1, position[:, None] - age)
    out.reason[:, share] = np.where(age < 0, "no_price", None)
    paid = np.zeros(market.filled.shape)
    event_column = market.closes.columns(list(market.dividends["symbol"]))
    np.add.at(paid, (market.dividends["position"].to_numpy() - position[0], event_column), market.dividends["dividend"].to_numpy())
    out.dividend_per_share[:, share] = paid[:, column]


def _price_options(out: LotPrices, lots: Lots, position: IntArray, market: MarketCache) -> None:
    option = np.flatnonzero(lots.is_option)
    if not len(option):
        return
    names = series_symbols(lots.chosen(lots.is_option), out.split_factor[:, option])
    out.symbol[:, option] = names
    code, distinct = pd.factorize(names.ravel())
    column = market.option_symbols.get_indexer(pd.Index(distinct, dtype=object))[code].reshape(names.shape)  # -1: the last column
    row = market.option_place[np.arange(len(position))[:, None], column]
    found, row = row >= 0, np.maximum(row, 0)
    held = (lots.entry[option] <= position[:, None]) & (position[:, None] <= lots.end[option])
    if not len(market.option_rows):
        out.reason[:, option] = np.where(held, "no_greeks", None)
        return

    def of(name: str) -> Array:
        return np.where(found, market.option_rows[name].to_numpy(dtype=np.float64)[row], np.nan)

    for name in GREEKS:
        out.greeks[name][:, option] = of(name)
    price = of("price")
    words = market.option_rows["price_status"].to_numpy(dtype=object)[row]
    out.price[:, option] = price
    out.status[:, option] = np.select([np.isnan(price), words == "ok"], [MISSING, OK], MODEL)
    out.price_position[:, option] = np.where(np.isnan(price), -1, position[:, None])
    reason = market.option_rows["reason"].to_numpy(dtype=object)[row]
    out.reason[:, option] = np.where(found, reason, np.where(held, "no_greeks", None))


def _price_private(out: LotPrices, lots: Lots, position: IntArray, book: Book) -> None:
    """The owner's last mark; the entry price is the first one."""
    for j in np.flatnonzero(lots.is_private).tolist():
        mine = (book.mark_portfolio == lots.portfolio[j]) & (book.mark_symbol == lots.symbol[j]) & (book.mark_position >= lots.entry[j])
        at = np.concatenate([[lots.entry[j]], book.mark_position[mine]])
        price = np.concatenate([[lots.entry_price[j]], book.mark_price[mine]])
        last = np.searchsorted(at, position, side="right") - 1
        marked = last >= 0
        out.price[:, j] = np.where(marked, price[np.maximum(last, 0)], np.nan)
        out.status[:, j] = np.where(marked, APPRAISAL, MISSING)
        out.price_position[:, j] = np.where(marked, at[np.maximum(last, 0)], -1)


def end_prices(reader: Reader, lots: Lots, splits: Splits, horizon: int) -> Array:
    """Exit price of exited lots and intrinsic value of settled ones, shape (n_lots,).

    NaN while open at `horizon`, and for a settlement whose underlying had no close within the stale limit.
    """
    out = np.where(lots.is_settled, np.nan, lots.exit_price)
    settled = np.flatnonzero(lots.is_settled & (lots.end <= horizon))
    if len(settled):
        at = lots.end[settled]
        closes = read_closes(reader, sorted(set(lots.underlying[settled])), int(at.min()) - STALE_LIMIT, int(at.max()))
        spot, _ = carried_closes(closes, splits)
        column = closes.columns(list(lots.underlying[settled]))
        known = column >= 0
        close = np.full(len(settled), np.nan)
        close[known] = spot[at[known] - closes.first, column[known]]
        factor = np.array(
            [splits.factors([lots.underlying[j]], lots.entry[j : j + 1], lots.end[j : j + 1])[0, 0] for j in settled.tolist()]
        )
        out[settled] = settlement_price(lots.option_type[settled] == "C", lots.strike[settled] / factor, close)
    return out
