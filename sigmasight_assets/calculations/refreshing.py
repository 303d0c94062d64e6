"""From stale row sets to the runs that bring exactly them up to date."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, MARKET, UNDATED

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


def refreshes(stale: pd.DataFrame, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID]) -> list[Refresh]:
    """Runs in the order in which they have to be made: market data, what is the same for all books, then the books by session.

    Parameters
    ----------
    stale : DataFrame
        Columns `table`, `session`, `portfolio_id` (`store.staleness.COLUMNS`).
    sessions : sequence of date
        The sessions that can be computed, in order; stale row sets outside them are left out.
    portfolio_ids : sequence of UUID
        Every portfolio: a run for all of them is not scoped.
    """
    if stale.empty or not sessions:
        return []
    everybody = frozenset(portfolio_ids)
    undated = stale[stale["session"].isna()]
    dated = stale[stale["session"].notna()]
    out: list[Refresh] = []
    for wanted in (lambda name: name in MARKET, lambda name: name not in MARKET):
        out += _undated(undated[[wanted(name) for name in undated["table"]]], sessions[-1], everybody)
        shared = [wanted(name) and name not in BY_PORTFOLIO for name in dated["table"]]
        out += _segments(_work(dated[shared], everybody), sessions)
    own = [name in BY_PORTFOLIO for name in dated["table"]]
    return out + _segments(_work(dated[own], everybody), sessions)


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
