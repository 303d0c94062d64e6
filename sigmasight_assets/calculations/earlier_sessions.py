"""P&L and values of sessions that are not asked for: stored where they are current, else computed as they would be stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.nav import stored_market_value
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.valuation import runs_of, value_blocks
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.ledger.book import Book
from sigmasight_assets.store.staleness import NEVER, Grid, current_row_sets, microseconds
from sigmasight_assets.store.tables import materializations, portfolio_snapshots

STRETCH = 63
"""Sessions that are valued at once."""


class EarlierSessions:
    """P&L and market values of a book's portfolios on sessions.

    A stored figure counts where it was made of the `position_values` that are stored and those are not stale: then it is what computing
    it anew would give, to the last bit.

    Parameters
    ----------
    position : IntArray of shape (n_sessions,)
        Sorted calendar positions: those that will be asked for.
    """

    def __init__(self, reader: Reader, book: Book, position: IntArray) -> None:
        self._reader, self._book, self._position = reader, book, position
        shape = (len(position), len(book.portfolio_ids))
        self._changed, self._current = np.full(shape, NEVER, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
        if len(position):
            first, last = reader.day(int(position[0])), reader.day(int(position[-1]))
            sessions = reader.calendar.between(min(_first_stored(reader), first), last)
            grid = Grid(sessions, book.portfolio_ids)
            changed, current = current_row_sets(reader.database, reader.connection, grid, CODE_VERSIONS, "position_values", first)
            line = np.searchsorted(np.array(sessions, dtype="datetime64[D]"), reader.calendar.days[position])
            self._changed, self._current = changed[line], current[line]
        first_entry = np.full(shape[1], np.iinfo(np.int64).max)
        np.minimum.at(first_entry, book.lots.portfolio, book.lots.entry)
        self._is_before_entry = position[:, None] < first_entry

    def gains(self, position: IntArray, version: str) -> Array:
        """P&L, dividends among it, shape (n_sessions, n_portfolios); `version`: of the `portfolio_snapshots` that count."""
        line = np.searchsorted(self._position, position)
        gains, made = _stored_gains(self._reader, self._book, position, version)
        known = (made != NEVER) & self._current[line] & (self._changed[line] <= made)
        return self._completed(position, np.where(known, gains, 0.0), known | self._is_before_entry[line], 0)

    def market_values(self, position: IntArray) -> Array:
        """Sums over the lots, shape (n_sessions, n_portfolios)."""
        line = np.searchsorted(self._position, position)
        known = self._current[line]
        values = np.zeros(known.shape)
        some = np.flatnonzero(known.any(axis=1))
        if len(some):
            values[some] = stored_market_value(self._reader, self._book, position[some])
        return self._completed(position, np.where(known, values, 0.0), known | self._is_before_entry[line], 1)

    def _completed(self, position: IntArray, figures: Array, known: BoolArray, which: int) -> Array:
        """Figures with those that are not known computed: P&L (0) or market value (1)."""
        missing = ~known
        if missing.any():
            some, owners = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
            part = replace(self._book, lots=self._book.lots.chosen(np.isin(self._book.lots.portfolio, owners)))
            computed = _computed(self._reader, part, position[some])[which]
            figures[some] = np.where(missing[some], computed, figures[some])
        return figures


def _computed(reader: Reader, book: Book, position: IntArray) -> tuple[Array, Array]:
    """P&L and market value of portfolios on sessions, each of shape (n_sessions, n_portfolios), computed from prices.

    Lots are added in the order of the stored rows, so that a number does not depend on which sessions it is computed with.
    """
    lots = book.lots
    order = np.lexsort((np.array([lot.bytes for lot in lots.lot_id], dtype="S16"), lots.portfolio))
    book = replace(book, lots=lots.chosen(order))
    gains, values = (np.zeros((len(position), len(book.portfolio_ids))) for _ in range(2))
    start = 0
    for run in _stretches(position):
        here = slice(start, start + len(run))
        for block in value_blocks(reader, book, run, []):
            column = (slice(None), block.lots.portfolio)
            np.add.at(gains[here], column, np.nan_to_num(block.panel.pnl[1:]) + block.panel.dividends[1:])
            np.add.at(values[here], column, np.nan_to_num(block.panel.market_value[1:]))
        start += len(run)
    return gains, values


def _stretches(position: IntArray) -> Iterator[IntArray]:
    """Consecutive sessions, a quarter of a year at most, so that a lot is valued from about its entry on."""
    for run in runs_of(position):
        yield from np.split(run, range(STRETCH, len(run), STRETCH))


def _stored_gains(reader: Reader, book: Book, position: IntArray, version: str) -> tuple[Array, IntArray]:
    """Stored P&L, and when what it is made of was read (NEVER where there is none); each of shape (n_sessions, n_portfolios)."""
    shape = (len(position), len(book.portfolio_ids))
    gains, made = np.zeros(shape), np.full(shape, NEVER, dtype=np.int64)
    if not len(position):
        return gains, made
    first, last = reader.day(int(position[0])), reader.day(int(position[-1]))
    snapshot, record = portfolio_snapshots.c, materializations.c
    written = (record.table_name == "portfolio_snapshots") & (record.code_version == version)
    same = (record.session == snapshot.session) & (record.portfolio_id == snapshot.portfolio_id)
    query = (
        select(snapshot.session, snapshot.portfolio_id, snapshot.pnl, record.computed_at)
        .join_from(portfolio_snapshots, materializations, written & same)
        .where(snapshot.session.between(first, last), snapshot.status != "quarantined")
    )
    rows = reader.frame(query)
    place = {portfolio: i for i, portfolio in enumerate(book.portfolio_ids)}
    owner, at = rows["portfolio_id"].map(place), reader.positions_of(rows["session"])
    inside = owner.notna().to_numpy() & np.isin(at, position)
    cell = np.searchsorted(position, at[inside]), owner[inside].to_numpy(dtype=np.int64)
    gains[cell] = rows["pnl"].to_numpy()[inside]
    made[cell] = microseconds(rows["computed_at"].dt.tz_localize(None).to_numpy())[inside]
    return gains, made


def _first_stored(reader: Reader) -> date:
    """The first session of which anything is stored, else the last date that there is."""
    first: pd.Timestamp = reader.frame(select(func.min(materializations.c.session).label("first")))["first"].iloc[0]
    return date.max if pd.isna(first) else first.date()
