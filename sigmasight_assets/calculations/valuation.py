"""Books valued over sessions, block by block of lots: what `position_values` and `portfolio_snapshots` are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from sigmasight_assets.calculations.lot_prices import LotPrices, end_prices, price_lots, read_market
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.lot_value import LotPanel, value_lots
from sigmasight_assets.ledger.book import Book, Lots

CELLS_PER_BLOCK = 200_000
"""Lots x sessions valued at once: arrays that the allocator keeps, where larger ones cost a page fault for every 4 KB each time."""


@dataclass(frozen=True)
class Block:
    """Some lots over consecutive sessions; panels of shape (n_sessions, n_lots), the first session only starts the others."""

    lots: Lots
    position: IntArray
    end_price: Array
    prices: LotPrices
    panel: LotPanel


def runs_of(positions: IntArray) -> list[IntArray]:
    """Consecutive stretches of sorted calendar positions."""
    return np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1) if len(positions) else []


def value_blocks(reader: Reader, book: Book, position: IntArray, stored: Sequence[date]) -> Iterator[Block]:
    """Value a book's lots on consecutive sessions, one session more before the first, a block of lots at a time.

    Parameters
    ----------
    position : IntArray of shape (n_sessions,)
        Consecutive calendar positions; each block's panels have n_sessions + 1 rows.
    stored : sequence of date
        Sessions whose option prices may be read from `option_greeks`; others are computed by the same function.
    """
    if not len(book.lots):
        return
    with_before = np.concatenate([position[:1] - 1, position])
    concerned = (book.lots.entry <= position[-1]) & (book.lots.end >= with_before[0])
    if not concerned.any():
        return
    market = read_market(reader, book, with_before, stored)
    size = max(1, CELLS_PER_BLOCK // len(with_before))
    indices = np.flatnonzero(concerned)
    for start in range(0, len(indices), size):
        which = np.zeros(len(book.lots), dtype=bool)
        which[indices[start : start + size]] = True
        lots = book.lots.chosen(which)
        prices = price_lots(book, which, with_before, market)
        end_price = end_prices(reader, lots, market.splits, int(position[-1]))
        panel = value_lots(lots.terms, with_before, prices.split_factor, prices.price, end_price, prices.dividend_per_share)
        yield Block(lots, with_before, end_price, prices, panel)
