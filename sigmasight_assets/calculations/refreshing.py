"""From stale row sets to the runs that bring exactly them up to date."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import select

from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.tables import portfolios

Scope = frozenset[uuid.UUID]
Work = frozenset[tuple[tuple[str, ...], Scope | None]]
"""What one session needs: (tables, portfolios) pairs; None is every portfolio."""


@dataclass(frozen=True)
class Refresh:
    """One run: tables over consecutive sessions, for some portfolios.

    Attributes
    ----------
    tables : tuple of str
        In lineage order; of one job (`is_market`).
    portfolio_ids : tuple of UUID or None
        None is every portfolio.
    """

    tables: tuple[str, ...]
    first: date
    last: date
    portfolio_ids: tuple[uuid.UUID, ...] | None = None

    @property
    def is_market(self) -> bool:
        return self.tables[0] in MARKET


def next_refreshes(stale: pd.DataFrame, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID]) -> list[Refresh]:
    """The runs to make now, in order; empty when nothing is stale.

    They are of one phase: market data, then opening cash, then what is the same for all books, then the books by session. After each
    phase staleness is to be judged anew: what came out as it was before leaves nothing stale behind it.

    Parameters
    ----------
    stale : DataFrame
        Columns `table`, `session`, `portfolio_id` (`store.stale_rows.COLUMNS`).
    sessions : sequence of date
        The sessions that can be computed, in order; stale row sets outside them are left out.
    portfolio_ids : sequence of UUID
        Every portfolio: a run for all of them is not scoped.
    """
    if stale.empty or not sessions:
        return []
    everybody = frozenset(portfolio_ids)
    is_market, is_own = stale["table"].isin(MARKET), stale["table"].isin(BY_PORTFOLIO)
    is_dated = stale["session"].notna()
    for wanted in (is_market, ~is_market):
        undated = _undated(stale[wanted & ~is_dated], sessions[-1], everybody)
        shared = _segments(_work(stale[wanted & is_dated & ~is_own], everybody), sessions)
        if found := (undated + shared if wanted is is_market else undated or shared):
            return found
    return _segments(_work(stale[is_dated & is_own], everybody), sessions)


def pending_refreshes(
    database: Database, calendar: SessionCalendar, provider: MarketDataProvider, first_book_session: date, stale: pd.DataFrame
) -> list[Refresh]:
    """`next_refreshes` of this deployment; rows of sessions that are no partitions (any more) cannot be computed and are left out."""
    if stale.empty:
        return []
    sessions = calendar.between(provider.first_session(), provider.last_session(utc_now()))
    everybody = sorted(database.frame(select(portfolios.c.id))["id"])
    computable = stale["session"].isna() | stale["table"].isin(MARKET) | (stale["session"] >= pd.Timestamp(first_book_session))
    return next_refreshes(stale[computable], sessions, everybody)


def _undated(rows: pd.DataFrame, session: date, everybody: Scope) -> list[Refresh]:
    out = []
    for table in UNDATED:
        mine = rows[rows["table"] == table]
        if len(mine):
            scope = _scope(frozenset(mine["portfolio_id"].dropna()), everybody) if table in BY_PORTFOLIO else None
            out.append(Refresh((table,), session, session, scope))
    return out


def _scope(chosen: Scope, everybody: Scope) -> tuple[uuid.UUID, ...] | None:
    return None if chosen >= everybody else tuple(sorted(chosen))


def _work(rows: pd.DataFrame, everybody: Scope) -> dict[date, Work]:
    """For each session the tables to compute and for whom; portfolios that need the same tables go together."""
    needed: dict[date, dict[uuid.UUID | None, set[str]]] = {}
    for table, session, portfolio in zip(rows["table"], rows["session"], rows["portfolio_id"], strict=True):
        whose = portfolio if isinstance(portfolio, uuid.UUID) else None
        needed.setdefault(session.date(), {}).setdefault(whose, set()).add(table)
    order = list(LINEAGE)
    out: dict[date, Work] = {}
    for session, by_portfolio in needed.items():
        together: dict[tuple[str, ...], set[uuid.UUID]] = {}
        for whose, tables in by_portfolio.items():
            together.setdefault(tuple(sorted(tables, key=order.index)), set()).update(set() if whose is None else {whose})
        out[session] = frozenset((tables, frozenset(whose) or None) for tables, whose in together.items())
    return {
        session: frozenset((tables, None if whose is None or whose >= everybody else whose) for tables, whose in work)
        for session, work in out.items()
    }


def _segments(work: Mapping[date, Work], sessions: Sequence[date]) -> list[Refresh]:
    """Consecutive sessions with the same work become one run each; earlier sessions first, as later ones read them."""
    out: list[Refresh] = []
    current: Work = frozenset()
    first = last = sessions[0]
    for session in [*sessions, None]:
        here = work.get(session, frozenset()) if session is not None else frozenset()
        if here != current:
            for tables, whose in sorted(current, key=lambda one: one[0]):
                out.append(Refresh(tables, first, last, tuple(sorted(whose)) if whose else None))
            current, first = here, session or last
        last = session or last
    return out
