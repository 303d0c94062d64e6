"""`market_scenarios`: every book along the grid of the market alone, and of rates alone (docs/conventions.md §8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd

from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.stress import Moves
from sigmasight_assets.calculations.stress_books import Books, Columns, finished, joined, result_columns
from sigmasight_assets.engines.factor_names import MODEL_FACTORS
from sigmasight_assets.store.frames import records_to_frame
from sigmasight_assets.store.tables import market_scenarios

MARKET_SHOCKS = (-0.20, -0.10, -0.05, 0.05, 0.10, 0.20)
RATES_BP = (-300.0, -200.0, -100.0, -50.0, -25.0, 25.0, 50.0, 100.0, 200.0, 300.0)
SCENARIOS = (
    *(f"market_{'up' if shock > 0 else 'down'}_{abs(100 * shock):.0f}" for shock in MARKET_SHOCKS),
    *(f"rates_{'up' if bp > 0 else 'down'}_{abs(bp):.0f}bp" for bp in RATES_BP),
)


def market_scenario_frames(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None
) -> Iterator[tuple[list[date], pd.DataFrame]]:
    """Rows of `market_scenarios` in chunks of whole sessions.

    Yields
    ------
    (sessions, frame)
    """
    ids = portfolios_of(reader, portfolio_ids)
    if not ids or not len(sessions):
        yield sorted(sessions), records_to_frame([], market_scenarios)
        return
    books, grid, n = Books(reader, sessions, ids), _grid(), len(SCENARIOS)
    moves = _moves(grid)
    fine, why = np.full(n, "ok", dtype=object), np.full(n, None, dtype=object)
    for days, parts in books.chunks(n):
        columns: list[Columns] = []
        for day, holdings, betas in parts:
            prepared = None if holdings is None else books.prepared(holdings, betas, moves)
            lots = [slice(0, 0)] * len(ids) if holdings is None else holdings.by_portfolio(len(ids))
            for i, portfolio in enumerate(ids):
                head = books.heads.get((day, portfolio))
                if head is not None:
                    figures, _ = result_columns(holdings, lots[i], prepared, np.arange(n))
                    key: Columns = {"session": [day] * n, "portfolio_id": [portfolio] * n, **grid}
                    columns.append(key | finished(figures, fine, why, head))
        yield days, joined(columns, market_scenarios)


def _grid() -> Columns:
    """What each row states."""
    n_market, n_rates = len(MARKET_SHOCKS), len(RATES_BP)
    return {
        "scenario_id": SCENARIOS,
        "variable": ["market"] * n_market + ["rates"] * n_rates,
        "market_shock": np.array([*MARKET_SHOCKS, *[np.nan] * n_rates]),
        "rates_bp": np.array([*[np.nan] * n_market, *RATES_BP]),
    }


def _moves(grid: Columns) -> Moves:
    """The grid as direct moves: the market alone, or the 10-year and the curve alone."""
    market, rates_bp = np.nan_to_num(grid["market_shock"]), np.nan_to_num(grid["rates_bp"])
    factors = np.zeros((len(market), len(MODEL_FACTORS)))
    factors[:, 0], factors[:, -1] = market, rates_bp / 100.0
    return Moves(factors, rates_bp, np.zeros(len(market)))
