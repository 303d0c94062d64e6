"""Cash of books: every dated event, C0, and what lots realised (docs/conventions.md §4)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.lot_prices import end_prices
from sigmasight_assets.calculations.market_panels import Splits, read_dividends, read_splits
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines import cash as cash_engine
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.cash import CashEvents, CashRuns, cumulate
from sigmasight_assets.ledger.book import Book, Lots
from sigmasight_assets.ledger.kept_book import kept_book
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import opening_cash, portfolios


@dataclass(frozen=True)
class BookCash:
    """Running sums of a book's cash events and of its realised gains."""

    cash: CashRuns
    realized: CashRuns
    flows: CashRuns


def read_book_cash(reader: Reader, book: Book, horizon: int) -> BookCash:
    """Every cash event up to calendar position `horizon`."""
    lots = book.lots
    listed = ~lots.is_private
    splits = read_splits(reader, sorted(set(lots.underlying[listed])))
    end_price = end_prices(reader, lots, splits, horizon)
    n = len(book.portfolio_ids)
    flows = CashEvents(book.flow_portfolio, book.flow_position, book.flow_amount)
    ended = np.flatnonzero(lots.end <= horizon)
    paid = lots.quantity * lots.multiplier * lots.entry_price
    factor = np.array([_factor(lots, splits, j) for j in ended.tolist()])
    received = lots.quantity[ended] * (factor if len(ended) else 1.0) * lots.multiplier[ended] * end_price[ended]
    entries = CashEvents(lots.portfolio, lots.entry, -paid)
    exits = CashEvents(lots.portfolio[ended], lots.end[ended], received)
    gains = CashEvents(lots.portfolio[ended], lots.end[ended], received - paid[ended])
    dividends = _dividends(reader, lots, splits, horizon)
    return BookCash(
        cash=cumulate(CashEvents.joined([entries, exits, dividends, flows]), n, horizon),
        realized=cumulate(gains, n, horizon),
        flows=cumulate(flows, n, horizon),
    )


def _factor(lots: Lots, splits: Splits, j: int) -> float:
    """Split factor of a lot on its last session."""
    if lots.asset_class[j] == "private":
        return 1.0
    return float(splits.factors([lots.underlying[j]], lots.entry[j : j + 1], lots.end[j : j + 1])[0, 0])


def _dividends(reader: Reader, lots: Lots, splits: Splits, horizon: int) -> CashEvents:
    """Dividends on share lots with entry < ex-session <= end, on the shares after splits."""
    share = np.flatnonzero(~lots.is_option & ~lots.is_private)
    events = read_dividends(reader, sorted(set(lots.symbol[share])), None, horizon) if len(share) else pd.DataFrame()
    portfolio, position, amount = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    by_symbol = dict(list(events.groupby("symbol"))) if len(events) else {}
    known: dict[tuple[str, int, int], tuple[IntArray, Array, Array]] = {}

    def paid(symbol: str, entry: int, end: int) -> tuple[IntArray, Array, Array]:
        """Ex-sessions between an entry and an end, shares since for one then, dividends per share."""
        rows = by_symbol[symbol]
        at = rows["position"].to_numpy()
        earned = (entry < at) & (at <= end)
        at = at[earned]
        return at, splits.factors([symbol], np.array([entry]), at)[:, 0], rows["dividend"].to_numpy()[earned]

    for j in share.tolist():
        key = (lots.symbol[j], int(lots.entry[j]), int(lots.end[j]))
        if key[0] not in by_symbol:
            continue
        if key not in known:  # many lots of one security begin and end together
            known[key] = paid(*key)
        at, factor, dividend = known[key]
        portfolio.append(np.full(len(at), lots.portfolio[j]))
        position.append(at)
        amount.append(lots.quantity[j] * factor * dividend)
    return CashEvents(np.concatenate(portfolio), np.concatenate(position), np.concatenate(amount))


def opening_cash_frame(reader: Reader, portfolio_ids: Sequence[uuid.UUID] | None) -> tuple[list[uuid.UUID], pd.DataFrame]:
    """Rows of `opening_cash`, and the portfolios they are of (all when None)."""
    book = kept_book(reader.database, reader.connection, reader.calendar, portfolio_ids)
    columns = [(column.name, column.type) for column in opening_cash.columns]
    if not book.portfolio_ids:
        return [], columns_to_frame([], columns)
    runs = read_book_cash(reader, book, int(book.as_of.max())).cash
    opening = cash_engine.opening_cash(runs, book.stated_cash, book.as_of)
    stated = reader.frame(select(portfolios.c.id, portfolios.c.cash_balance)).set_index("id")["cash_balance"]
    unresolved = np.isnan(opening)
    frame = pd.DataFrame(
        {
            "portfolio_id": pd.Series(book.portfolio_ids, dtype=object),
            "cash_as_of": reader.sessions(book.as_of),
            "stated_cash": pd.Series([stated[portfolio] for portfolio in book.portfolio_ids], dtype=object),
            "opening_cash": opening,
            "status": np.where(unresolved, "unavailable", "ok").astype(object),
            "reason": np.where(unresolved, "c0_unresolved", None).astype(object),
        }
    )
    return book.portfolio_ids, frame[[name for name, _ in columns]]


def at_sessions(runs: CashRuns, n_portfolios: int, position: IntArray) -> tuple[Array, np.ndarray]:
    """Running sums, and whether they are known, on a grid: shape (n_sessions, n_portfolios)."""
    grid_position, grid_portfolio = np.meshgrid(position, np.arange(n_portfolios), indexing="ij")
    return runs.at(grid_portfolio, grid_position)
