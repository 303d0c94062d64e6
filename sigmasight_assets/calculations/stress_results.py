"""`stress_results`: every book under every scenario, direct and correlated."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations import stress
from sigmasight_assets.calculations.factor_inputs import Loadings
from sigmasight_assets.calculations.holdings import Holdings
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.stress import Moves, StressedBook
from sigmasight_assets.calculations.stress_books import Books, Columns, finished, joined, result_columns
from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.engines.factor_model import FACTORS, MODEL_FACTORS
from sigmasight_assets.store.frames import records_to_frame
from sigmasight_assets.store.tables import portfolios, scenario_shocks, stress_results
from sigmasight_assets.store.tables.risk import SHIPPED

VERSION = stress.VERSION
_OF_SCENARIO = ("scenario_id", "mode", "category", "severity", "mahalanobis", "flag")


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
    books, owners = Books(reader, sessions, ids), _owners(reader, ids)
    shocks = _shocks(reader, *books.span())
    for days, parts in books.chunks(max((len(rows) for rows in shocks.values()), default=1)):
        columns: list[Columns] = []
        for day, holdings, betas in parts:
            rows = shocks.get(day)
            if rows is not None:
                columns += _session_results(books, day, holdings, betas, rows, owners)
        yield days, joined(columns, stress_results)


def _owners(reader: Reader, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Portfolio -> scope of its owner's scenarios."""
    rows = reader.frame(select(portfolios.c.id, portfolios.c.owner_id).where(portfolios.c.id.in_(list(ids))))
    return {portfolio: owner.hex for portfolio, owner in zip(rows["id"], rows["owner_id"], strict=True)}


def _shocks(reader: Reader, first: date, last: date) -> dict[date, pd.DataFrame]:
    table = scenario_shocks.c
    query = select(scenario_shocks).where(table.session.between(first, last), table.status != "quarantined")
    rows = reader.frame(query.order_by(table.session, table.scope, table.scenario_id, table.mode))
    return {day.date(): part.reset_index(drop=True) for day, part in rows.groupby("session")}


def _session_results(
    books: Books, day: date, holdings: Holdings | None, betas: Array, shocks: pd.DataFrame, owners: Mapping[uuid.UUID, str]
) -> list[Columns]:
    """Columns of the session's rows, one dict a book."""
    moves = Moves(
        np.nan_to_num(shocks[[*FACTORS, "rates_surprise"]].to_numpy(dtype=np.float64)),
        np.nan_to_num(shocks["rates_bp"].to_numpy(dtype=np.float64)),
        shocks["iv_change"].to_numpy(dtype=np.float64),
    )
    prepared = None if holdings is None else books.prepared(holdings, betas, moves)
    loadings = books.loadings.get(books.reader.calendar.position(day))
    lots = [slice(0, 0)] * len(books.ids) if holdings is None else holdings.by_portfolio(len(books.ids))
    scope = shocks["scope"].to_numpy(dtype=object)
    out = []
    for i, portfolio in enumerate(books.ids):
        head = books.heads.get((day, portfolio))
        if head is None:
            continue
        which = np.flatnonzero((scope == SHIPPED) | (scope == owners[portfolio])).astype(np.int64)
        part = shocks.iloc[which]
        figures, book = result_columns(holdings, lots[i], prepared, which)
        figures["pnl_deviation"] = _deviation(book, part, loadings)
        described = {name: part[name].to_numpy() for name in _OF_SCENARIO}
        key: Columns = {"session": [day] * len(which), "portfolio_id": [portfolio] * len(which), **described}
        out.append(key | finished(figures, part["status"], part["reason"], head))
    return out


def _deviation(book: StressedBook | None, shocks: pd.DataFrame, loadings: Loadings | None) -> Array:
    """One-session standard deviation that the facts leave open, by the covered lots' dollars and their rho on the curve."""
    out = np.full(len(shocks), np.nan)
    for line, packed in enumerate(shocks["open_covariance"]):
        if packed is not None and book is None:
            out[line] = 0.0
        elif packed is not None and book is not None and loadings is not None:
            curve = np.append(np.nan_to_num(loadings.gamma), 1.0)  # 100 bp of the 10-year per unit of each factor
            dollars = book.sensitivity[line] + book.rho_per_pct[line] * curve
            open_covariance = packed.reshape(len(MODEL_FACTORS), len(MODEL_FACTORS))
            out[line] = np.sqrt(max(float(dollars @ open_covariance @ dollars), 0.0))
    return out
