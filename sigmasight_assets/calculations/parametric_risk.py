"""The factor model's predicted volatility as parametric value at risk reads it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.store.tables import portfolio_factor_risk

SESSIONS_PER_YEAR = 252.0


@dataclass(frozen=True)
class ParametricRisk:
    """Daily standard deviation of a book by its factors and specific risk.

    Attributes
    ----------
    daily_deviation : float
        USD; NaN where the model has none, for `reason`.
    coverage : float
        Share of the book that it is of.
    contributions : dict
        Lot id as 32 hexadecimal digits -> part of `daily_deviation`; they add up to it.
    """

    daily_deviation: float
    coverage: float
    reason: str
    contributions: dict[str, float]

    def of_lots(self, lot_id: np.ndarray) -> Array:
        """The contributions of lots in order; NaN where a lot is not covered."""
        return np.array([self.contributions.get(lot.hex, np.nan) for lot in lot_id], dtype=np.float64)


def read_parametric(reader: Reader, position: IntArray, ids: Sequence[uuid.UUID]) -> dict[tuple[int, uuid.UUID], ParametricRisk]:
    """What the factor model stored of some sessions and portfolios."""
    r = portfolio_factor_risk.c
    query = select(
        r.session, r.portfolio_id, r.predicted_volatility_dollars, r.risk_coverage, r.lot_ids, r.volatility_contributions, r.reason
    ).where(
        r.session.between(reader.day(int(position[0])), reader.day(int(position[-1]))),
        r.portfolio_id.in_(list(ids)),
        r.status != "quarantined",
    )
    rows = reader.frame(query)
    daily = 1.0 / math.sqrt(SESSIONS_PER_YEAR)
    out = {}
    for p, row in zip(reader.positions_of(rows["session"]).tolist(), rows.itertuples(), strict=True):
        parts = {
            lot.replace("-", ""): part * daily
            for lot, part in zip(row.lot_ids, row.volatility_contributions or [], strict=False)
            if part is not None
        }
        deviation = row.predicted_volatility_dollars * daily
        out[p, row.portfolio_id] = ParametricRisk(deviation, row.risk_coverage, row.reason or "no_beta", parts)
    return out
