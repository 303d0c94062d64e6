"""One function per table: read inputs, call the engine, replace the rows. Assets call these; so may anything without Dagster."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sigmasight_assets.calculations import cash, market, options, positions, snapshots
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.calculations.restatements import recorder
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.errors import SessionNotClosed
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store import tables
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.provenance import Computation
from sigmasight_assets.store.writing import Replaced, replace

Progress = Callable[[str, int, int], None]
"""Called with (table, sessions done, sessions in all)."""


def _silent(_table: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Workshop:
    """What a materialization works with.

    Attributes
    ----------
    run_id : str
        Stamped on what is written.
    portfolios : sequence of UUID or None
        The scope; None is every portfolio.
    clock : callable
        The present moment: sessions that close after it are refused.
    """

    database: Database
    calendar: SessionCalendar
    provider: MarketDataProvider
    run_id: str
    portfolios: Sequence[uuid.UUID] | None = None
    progress: Progress = _silent
    clock: Callable[[], datetime] = utc_now

    def computation(self, table: str) -> Computation:
        """To be called before the inputs are read: what changes later makes the rows stale."""
        return Computation(self.run_id, CODE_VERSIONS[table], self.database.moment_of_reading())

    def require_closed(self, sessions: Sequence[date]) -> None:
        """Refuse sessions that have not closed: their prices are not final.

        Raises
        ------
        SessionNotClosed
            Naming the first of them and the last session that has closed.
        """
        last = self.calendar.last_closed(self.clock())
        early = sorted(session for session in sessions if session > last)
        if early:
            raise SessionNotClosed(
                f"The session {early[0]} has not closed: the last closed session is {last}. "
                f"Run it after {self.calendar.close_time(early[0]):%Y-%m-%d %H:%M} UTC."
            )


NOT_PROVIDED = ("unavailable", "provider_has_none")
"""How market data without rows are recorded: nothing is not a success."""


def security_master(shop: Workshop) -> Replaced:
    computation = shop.computation("security_master")
    return replace(shop.database, tables.security_master, market.master_frame(shop.provider), computation, empty=NOT_PROVIDED)


def prices(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    shop.require_closed(sessions)
    computation = shop.computation("prices")
    with reading(shop.database, shop.calendar) as reader:
        frame = market.price_frame(reader, shop.provider, sessions)
    before = recorder(shop.database, "prices", computation)
    return replace(shop.database, tables.prices, frame, computation, sessions=sessions, empty=NOT_PROVIDED, before=before)


def treasury_yields(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    shop.require_closed(sessions)
    computation = shop.computation("treasury_yields")
    frame = market.yield_frame(shop.provider, sessions)
    before = recorder(shop.database, "treasury_yields", computation)
    return replace(shop.database, tables.treasury_yields, frame, computation, sessions=sessions, empty=NOT_PROVIDED, before=before)


def option_quotes(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    shop.require_closed(sessions)
    computation = shop.computation("option_quotes")
    frame = market.quote_frame(shop.provider, sessions)
    before = recorder(shop.database, "option_quotes", computation)
    return replace(shop.database, tables.option_quotes, frame, computation, sessions=sessions, empty=NOT_PROVIDED, before=before)


def opening_cash(shop: Workshop) -> Replaced:
    computation = shop.computation("opening_cash")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frame = cash.opening_cash_frame(reader, shop.portfolios)
    return replace(shop.database, tables.opening_cash, frame, computation, portfolios=portfolios)


def option_greeks(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("option_greeks")
    with reading(shop.database, shop.calendar) as reader:
        frame = options.greeks_of_held_options(reader, sessions)
    return replace(shop.database, tables.option_greeks, frame, computation, sessions=sessions)


def position_values(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("position_values")
    total, done = Replaced(), 0
    with reading(shop.database, shop.calendar) as reader:
        portfolios = positions.portfolios_of(reader, shop.portfolios)
        for chunk, frame in positions.position_frames(reader, sessions, portfolios):
            total.add(replace(shop.database, tables.position_values, frame, computation, sessions=chunk, portfolios=portfolios))
            done += len(chunk)
            shop.progress("position_values", done, len(sessions))
    return total


def portfolio_snapshots(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("portfolio_snapshots")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frame = snapshots.snapshot_frame(reader, sessions, shop.portfolios)
    return replace(shop.database, tables.portfolio_snapshots, frame, computation, sessions=sessions, portfolios=portfolios)
