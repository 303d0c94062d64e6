"""Historical value at risk of books, session by session, and the gain that it is compared with (docs/conventions.md §9)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.holdings import Holdings, read_holdings
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.simulation import covered_lots, read_returns, simulate
from sigmasight_assets.engines import value_at_risk
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.value_at_risk import LEVELS, WINDOW
from sigmasight_assets.store.tables import position_values

LOWEST_COVERAGE = 0.25
"""Share of the book below which value at risk would say nothing about it."""


@dataclass(frozen=True)
class BookTail:
    """One book's losses under the returns of the last 252 sessions.

    Attributes
    ----------
    pnl : Array of shape (n_scenarios,)
        Gain of the covered lots in each, oldest session first.
    coverage : float
        NaN where nothing is held.
    figures : dict of str to float
        `var_95`, `es_95`, `var_99`, `es_99`; empty where coverage is below `LOWEST_COVERAGE`.
    tail_session : dict of str to int
        Calendar position of the session behind each value at risk.
    components : dict of str to Array of shape (n_lots,)
        What each lot loses in it, and on average in the tail; NaN where it is not covered.
    """

    lot_id: np.ndarray
    pnl: Array
    coverage: float
    figures: dict[str, float]
    tail_session: dict[str, int]
    components: dict[str, Array]


@dataclass(frozen=True)
class SessionTail:
    """All books on one session.

    Attributes
    ----------
    position : int
        Calendar position of the session.
    books : list of BookTail
        By place of the portfolio.
    hypothetical_pnl : Array of shape (n_portfolios,)
        Gain of the holdings of the session before, of what was covered then; NaN without those holdings, or where one of them has no
        return.
    """

    position: int
    books: list[BookTail]
    hypothetical_pnl: Array


def session_tails(reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID]) -> Iterator[SessionTail]:
    """Value at risk on each session that has holdings, in order.

    Parameters
    ----------
    position : IntArray
        Calendar positions, sorted.
    portfolio_ids : sequence of UUID
        Sorted.
    """
    n = len(portfolio_ids)
    needed = np.union1d(position, position - 1)
    returns = read_returns(reader, _names(reader, needed), int(needed[0]) - WINDOW + 1, int(needed[-1]))
    asked = set(position.tolist())
    before: tuple[int, Holdings, BoolArray] | None = None
    for holdings in read_holdings(reader, [reader.day(p) for p in needed.tolist()], portfolio_ids):
        p = reader.calendar.position(holdings.session)
        moves = returns.window(p, holdings.names)
        if p in asked:
            hypothetical = np.full(n, np.nan)
            if before is not None and before[0] == p - 1:
                hypothetical = _next_day(before[1], before[2], returns.window(p, before[1].names, n=1), n)
            yield SessionTail(p, _books(holdings, moves, n, p), hypothetical)
        before = p, holdings, covered_lots(holdings, ~np.isnan(moves).any(axis=0))


def _names(reader: Reader, position: IntArray) -> list[str]:
    p = position_values.c
    first, last = reader.day(int(position[0])), reader.day(int(position[-1]))
    query = select(p.underlying).distinct().where(p.session.between(first, last), p.asset_class != "private")
    return sorted(reader.frame(query)["underlying"])


def _books(holdings: Holdings, moves: Array, n_portfolios: int, position: int) -> list[BookTail]:
    simulation = simulate(holdings, moves)
    coverage = holdings.coverage(simulation.covered, n_portfolios)
    return [
        _book(holdings.lot_id[lots], simulation.covered[lots], simulation.lot_pnl(lots), float(coverage[i]), position)
        for i, lots in enumerate(holdings.by_portfolio(n_portfolios))
    ]


def _book(lot_id: np.ndarray, covered: BoolArray, lot_pnl: Array, coverage: float, position: int) -> BookTail:
    """Figures of one book; `lot_pnl` has shape (n_scenarios, n_lots)."""
    pnl = lot_pnl.sum(axis=1)
    figures: dict[str, float] = {}
    sessions: dict[str, int] = {}
    components: dict[str, Array] = {}
    if not coverage < LOWEST_COVERAGE:  # NaN is a book without lots: it cannot lose
        for level in LEVELS:
            name = round(100 * level)
            whole, tail = value_at_risk.historical(pnl, level), value_at_risk.tail_scenarios(pnl, level)
            parts = value_at_risk.historical_components(lot_pnl, tail)
            figures |= {f"var_{name}": float(whole.value_at_risk), f"es_{name}": float(whole.expected_shortfall)}
            sessions[f"var_{name}"] = position - len(pnl) + 1 + int(tail[-1])
            components[f"var_{name}"] = np.where(covered, parts.value_at_risk, np.nan)
            components[f"es_{name}"] = np.where(covered, parts.expected_shortfall, np.nan)
    return BookTail(lot_id, pnl, coverage, figures, sessions, components)


def _next_day(holdings: Holdings, covered: BoolArray, move: Array, n_portfolios: int) -> Array:
    """Gain of holdings by one more day's returns (1, n_names), shape (n_portfolios,)."""
    simulation = simulate(holdings, move)
    lot_pnl = simulation.lot_pnl(slice(None))[0]
    gain = np.where(covered, np.where(simulation.covered, lot_pnl, np.nan), 0.0)
    return np.bincount(holdings.portfolio, weights=gain, minlength=n_portfolios)


def empty_book() -> BookTail:
    """A book without lots."""
    none = np.zeros(0, dtype=bool)
    return _book(np.zeros(0, dtype=object), none, np.zeros((WINDOW, 0)), float("nan"), WINDOW)
