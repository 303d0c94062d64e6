"""Net asset value: cash and stored market values, one definition for every table (docs/conventions.md §4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.cash import BookCash, at_sessions, read_book_cash
from sigmasight_assets.calculations.kept_rows import position_rows
from sigmasight_assets.calculations.reader import Reader, places_of
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.cash import CashRuns
from sigmasight_assets.ledger.book import Book
from sigmasight_assets.store.tables import opening_cash


@dataclass(frozen=True)
class PortfolioCash:
    """Cash of portfolios on any session up to a horizon.

    Attributes
    ----------
    opening : Array of shape (n_portfolios,)
        C0; NaN while it is unresolved.
    runs : BookCash
        Running sums of the book's events.
    """

    opening: Array
    runs: BookCash

    def at(self, position: IntArray) -> Array:
        """Cash, shape (n_sessions, n_portfolios); NaN while C0 or a settlement is unknown."""
        total, known = at_sessions(self.runs.cash, len(self.opening), position)
        return np.where(known, self.opening + total, np.nan)

    def sum_at(self, runs: CashRuns, position: IntArray) -> tuple[Array, BoolArray]:
        """Another running sum of the book, and whether it is known."""
        return at_sessions(runs, len(self.opening), position)


def read_portfolio_cash(reader: Reader, book: Book, horizon: int) -> PortfolioCash:
    """Cash events up to calendar position `horizon`, and the stored C0."""
    stored = reader.frame(select(opening_cash.c.portfolio_id, opening_cash.c.opening_cash)).set_index("portfolio_id")["opening_cash"]
    opening = np.array([stored.get(portfolio, np.nan) for portfolio in book.portfolio_ids])
    return PortfolioCash(opening, read_book_cash(reader, book, horizon))


@dataclass(frozen=True)
class NetAssetValue:
    """Each of shape (n_sessions, n_portfolios); `nav` is NaN where cash is. A lot without a value counts for nothing."""

    nav: Array
    cash: Array
    market_value: Array


def net_asset_value(cash: PortfolioCash, position: IntArray, market_value: Array) -> NetAssetValue:
    """NAV of positions.

    Parameters
    ----------
    position : IntArray of shape (n_sessions,)
        Calendar positions.
    market_value : Array of shape (n_sessions, n_portfolios)
        Sums over the lots.
    """
    held = cash.at(position)
    return NetAssetValue(held + market_value, held, market_value)


def stored_market_value(reader: Reader, book: Book, position: IntArray) -> Array:
    """Sums of stored positions on sorted calendar positions, shape (n_sessions, n_portfolios)."""
    columns = ("session", "portfolio_id", "market_value")
    rows = position_rows(reader, reader.days(position), book.portfolio_ids, columns, quarantined=True)
    shape = (len(position), len(book.portfolio_ids))
    line = np.searchsorted(position, reader.positions_of(rows["session"]))
    cell = line * shape[1] + places_of(rows["portfolio_id"], book.portfolio_ids)
    values = np.nan_to_num(rows["market_value"].to_numpy(dtype=np.float64))
    return np.bincount(cell, weights=values, minlength=shape[0] * shape[1]).reshape(shape)
