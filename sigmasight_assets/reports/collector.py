"""The one collector: everything that any format shows, read in one moment of the store."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, select

from sigmasight_assets.errors import NotFound, NotMaterialized
from sigmasight_assets.ledger.accounts import Portfolio, find_portfolio
from sigmasight_assets.reports.inputs import Inputs
from sigmasight_assets.reports.model import Report
from sigmasight_assets.reports.positions import position_rows, read_positions
from sigmasight_assets.reports.registry import SECTIONS
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE
from sigmasight_assets.store.tables import materializations, option_greeks, portfolio_snapshots

HISTORY_SESSIONS = 30


def collect(database: Database, portfolio: str | uuid.UUID, session: date | None = None) -> Report:
    """The report of a portfolio (slug, name or UUID) on a session, by default its latest.

    Raises
    ------
    NotFound
        For an unknown portfolio.
    NotMaterialized
        Where the session's snapshot has not been computed; the message names the command that would.
    """
    with database.read() as connection:
        found = find_portfolio(connection, str(portfolio))
        if found is None:
            raise NotFound(f"There is no portfolio {str(portfolio)!r}: `sigmasight import` creates one.")
        inputs = _read(database, connection, found, session)
        sections = tuple(section(inputs) for section in SECTIONS)
    return Report(found.id, found.slug, found.name, inputs.session, sections, position_rows(inputs.positions, inputs.snapshot["nav"]))


def _read(database: Database, connection: Connection, portfolio: Portfolio, session: date | None) -> Inputs:
    s = portfolio_snapshots
    query = select(s).where(s.c.portfolio_id == portfolio.id).order_by(s.c.session.desc()).limit(HISTORY_SESSIONS)
    if session is not None:
        query = query.where(s.c.session <= session)
    history = database.frame(query, connection).iloc[::-1].reset_index(drop=True)
    if history.empty or (session is not None and history["session"].iloc[-1].date() != session):
        which = f"of {session}" if session else "of any session"
        raise NotMaterialized(f"{portfolio.slug} has no snapshot {which}: compute it with `sigmasight run --from {session or 'DATE'}`.")
    day: date = history["session"].iloc[-1].date()

    def read(further: Select[Any]) -> pd.DataFrame:
        return database.frame(further, connection)

    positions = read_positions(read, portfolio.id, day)
    held = sorted(set(positions.loc[positions["asset_class"] == "option", "symbol"]))
    g = option_greeks
    options = read(select(g).where(g.c.session == day, g.c.symbol.in_(held)).order_by(g.c.symbol))
    return Inputs(portfolio, day, history.iloc[-1], history, positions, options, _provenance(read, portfolio, day), read)


def _provenance(read: Callable[[Select[Any]], pd.DataFrame], portfolio: Portfolio, day: date) -> pd.DataFrame:
    """Row sets of the session behind the report, in the order in which tables are made of each other."""
    m = materializations.c
    mine = m.portfolio_id.is_(None) | (m.portfolio_id == portfolio.id)
    behind = [table for table in LINEAGE if table != "portfolio_reports"]
    rows = read(select(materializations).where(mine, m.session.is_(None) | (m.session == day), m.table_name.in_(behind)))
    return rows.sort_values("table_name", key=lambda names: names.map(behind.index), ignore_index=True)
