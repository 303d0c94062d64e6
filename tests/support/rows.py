"""Frames for `store.replace`: rows of real tables, filled in where a test does not care."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.provenance import Computation
from sigmasight_assets.store.tables import METADATA, materializations, opening_cash, portfolio_reports, position_values, prices

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def computed(run_id: str = "test", code_version: str = "1", at: datetime | None = None) -> Computation:
    return Computation(run_id, code_version, at or utc_now())


def typed_frame(table: Table, rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Rows of a table with its types; a column that no row names is NULL."""
    empty = columns_to_frame([], [(column.name, column.type) for column in table.columns])
    frame = pd.DataFrame([dict(row) for row in rows], columns=list(empty.columns))
    if frame.empty:
        return empty
    for name, dtype in empty.dtypes.items():
        values = frame[name]
        if dtype.kind == "O":
            frame[name] = pd.Series([None if _is_missing(value) else value for value in values], dtype=object)
        else:
            frame[name] = pd.to_datetime(values).astype(dtype) if dtype.kind == "M" else values.astype(dtype)
    return frame


def _is_missing(value: object) -> bool:
    return value is None or value != value


def _comparable(cell: object) -> object:
    """A cell that `==` compares: NULL as None, a packed array as its bytes."""
    if isinstance(cell, np.ndarray):
        return cell.tobytes()
    return None if _is_missing(cell) else cell


def price_row(session: date, symbol: str, close: float | None = 10.0, **cells: object) -> dict[str, object]:
    row = {"session": session, "symbol": symbol, "close": close, "adj_close": close, "dividend": 0.0, "split_ratio": 1.0}
    return row | {"source": "test", "price_basis": "traded", "status": "ok"} | cells


def price_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    return typed_frame(prices, rows)


def position_row(session: date, portfolio: uuid.UUID, lot: int, market_value: float | None = 100.0, **cells: object) -> dict[str, object]:
    row: dict[str, object] = {"session": session, "portfolio_id": portfolio, "lot_id": uuid.UUID(int=lot), "symbol": "A"}
    row |= {"asset_class": "equity", "position_type": "LONG", "underlying": "A", "quantity": 10.0, "multiplier": 1.0}
    row |= {"entry_price": 9.0, "price": 10.0, "price_status": "ok", "market_value": market_value, "dividends": 0.0}
    return row | {"coverage_change": 0.0, "status": "ok"} | cells


def position_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    return typed_frame(position_values, rows)


def cash_frame(rows: Iterable[tuple[uuid.UUID, date, Decimal, float | None]]) -> pd.DataFrame:
    named = [
        {"portfolio_id": portfolio, "cash_as_of": day, "stated_cash": stated, "opening_cash": opening, "status": "ok"}
        for portfolio, day, stated, opening in rows
    ]
    return typed_frame(opening_cash, named)


def stored(database: Database, table: Table) -> pd.DataFrame:
    """All rows, in the order of the key."""
    return database.frame(select(table).order_by(*table.primary_key.columns))


def records(database: Database, table: str) -> pd.DataFrame:
    """`materializations` of a table (or facet), by session and portfolio."""
    m = materializations
    query = select(m).where(m.c.table_name == table).order_by(m.c.session, m.c.portfolio_id)
    return database.frame(query)


def contents(database: Database, table: Table) -> list[list[object]]:
    """The stored cells as comparable lists; exact, NULL as None, a packed array as its bytes."""
    frame = stored(database, table)
    return [[_comparable(cell) for cell in row] for row in frame.astype(object).to_numpy().tolist()]


COMPUTED = tuple(METADATA.tables[table] for table in LINEAGE)


def state(database: Database) -> dict[str, list[list[object]]]:
    """Everything that calculations wrote, and the record of it without moments and runs: what two equal computations share.

    The written reports say when their inputs changed, so their bytes are not shared: of them, formats and places.
    """
    m = materializations.c
    shared = [m.table_name, m.session, m.portfolio_id, m.content_hash, m.code_version, m.rows, m.status, m.reason]
    out = {table.name: contents(database, table) for table in COMPUTED}
    files = list(portfolio_reports.c.keys()).index("files")
    for row in out[portfolio_reports.name]:
        row[files] = {kind: file["path"] for kind, file in row[files].items()} if isinstance(row[files], dict) else None
    recorded = database.frame(select(*shared).where(m.table_name != portfolio_reports.name)).astype(object).to_numpy().tolist()
    out["materializations"] = sorted(([None if _is_missing(cell) else cell for cell in row] for row in recorded), key=str)
    return out
