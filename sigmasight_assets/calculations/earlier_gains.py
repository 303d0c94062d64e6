"""P&L of sessions that are not asked for: stored where it is current, else computed as it would be stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.valuation import runs_of, value_blocks
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.ledger.book import Book
from sigmasight_assets.store.staleness import NEVER, Grid, current_row_sets, microseconds
from sigmasight_assets.store.tables import materializations, portfolio_snapshots

STRETCH = 63
"""Sessions that are valued at once."""


def earlier_gains(reader: Reader, book: Book, position: IntArray, version: str) -> Array:
    """P&L of portfolios on sessions, dividends among it.

    A stored figure counts where it was made of the `position_values` that are stored and those are not stale: then it is what computing
    it anew would give, to the last bit.

    Parameters
    ----------
    position : IntArray of shape (n_sessions,)
        Sorted calendar positions.
    version : str
        The code version whose `portfolio_snapshots` count.

    Returns
    -------
    Array of shape (n_sessions, n_portfolios)
    """
    shape = (len(position), len(book.portfolio_ids))
    if not len(position):
        return np.zeros(shape)
    gains, known = _stored(reader, book, position, version)
    first_entry = np.full(shape[1], np.iinfo(np.int64).max)
    np.minimum.at(first_entry, book.lots.portfolio, book.lots.entry)
    known |= position[:, None] < first_entry
    missing = ~known
    if missing.any():
        some, owners = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
        part = replace(book, lots=book.lots.chosen(np.isin(book.lots.portfolio, owners)))
        computed, _ = computed_gains(reader, part, position[some])
        gains[some] = np.where(missing[some], computed, gains[some])
    return gains


def computed_gains(reader: Reader, book: Book, position: IntArray) -> tuple[Array, Array]:
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


def _stored(reader: Reader, book: Book, position: IntArray, version: str) -> tuple[Array, BoolArray]:
    """Stored P&L, 0 where it does not count, and whether it counts; each of shape (n_sessions, n_portfolios)."""
    shape = (len(position), len(book.portfolio_ids))
    gains, known = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
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
    if not inside.any():
        return gains, known
    cell = np.searchsorted(position, at[inside]), owner[inside].to_numpy(dtype=np.int64)
    gains[cell] = rows["pnl"].to_numpy()[inside]
    read = np.full(shape, NEVER, dtype=np.int64)
    read[cell] = microseconds(rows["computed_at"].dt.tz_localize(None).to_numpy())[inside]
    sessions = reader.calendar.between(_first_stored(reader), last)
    grid = Grid(sessions, book.portfolio_ids)
    changed, current = current_row_sets(reader.database, reader.connection, grid, CODE_VERSIONS, "position_values", first)
    line = np.searchsorted(np.array(sessions, dtype="datetime64[D]"), reader.calendar.days[position])
    known = (read != NEVER) & current[line] & (changed[line] <= read)
    return np.where(known, gains, 0.0), known


def _first_stored(reader: Reader) -> date:
    """The first session of which anything is stored."""
    first: pd.Timestamp = reader.frame(select(func.min(materializations.c.session).label("first")))["first"].iloc[0]
    return first.date()
