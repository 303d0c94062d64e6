"""`var_exceptions`: how often losses exceeded value at risk, beside what chance would give (docs/conventions.md §9)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader, places_of
from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.engines.value_at_risk import LEVELS, WINDOW, binomial_band, exceptions, kupiec_test
from sigmasight_assets.store.frames import records_to_frame
from sigmasight_assets.store.tables import risk_metrics, var_exceptions


def var_exceptions_frame(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None
) -> tuple[list[uuid.UUID], pd.DataFrame]:
    """Rows of `var_exceptions` of some sessions, two for each stored row of `risk_metrics`, and the portfolios they are of."""
    ids = portfolios_of(reader, portfolio_ids)
    position = np.sort(reader.positions(sessions))
    if not ids or not len(position):
        return ids, records_to_frame([], var_exceptions)
    first = int(position[0]) - WINDOW
    panels = _read(reader, first, int(position[-1]), ids)
    records: list[dict[str, Any]] = []
    for level in LEVELS:
        name = f"{round(100 * level)}"
        before = np.vstack([np.full((1, len(ids)), np.nan), panels[f"var_{name}"][:-1]])  # value at risk of the session before
        gain = panels["hypothetical_pnl"]
        judged, exceeded = ~np.isnan(before) & ~np.isnan(gain), exceptions(before, gain)
        for p in position.tolist():
            line = p - first
            for i, portfolio in enumerate(ids):
                if panels["present"][line, i] == 1.0:
                    span = slice(line - WINDOW + 1, line + 1)
                    counted = _counted(int(exceeded[span, i].sum()), int(judged[span, i].sum()), level)
                    outcome = "exception" if exceeded[line, i] else "within"
                    of_day = {"var_previous": before[line, i], "hypothetical_pnl": gain[line, i]}
                    of_day["outcome"] = outcome if judged[line, i] else None
                    records.append({"session": reader.day(p), "portfolio_id": portfolio, "level": name, **of_day, **counted})
    return ids, records_to_frame(records, var_exceptions)


def _read(reader: Reader, first: int, last: int, ids: Sequence[uuid.UUID]) -> dict[str, Array]:
    """Columns of `risk_metrics` as panels of shape (n_sessions, n_portfolios); `present` is 1 where there is a row."""
    r = risk_metrics.c
    names = ("hypothetical_pnl", *(f"var_{round(100 * level)}" for level in LEVELS))
    query = select(r.session, r.portfolio_id, *(r[name] for name in names)).where(
        r.session.between(reader.day(first), reader.day(last)), r.portfolio_id.in_(list(ids)), r.status != "quarantined"
    )
    rows = reader.frame(query).assign(present=1.0)
    cell = reader.positions_of(rows["session"]) - first, places_of(rows["portfolio_id"], ids)
    out = {}
    for name in (*names, "present"):
        out[name] = np.full((last - first + 1, len(ids)), np.nan)
        out[name][cell] = rows[name].to_numpy(dtype=np.float64)
    return out


def _counted(n_exceptions: int, n_obs: int, level: float) -> dict[str, Any]:
    low, high = binomial_band(n_obs, level)
    known = n_obs > 0
    return {
        "n_exceptions": n_exceptions,
        "n_obs": n_obs,
        "band_low": low,
        "band_high": high,
        "kupiec_p_value": kupiec_test(n_exceptions, n_obs, level)[1] if known else np.nan,
        "status": "ok" if known else "unavailable",
        "reason": None if known else "no_comparison_yet",
    }
