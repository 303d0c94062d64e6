"""The one collector: everything that any format shows, read in one moment of the store."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import Connection, Select, select

from sigmasight_assets.errors import NotFound, NotMaterialized
from sigmasight_assets.ledger.accounts import Portfolio, find_portfolio
from sigmasight_assets.reports.model import Report
from sigmasight_assets.reports.positions import position_rows
from sigmasight_assets.reports.registry import SECTIONS
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import (
    lot_tags,
    lots,
    materializations,
    option_greeks,
    portfolio_snapshots,
    position_values,
    security_master,
    tags,
)

HISTORY_SESSIONS = 30


@dataclass(frozen=True)
class Inputs:
    """What sections are made of.

    Attributes
    ----------
    snapshot : Series
        The session's row of `portfolio_snapshots`.
    history : DataFrame
        Snapshots of the last 30 sessions, oldest first.
    positions : DataFrame
        Rows of `position_values` with `name`, `sector`, `tags`, largest value first.
    options : DataFrame
        Rows of `option_greeks` of the held series.
    provenance : DataFrame
        Rows of `materializations` behind the report.
    read : callable
        Reads any further table in the same moment of the store: what a section needs that is not here.
    """

    portfolio: Portfolio
    session: date
    snapshot: pd.Series
    history: pd.DataFrame
    positions: pd.DataFrame
    options: pd.DataFrame
    provenance: pd.DataFrame
    read: Callable[[Select], pd.DataFrame]


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
        wanted = session or "its sessions"
        dates = f"--from {session} --to {session}" if session else "--from FIRST --to LAST"
        raise NotMaterialized(
            f"portfolio_snapshots of {portfolio.slug} on {wanted} are not materialized: compute them with `sigmasight run {dates}`."
        )
    day: date = history["session"].iloc[-1].date()
    positions = _positions(database, connection, portfolio, day)
    held = sorted(set(positions.loc[positions["asset_class"] == "option", "symbol"]))
    options = database.frame(
        select(option_greeks).where(option_greeks.c.session == day, option_greeks.c.symbol.in_(held)).order_by(option_greeks.c.symbol),
        connection,
    )
    m = materializations
    mine = m.c.portfolio_id.is_(None) | (m.c.portfolio_id == portfolio.id)
    provenance = database.frame(select(m).where(mine, m.c.session.is_(None) | (m.c.session == day)), connection)

    def read(further: Select) -> pd.DataFrame:
        return database.frame(further, connection)

    return Inputs(portfolio, day, history.iloc[-1], history, positions, options, provenance, read)


def _positions(database: Database, connection: Connection, portfolio: Portfolio, day: date) -> pd.DataFrame:
    p, master = position_values, security_master
    query = (
        select(p, master.c.name, master.c.sector, master.c.fund_category, lots.c.entry_date, lots.c.ordinal)
        .join_from(p, lots, lots.c.id == p.c.lot_id)
        .join(master, master.c.symbol == p.c.underlying, isouter=True)
        .where(p.c.session == day, p.c.portfolio_id == portfolio.id)
    )
    rows = database.frame(query, connection)
    pairs = select(lot_tags.c.lot_id, tags.c.name.label("tag")).join(tags, tags.c.id == lot_tags.c.tag_id)
    named = database.frame(pairs.join(lots, lots.c.id == lot_tags.c.lot_id).where(lots.c.portfolio_id == portfolio.id), connection)
    joined = named.sort_values("tag").groupby("lot_id")["tag"].agg(", ".join) if len(named) else pd.Series(dtype=object)
    rows["tags"] = rows["lot_id"].map(joined).astype(object)
    rows["size"] = rows["market_value"].abs().fillna(-1.0)
    return rows.sort_values(["size", "ordinal"], ascending=[False, True], ignore_index=True).drop(columns="size")
