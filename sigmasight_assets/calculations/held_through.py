"""Lots over one day: what they were at the close before, what they are now, and which of them were held through it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.kept_rows import position_rows
from sigmasight_assets.calculations.lot_prices import read_market
from sigmasight_assets.calculations.positions import position_frames
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import IntArray
from sigmasight_assets.ledger.kept_book import kept_book
from sigmasight_assets.store.tables import materializations, option_greeks, position_values

ROWS_PER_READ = 200_000
GREEKS = ("delta_dollars", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct")
_COLUMNS = (
    "session", "portfolio_id", "lot_id", "symbol", "underlying", "asset_class", "event", "quantity", "price", "market_value", "cost_basis",
    "notional_exposure", "pnl", "dividends", *GREEKS,
)  # fmt: skip
_OPTION_COLUMNS = ("session", "symbol", "spot", "iv", "iv_source", "rate")


@dataclass(frozen=True)
class DayRows:
    """Rows of `position_values` of some sessions, each with the same lot at the close before.

    Attributes
    ----------
    position : IntArray of shape (n_rows,)
        Calendar position of the row's session.
    now : DataFrame
        Rows of the sessions with the option inputs of the day (`spot`, `iv`, `iv_source`, `rate`; missing for others).
    before : DataFrame
        The same lots at the close before, row by row; all missing where a lot was not held then.
    was_held : ndarray of bool
    """

    position: IntArray
    now: pd.DataFrame
    before: pd.DataFrame
    was_held: np.ndarray


def day_rows(reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID]) -> Iterator[tuple[IntArray, DayRows]]:
    """Rows of sessions in chunks of whole sessions.

    Parameters
    ----------
    position : IntArray
        Calendar positions, sorted.

    Yields
    ------
    (position, rows)
        The sessions of the chunk, and their rows ordered by session, portfolio and lot.
    """
    p = position_values.c
    count = reader.frame(select(func.count().label("n")).where(p.session == reader.day(int(position[-1]))))
    size = max(1, ROWS_PER_READ // max(1, int(count["n"].iloc[0])))
    for start in range(0, len(position), size):
        chunk = position[start : start + size]
        yield chunk, _chunk(reader, chunk, portfolio_ids)


def unstored_before(reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID]) -> list[date]:
    """Closes before sessions, themselves not among them, that the store does not hold for every portfolio: the last one before the
    first book session, and those before gaps in what has been materialized."""
    m = materializations.c
    earlier = [reader.day(p) for p in np.setdiff1d(position - 1, position).tolist()]
    if not earlier:
        return []
    query = select(m.session, func.count().label("n")).where(
        m.table_name == "position_values", m.session.between(earlier[0], earlier[-1]), m.portfolio_id.in_(list(portfolio_ids))
    )
    rows = reader.frame(query.group_by(m.session))
    complete = {day.date() for day, n in zip(rows["session"], rows["n"], strict=True) if n == len(portfolio_ids)}
    return [day for day in earlier if day not in complete]


def _chunk(reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID]) -> DayRows:
    days = [reader.day(p) for p in np.union1d(position, position - 1).tolist()]
    missing = unstored_before(reader, position, portfolio_ids)
    rows, options = position_rows(reader, days, portfolio_ids, _COLUMNS), _stored_options(reader, days)
    if missing:
        rows = rows[~rows["session"].dt.date.isin(set(missing))]
        computed = [frame[list(_COLUMNS)] for _, frame in position_frames(reader, missing, portfolio_ids, stored_options=False)]
        rows = pd.concat([frame for frame in (*computed, rows) if len(frame)] or [rows], ignore_index=True)
        options = pd.concat([_computed_options(reader, missing, portfolio_ids), options], ignore_index=True)
        options = options.drop_duplicates(["session", "symbol"])
    place = _matches((options["session"], options["symbol"]), (rows["session"], rows["symbol"]))
    for name in ("spot", "iv", "rate"):
        rows[name] = np.append(options[name].to_numpy(dtype=np.float64), np.nan)[place]  # the last where there is none
    rows["iv_source"] = np.append(options["iv_source"].to_numpy(dtype=object), None)[place]
    at = reader.positions_of(rows["session"])
    is_now = np.isin(at, position)
    is_open = rows["event"].isna().to_numpy()
    now, before = rows[is_now].reset_index(drop=True), rows[is_open].reset_index(drop=True)
    found = _matches((at[is_open] + 1, _numbers(before["lot_id"])), (at[is_now], _numbers(now["lot_id"])))
    return DayRows(at[is_now], now, before.reindex(found).reset_index(drop=True), found >= 0)


def _numbers(ids: pd.Series) -> np.ndarray:
    """Ids as the numbers that they are: the hash of an id is Python's and slow."""
    return np.array([one.int for one in ids], dtype=object)


def _matches(of: tuple[Any, Any], wanted: tuple[Any, Any]) -> IntArray:
    """Row of `of` for each row of `wanted`, by both columns; -1 where there is none. The rows of `of` are distinct."""
    n = len(of[0])
    codes = [pd.factorize(np.concatenate([np.asarray(left), np.asarray(right)]))[0] for left, right in zip(of, wanted, strict=True)]
    key = codes[0].astype(np.int64) * (int(codes[1].max(initial=0)) + 1) + codes[1]
    order = np.argsort(key[:n], kind="stable")
    at = np.searchsorted(key[:n][order], key[n:])
    row = np.append(order, -1)[np.minimum(at, n)]
    return np.where((row >= 0) & (key[:n][row] == key[n:]), row, -1) if n else np.full(len(key), -1, dtype=np.int64)


def _stored_options(reader: Reader, days: Sequence[date]) -> pd.DataFrame:
    g = option_greeks.c
    query = select(*(g[name] for name in _OPTION_COLUMNS)).where(
        g.session.between(days[0], days[-1]), g.session.in_(list(days)), g.status != "quarantined"
    )
    return reader.frame(query)


def _computed_options(reader: Reader, days: Sequence[date], portfolio_ids: Sequence[uuid.UUID]) -> pd.DataFrame:
    """Option inputs of closes that the store does not hold, by the function that makes `option_greeks`."""
    book = kept_book(reader.database, reader.connection, reader.calendar, portfolio_ids)
    parts = [read_market(reader, book, reader.positions([day]), []).option_rows for day in days]
    return pd.concat(parts, ignore_index=True)[list(_OPTION_COLUMNS)]
