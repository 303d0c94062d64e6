"""Books of record as arrays: lots, flows and marks of portfolios, dated in calendar positions.

Loading is the ledger's boundary: exact decimals become float64 here, and every date becomes the session on which it counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Select, select

from sigmasight_assets.engines.arrays import NEVER, Array, BoolArray, IntArray
from sigmasight_assets.engines.lot_value import LotTerms, ended_by
from sigmasight_assets.ledger.event_sessions import event_session, settlement_session
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.arrays import by_object
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import appraisals, flows, instruments, lots, portfolios

ObjectArray = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Lots:
    """Lots of one or more books, each array of shape (n_lots,), ordered by portfolio and entry into the ledger.

    `portfolio` indexes `Book.portfolio_ids`; `entry`, `exit`, `settlement` and `end` are calendar positions (`NEVER` where there is
    none); `exit_price` is NaN while open; `strike` and `expiry` are as listed at entry (NaN, NaT for others).
    """

    lot_id: ObjectArray
    portfolio: IntArray
    symbol: ObjectArray
    asset_class: ObjectArray
    underlying: ObjectArray
    quantity: Array
    multiplier: Array
    entry_price: Array
    entry: IntArray
    exit: IntArray
    exit_price: Array
    settlement: IntArray
    end: IntArray
    is_settled: BoolArray
    expiry: npt.NDArray[np.datetime64]
    strike: Array
    option_type: ObjectArray
    exercise_style: ObjectArray

    @property
    def is_option(self) -> BoolArray:
        return np.asarray(self.asset_class == "option")

    @property
    def is_private(self) -> BoolArray:
        return np.asarray(self.asset_class == "private")

    @property
    def terms(self) -> LotTerms:
        earns = np.asarray(self.asset_class == "equity")
        return LotTerms(self.quantity, self.multiplier, self.entry_price, self.entry, self.end, earns)

    def __len__(self) -> int:
        return len(self.lot_id)

    def chosen(self, which: BoolArray | IntArray) -> Lots:
        return Lots(**{name: values[which] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Book:
    """What some portfolios own.

    Attributes
    ----------
    portfolio_ids : list of UUID
    stated_cash : Array of shape (n_portfolios,)
    as_of : IntArray of shape (n_portfolios,)
        Calendar position of the stated cash.
    lots : Lots
    flow_portfolio, flow_position, flow_amount : arrays of shape (n_flows,)
    mark_portfolio, mark_symbol, mark_position, mark_price : arrays of shape (n_marks,)
        Appraisals, in order of position.
    """

    portfolio_ids: list[uuid.UUID]
    stated_cash: Array
    as_of: IntArray
    lots: Lots
    flow_portfolio: IntArray
    flow_position: IntArray
    flow_amount: Array
    mark_portfolio: IntArray
    mark_symbol: ObjectArray
    mark_position: IntArray
    mark_price: Array


def load_book(
    database: Database, connection: Connection, calendar: SessionCalendar, portfolio_ids: Sequence[uuid.UUID] | None = None
) -> Book:
    """The books of the given portfolios (all when None), in three queries and one for marks, whatever their number."""
    heads = database.frame(scoped(select(portfolios.c.id, portfolios.c.cash_balance, portfolios.c.cash_as_of), portfolio_ids), connection)
    ids = sorted(heads["id"]) if len(heads) else []
    heads = heads.set_index("id").loc[ids] if ids else heads
    place = {portfolio: i for i, portfolio in enumerate(ids)}
    stated_as_of = [day.date() for day in heads["cash_as_of"]]
    dates = _Dates(calendar, stated_as_of)
    as_of = [calendar.position(calendar.roll_back(day)) for day in stated_as_of]
    flow = _ordered(database.frame(scoped(select(flows), portfolio_ids, flows.c.portfolio_id), connection), place)
    mark = _ordered(database.frame(scoped(select(appraisals), portfolio_ids, appraisals.c.portfolio_id), connection), place)
    mark_position = dates.positions(mark["date"], mark["place"].to_numpy())
    in_time = np.argsort(mark_position, kind="stable")
    return Book(
        portfolio_ids=ids,
        stated_cash=_floats(heads["cash_balance"]),
        as_of=np.array(as_of, dtype=np.int64),
        lots=_lots(database, connection, calendar, place, dates, portfolio_ids),
        flow_portfolio=flow["place"].to_numpy(),
        flow_position=dates.positions(flow["date"], flow["place"].to_numpy()),
        flow_amount=_floats(flow["amount"]),
        mark_portfolio=mark["place"].to_numpy()[in_time],
        mark_symbol=mark["symbol"].to_numpy(dtype=object)[in_time],
        mark_position=mark_position[in_time],
        mark_price=_floats(mark["price_per_unit"])[in_time],
    )


_READ = ("id", "portfolio_id", "symbol", "asset_class", "quantity", "entry_price", "entry_date", "exit_date", "exit_price", "ordinal")


def _lots(
    database: Database,
    connection: Connection,
    calendar: SessionCalendar,
    place: dict[uuid.UUID, int],
    dates: _Dates,
    portfolio_ids: Sequence[uuid.UUID] | None,
) -> Lots:
    terms = instruments.c
    query = select(
        *(lots.c[name] for name in _READ),
        terms.underlying,
        terms.multiplier,
        terms.expiry,
        terms.strike,
        terms.option_type,
        terms.exercise_style,
    ).join_from(lots, instruments, (lots.c.symbol == terms.symbol) & (lots.c.asset_class == terms.asset_class))
    frame = database.frame(scoped(query, portfolio_ids, lots.c.portfolio_id), connection)
    frame = _ordered(frame, place).sort_values(["place", "ordinal"], kind="stable")
    portfolio = frame["place"].to_numpy()
    settlement = _settlements(frame["expiry"], calendar)
    entry = np.minimum(dates.positions(frame["entry_date"], portfolio), settlement)
    exit_ = dates.positions(frame["exit_date"], portfolio)
    wins = frame["exit_date"].notna().to_numpy() & (frame["expiry"].isna() | (frame["exit_date"] <= frame["expiry"])).to_numpy()
    exit_ = np.where(wins, np.maximum(np.minimum(exit_, settlement), entry), exit_)
    end, settled = ended_by(exit_, settlement)
    is_settled = settled & ~wins
    return Lots(
        lot_id=frame["id"].to_numpy(dtype=object),
        portfolio=portfolio,
        symbol=frame["symbol"].to_numpy(dtype=object),
        asset_class=frame["asset_class"].to_numpy(dtype=object),
        underlying=frame["underlying"].to_numpy(dtype=object),
        quantity=_floats(frame["quantity"]),
        multiplier=frame["multiplier"].to_numpy(dtype=np.float64),
        entry_price=_floats(frame["entry_price"]),
        entry=entry,
        exit=exit_,
        exit_price=_floats(frame["exit_price"]),
        settlement=settlement,
        end=end,
        is_settled=is_settled,
        expiry=frame["expiry"].to_numpy().astype("datetime64[D]"),
        strike=_floats(frame["strike"]),
        option_type=frame["option_type"].to_numpy(dtype=object),
        exercise_style=frame["exercise_style"].to_numpy(dtype=object),
    )


class _Dates:
    """Dates to calendar positions, each distinct (date, as-of) looked up once."""

    def __init__(self, calendar: SessionCalendar, stated_as_of: list[date]) -> None:
        self._calendar, self._as_of = calendar, stated_as_of
        self._known: dict[tuple[date, date], int] = {}

    def positions(self, days: pd.Series, portfolio: IntArray) -> IntArray:
        """Calendar position of each date, `NEVER` where there is none; `portfolio` says whose as-of date counts."""
        code, distinct = pd.factorize(days)  # -1 where there is no date
        day, n = [one.date() for one in distinct], max(len(self._as_of), 1)
        out = np.full(len(code), NEVER, dtype=np.int64)
        pairs, which = np.unique(code[code >= 0] * n + portfolio[code >= 0], return_inverse=True)
        out[code >= 0] = np.array([self._position(day[i // n], self._as_of[i % n]) for i in pairs.tolist()], dtype=np.int64)[which]
        return out

    def _position(self, day: date, as_of: date) -> int:
        if (day, as_of) not in self._known:
            self._known[day, as_of] = self._calendar.position(event_session(day, as_of, self._calendar))
        return self._known[day, as_of]


def _settlements(expiry: pd.Series, calendar: SessionCalendar) -> IntArray:
    """Calendar positions of the settlements; `NEVER` for what does not expire, or expires after the calendar's end."""
    code, distinct = pd.factorize(expiry)  # -1 where there is no date
    days = [day.date() for day in distinct]
    known = [NEVER if day > calendar.last_date else calendar.position(settlement_session(day, calendar)) for day in days]
    return np.array([*known, NEVER], dtype=np.int64)[code]


def scoped(query: Select[Any], portfolio_ids: Sequence[uuid.UUID] | None, column: Any = portfolios.c.id) -> Select[Any]:
    return query if portfolio_ids is None else query.where(column.in_(list(portfolio_ids)))


def _ordered(frame: pd.DataFrame, place: dict[uuid.UUID, int]) -> pd.DataFrame:
    return frame.assign(place=by_object(frame["portfolio_id"].tolist(), place.__getitem__).astype(np.int64))


def _floats(values: pd.Series) -> Array:
    return by_object(values.tolist(), lambda value: np.nan if value is None else float(value)).astype(np.float64)
