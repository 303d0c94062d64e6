"""Rows of `position_values` on the sessions that a process read last: several tables of an evening are made of the same ones.

Kept under the content hashes of `materializations`, which are written in one transaction with the rows: where they are the same, the
rows are.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.reader import Reader, rows_of
from sigmasight_assets.kept import Kept
from sigmasight_assets.store.tables import materializations, position_values

COLUMNS = (
    "session", "portfolio_id", "lot_id", "symbol", "underlying", "asset_class", "event", "quantity", "multiplier", "price", "market_value",
    "cost_basis", "unrealized_pnl", "notional_exposure", "pnl", "dividends", "coverage_change", "delta_dollars", "gamma_dollars_per_pct",
    "theta_per_day", "vega_per_volpt", "rho_per_pct", "price_status", "status", "reason",
)  # fmt: skip
MOST_SESSIONS = 2
"""That are kept: a session and the one before. Longer ranges are read as they are asked for."""


@dataclass(frozen=True)
class _RowSets:
    """Which rows: those of a session and portfolios, by the hash of each row set."""

    database: str
    session: date
    hashes: tuple[tuple[uuid.UUID, str], ...]


KEPT: Kept[_RowSets, pd.DataFrame] = Kept(MOST_SESSIONS)


def position_rows(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID], columns: Sequence[str], *, quarantined: bool = False
) -> pd.DataFrame:
    """Stored rows of lots, those that end among them; ordered by session, portfolio and lot.

    Parameters
    ----------
    sessions : sequence of date
        Sorted.
    columns : sequence of str
        Some of `COLUMNS`.
    quarantined : bool
        Whether quarantined rows are among them.
    """
    if not 0 < len(sessions) <= MOST_SESSIONS:
        rows = _read(reader, sessions, portfolio_ids, [*dict.fromkeys((*columns, "status"))])
        return _chosen(rows, columns, quarantined).reset_index(drop=True)
    parts = [_chosen(_kept(reader, session, portfolio_ids), columns, quarantined) for session in sessions]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _chosen(rows: pd.DataFrame, columns: Sequence[str], quarantined: bool) -> pd.DataFrame:
    is_bad = (rows["status"] == "quarantined").to_numpy()
    return rows[list(columns)] if quarantined or not is_bad.any() else rows.loc[~is_bad, list(columns)]


def _kept(reader: Reader, session: date, portfolio_ids: Sequence[uuid.UUID]) -> pd.DataFrame:
    m = materializations.c
    query = select(m.portfolio_id, m.content_hash).where(
        m.table_name == position_values.name, m.session == session, m.portfolio_id.in_(list(portfolio_ids))
    )
    hashes = sorted(tuple(row) for row in reader.connection.execute(query))
    state = _RowSets(reader.database.url.render_as_string(hide_password=True), session, tuple(hashes))
    return KEPT.at(state, lambda: _read(reader, [session], portfolio_ids, COLUMNS))


def _read(reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID], columns: Sequence[str]) -> pd.DataFrame:
    p = position_values.c
    query = select(*(p[name] for name in columns)).where(rows_of(position_values, sessions, portfolio_ids))
    return reader.frame(query.order_by(p.session, p.portfolio_id, p.lot_id))
