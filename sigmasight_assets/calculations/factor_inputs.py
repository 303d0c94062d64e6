"""The stored factor model as stress tests and attribution read it: loadings, covariance and betas of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.factors import beta_frames, loading_frame
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.factor_names import FACTORS, GROWTH, MARKET, MODEL_FACTORS, VALUE
from sigmasight_assets.store.tables import factor_betas, factor_covariance, factor_loadings


@dataclass(frozen=True)
class Loadings:
    """What proxies are made of, and what the factors say about the 10-year, on one session.

    Attributes
    ----------
    matrix : Array of shape (7, 7)
        Strictly lower triangular: the return of proxy k is its own factor plus row k times the factors before it.
    gamma : Array of shape (7,)
        100 bp of the 10-year per unit of factor return; NaN where rates are missing.
    """

    matrix: Array
    gamma: Array

    def factor_returns(self, proxy_returns: Array, rates_100bp: float) -> Array:
        """The eight factors of a day's proxy returns (7,) and change of the 10-year, shape (8,); NaN where one is unknown."""
        factors = np.full(len(MODEL_FACTORS), np.nan)
        for k in range(len(FACTORS)):
            used = self.matrix[k] != 0.0
            factors[k] = proxy_returns[k] - self.matrix[k, used] @ factors[: len(FACTORS)][used]
        factors[-1] = rates_100bp - self.gamma @ factors[:-1]
        return factors


def read_loadings(reader: Reader, position: IntArray, *, compute: Sequence[date] = ()) -> dict[int, Loadings]:
    """Loadings of sessions that have them.

    Parameters
    ----------
    compute : sequence of date
        Sessions without stored rows (those before the first book session) whose loadings are computed here.
    """
    if not len(position):
        return {}
    table = factor_loadings.c
    query = select(table.session, table.factor, table.market_loading, table.value_loading, table.gamma).where(
        table.session.between(reader.day(int(position[0])), reader.day(int(position[-1]))),
        table.status.not_in(("quarantined", "unavailable")),
    )
    stored = reader.frame(query)
    fresh = loading_frame(reader, list(compute)) if compute else stored.iloc[:0]
    rows = pd.concat([frame for frame in (fresh, stored) if len(frame)]) if len(fresh) or len(stored) else stored
    at, factor = reader.positions_of(rows["session"]), pd.Index(list(FACTORS)).get_indexer(rows["factor"])
    sessions, line = np.unique(at, return_inverse=True)
    panel = np.full((3, len(sessions), len(FACTORS)), np.nan)
    for values, name in zip(panel, ("market_loading", "value_loading", "gamma"), strict=True):
        values[line, factor] = rows[name].to_numpy(dtype=np.float64)
    out = {}
    for p, market, value, gamma in zip(sessions.tolist(), *panel, strict=True):
        matrix = np.zeros((len(FACTORS), len(FACTORS)))
        matrix[:, MARKET], matrix[GROWTH, VALUE] = market, value[GROWTH]
        matrix[MARKET, MARKET] = 0.0
        if not np.isnan(matrix).any():
            out[p] = Loadings(matrix, gamma)
    return out


def read_covariances(reader: Reader, position: IntArray) -> dict[int, Array]:
    """Daily 8 x 8 covariance of sessions that have one; the rates row is NaN where rates are missing."""
    if not len(position):
        return {}
    table = factor_covariance.c
    query = select(table.session, table.covariance).where(
        table.session.between(reader.day(int(position[0])), reader.day(int(position[-1]))),
        table.covariance.is_not(None),
        table.status != "quarantined",
    )
    rows = reader.frame(query)
    return {p: unpacked(matrix) for p, matrix in zip(reader.positions_of(rows["session"]).tolist(), rows["covariance"], strict=True)}


def read_betas(reader: Reader, position: IntArray, names: Sequence[str], *, compute: Sequence[date] = ()) -> Array:
    """Betas of names on sessions, shape (n_sessions, n_names, 8); NaN where there is none. `compute` is as in `read_loadings`."""
    out = np.full((len(position), len(names), len(MODEL_FACTORS)), np.nan)
    if not len(position) or not names:
        return out
    table = factor_betas.c
    query = select(table.session, table.symbol, table.factor, table.beta).where(
        table.session.between(reader.day(int(position[0])), reader.day(int(position[-1]))),
        table.symbol.in_(list(names)),
        table.factor.in_(MODEL_FACTORS),
        table.status != "quarantined",
    )
    frames = [reader.frame(query)] + [frame for _, frame in (beta_frames(reader, list(compute)) if compute else ())]
    name_place, factor_place = pd.Index(list(names)), pd.Index(list(MODEL_FACTORS))
    for frame in frames:
        at = reader.positions_of(frame["session"])
        line = np.minimum(np.searchsorted(position, at), len(position) - 1)
        name, factor = name_place.get_indexer(frame["symbol"]), factor_place.get_indexer(frame["factor"])
        wanted = (position[line] == at) & (name >= 0) & (factor >= 0)
        out[line[wanted], name[wanted], factor[wanted]] = frame["beta"].to_numpy(dtype=np.float64)[wanted]
    return out
