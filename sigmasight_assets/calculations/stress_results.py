"""`stress_results`: every book under every scenario, direct and correlated."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.factor_inputs import Loadings, read_loadings
from sigmasight_assets.calculations.holdings import Holdings
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.stress import Moves, StressedBook
from sigmasight_assets.calculations.stress_books import Books, Columns, finished, joined, result_columns
from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.engines.factor_names import FACTORS, MODEL_FACTORS
from sigmasight_assets.store.frames import records_to_frame
from sigmasight_assets.store.tables import portfolios, scenario_shocks, stress_results
from sigmasight_assets.store.tables.risk import SHIPPED

_MOVES = (*FACTORS, "rates_surprise")
_OF_SCENARIO = ("scenario_id", "mode", "category", "severity", "mahalanobis", "flag")


@dataclass(frozen=True)
class Shocks:
    """One session's rows of `scenario_shocks`.

    Attributes
    ----------
    columns : dict of str to ndarray of shape (n_scenarios,)
    moves : Moves
    open_covariance : Array of shape (n_scenarios, 8, 8)
        NaN in the direct mode.
    """

    columns: dict[str, np.ndarray]
    moves: Moves
    open_covariance: Array


def stress_result_frames(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None
) -> Iterator[tuple[list[date], pd.DataFrame]]:
    """Rows of `stress_results` in chunks of whole sessions: shipped scenarios for every book, a user's own for the user's books.

    Yields
    ------
    (sessions, frame)
    """
    ids = portfolios_of(reader, portfolio_ids)
    if not ids or not len(sessions):
        yield sorted(sessions), records_to_frame([], stress_results)
        return
    books = Books(reader, sessions, ids)
    yield from _frames(books, _read_shocks(reader, *books.span()), _owners(reader, ids))


def results_under(reader: Reader, session: date, portfolio_id: uuid.UUID, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `stress_results` of one book under rows of `scenario_shocks` of the session, whosever they are.

    Parameters
    ----------
    rows : DataFrame
        With the columns of `scenario_shocks`, stored or not.
    """
    books = Books(reader, [session], [portfolio_id])
    frames = [frame for _, frame in _frames(books, shocks_of(rows.assign(scope=SHIPPED)), {portfolio_id: SHIPPED})]
    return frames[0]


def _frames(books: Books, shocks: Mapping[date, Shocks], owners: Mapping[uuid.UUID, str]) -> Iterator[tuple[list[date], pd.DataFrame]]:
    reader = books.reader
    loadings = read_loadings(reader, books.position)
    for days, parts in books.chunks(max((len(one.open_covariance) for one in shocks.values()), default=1)):
        columns: list[Columns] = []
        for day, holdings, betas in parts:
            if day in shocks:
                of_day = loadings.get(reader.calendar.position(day))
                columns += _session_results(books, day, holdings, betas, shocks[day], of_day, owners)
        yield days, joined(columns, stress_results)


def _owners(reader: Reader, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Portfolio -> scope of its owner's scenarios."""
    rows = reader.frame(select(portfolios.c.id, portfolios.c.owner_id).where(portfolios.c.id.in_(list(ids))))
    return {portfolio: owner.hex for portfolio, owner in zip(rows["id"], rows["owner_id"], strict=True)}


def _read_shocks(reader: Reader, first: date, last: date) -> dict[date, Shocks]:
    table = scenario_shocks.c
    wanted = ("session", "scope", *_OF_SCENARIO, *_MOVES, "rates_bp", "iv_change", "open_covariance", "status", "reason")
    query = select(*(table[name] for name in wanted)).where(table.session.between(first, last), table.status != "quarantined")
    return shocks_of(reader.frame(query.order_by(table.session, table.scope, table.scenario_id, table.mode)))


def shocks_of(rows: pd.DataFrame) -> dict[date, Shocks]:
    """Rows of `scenario_shocks`, ordered by session, by session."""
    n = len(MODEL_FACTORS)
    columns = {name: rows[name].to_numpy() for name in ("scope", *_OF_SCENARIO, "status", "reason")}
    nothing = np.full(n * n, np.nan)
    open_covariance = np.array([nothing if packed is None else np.ravel(packed) for packed in rows["open_covariance"]]).reshape(-1, n, n)
    moves = Moves(*(np.nan_to_num(rows[name].to_numpy(dtype=np.float64)) for name in (list(_MOVES), "rates_bp", "iv_change")))
    days, starts = np.unique(rows["session"].to_numpy(), return_index=True)
    out = {}
    for day, start, end in zip(days, starts, [*starts[1:], len(rows)], strict=True):
        part = np.arange(start, end)
        out[day.astype("datetime64[D]").item()] = Shocks(
            {name: values[part] for name, values in columns.items()}, moves.chosen(part), open_covariance[part]
        )
    return out


def _session_results(
    books: Books,
    day: date,
    holdings: Holdings | None,
    betas: Array,
    shocks: Shocks,
    loadings: Loadings | None,
    owners: Mapping[uuid.UUID, str],
) -> list[Columns]:
    """Columns of the session's rows, one dict a book."""
    prepared = None if holdings is None else books.prepared(holdings, betas, shocks.moves)
    lots = [slice(0, 0)] * len(books.ids) if holdings is None else holdings.by_portfolio(len(books.ids))
    scope = shocks.columns["scope"]
    out = []
    for i, portfolio in enumerate(books.ids):
        head = books.heads.get((day, portfolio))
        if head is None:
            continue
        which = np.flatnonzero((scope == SHIPPED) | (scope == owners[portfolio])).astype(np.int64)
        of_scenario = {name: values[which] for name, values in shocks.columns.items()}
        figures, book = result_columns(holdings, lots[i], prepared, which)
        figures["pnl_deviation"] = _deviation(book, shocks.open_covariance[which], loadings)
        key: Columns = {"session": [day] * len(which), "portfolio_id": [portfolio] * len(which)}
        key |= {name: of_scenario[name] for name in _OF_SCENARIO}
        out.append(key | finished(figures, of_scenario["status"], of_scenario["reason"], head))
    return out


def _deviation(book: StressedBook | None, open_covariance: Array, loadings: Loadings | None) -> Array:
    """One-session standard deviation that the facts leave open, by the covered lots' dollars and their rho on the curve."""
    if book is None or loadings is None:
        return np.asarray(0.0 * open_covariance[:, 0, 0])  # nothing is held: 0, and NaN in the direct mode
    curve = np.append(np.nan_to_num(loadings.gamma), 1.0)  # 100 bp of the 10-year per unit of each factor
    dollars = book.sensitivity + book.rho_per_pct[:, None] * curve  # (n_scenarios, 8)
    variance = np.einsum("ij,ijk,ik->i", dollars, open_covariance, dollars)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
