"""Which sessions a run of some tables has to compute: those asked for, and the market sessions before them that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sigmasight_assets.errors import NotASession, NotFound
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BOOK, LINEAGE, MARKET, UNDATED, downstream_of
from sigmasight_assets.store.tables import materializations

if TYPE_CHECKING:
    from sigmasight_assets.providers.protocol import MarketDataProvider


@dataclass(frozen=True)
class Coverage:
    """The sessions that can be computed.

    Attributes
    ----------
    last_session : date
        The last session that the market data cover.
    first_book_session : date
        The first session of the portfolio tables.
    """

    calendar: SessionCalendar
    provider: MarketDataProvider
    last_session: date
    first_book_session: date


@dataclass(frozen=True)
class Plan:
    """What to run: sessions of each job, empty where there is none.

    Attributes
    ----------
    notes : tuple of str
        What of the request is left out, and why.
    """

    market: list[date]
    book: list[date]
    assets: tuple[str, ...] = ()
    portfolio_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def selected(self, job_tables: Sequence[str]) -> list[str] | None:
        """The asset selection of a job: None for all of it, empty for nothing of it."""
        return [table for table in job_tables if table in self.assets] if self.assets else None

    def describe(self) -> str:
        """The plan in one line."""
        parts = []
        for name, sessions, tables in (("market", self.market, MARKET), ("book", self.book, BOOK)):
            chosen = self.selected(tables)
            if sessions and chosen != []:
                span = f"{sessions[0]} … {sessions[-1]}" if len(sessions) > 1 else str(sessions[0])
                only = f": {', '.join(chosen)}" if chosen else ""
                parts.append(f"{len(sessions):,} {name} session{'s' * (len(sessions) != 1)} ({span}{only})")
        return f"Materializing {' and '.join(parts)}."


def plan_range(
    database: Database,
    coverage: Coverage,
    first: date,
    last: date,
    assets: Sequence[str] = (),
    portfolio_ids: Sequence[str] = (),
    *,
    downstream: bool = False,
) -> Plan:
    """Sessions of a range, and the market sessions before it that its windows read and that are not stored yet.

    Parameters
    ----------
    downstream : bool
        Whether to compute what is made of the assets too.

    Raises
    ------
    NotFound
        For an asset that does not exist.
    NotASession
        Where the range holds no session of the data, or none of the assets asked for.
    """
    unknown = sorted(set(assets) - set(LINEAGE))
    if unknown:
        raise NotFound(f"--assets: expected names out of {', '.join(LINEAGE)}, was {', '.join(unknown)}.")
    chosen = tuple(downstream_of(set(assets))) if assets and downstream else tuple(assets)
    calendar, provider, end = coverage.calendar, coverage.provider, coverage.last_session
    begin, first_book = provider.first_session(), coverage.first_book_session
    sessions = [day for day in calendar.between(first, last) if begin <= day <= end]
    if not sessions:
        raise NotASession(f"There is no session of the data between {first} and {last}: the {provider.name} data cover {begin} … {end}.")
    book = [day for day in sessions if day >= first_book]
    if not book and (portfolio_ids or (chosen and not set(chosen) & set(MARKET))):
        raise NotASession(f"There is no session of the portfolios between {first} and {last}: they begin on {first_book}.")
    market: list[date] = []
    if not chosen or set(chosen) & set(MARKET):
        dated = [table for table in MARKET if table not in UNDATED]
        stored = _sessions_with_all(database, [table for table in dated if table in chosen] or dated)
        missing = [day for day in calendar.between(begin, sessions[-1]) if day not in stored]
        market = calendar.between(min([sessions[0], *missing]), sessions[-1])
    notes = []
    if last > end:
        notes.append(f"The {provider.name} data end on {end}: later sessions are left out.")
    if first < begin:
        notes.append(f"The {provider.name} data begin on {begin}: earlier sessions are left out.")
    if sessions[0] < first_book:
        notes.append(f"Portfolios are computed from {first_book} on.")
    return Plan(market, book, chosen, tuple(portfolio_ids), tuple(notes))


def _sessions_with_all(database: Database, tables: Sequence[str]) -> set[date]:
    """Sessions of which every one of the tables is stored: a process may have died between two of them."""
    m = materializations.c
    query = select(m.session).where(m.table_name.in_(tables)).group_by(m.session).having(func.count(m.table_name.distinct()) == len(tables))
    return set(database.columns(query)["session"].astype("datetime64[D]").tolist())
