"""What is wrong with a deployment's data, and what to do: the provider's coverage, what is stored of it, what is stale. It only looks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.providers.files.provider import FilesProvider
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import MARKET, UNDATED
from sigmasight_assets.store.tables import ledger_changes, materializations, prices

OK, NOTE, WARNING, PROBLEM = "ok", "note", "warning", "problem"
LATE_SESSIONS = 2
"""A live provider may be a session behind in the evening."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at.

    Attributes
    ----------
    area : str
    state : str
        ok, note, warning or problem.
    found, remedy : str
        What is the case; what to do, empty where nothing is to be done.
    """

    area: str
    state: str
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def provider_health(provider: MarketDataProvider, calendar: SessionCalendar, now: datetime) -> list[Diagnosis]:
    """Where the data begin and end, and what is wrong with a folder."""
    first, last = provider.first_session(), provider.last_session(now)
    symbols = provider.known_symbols()
    shown = f"{provider.name}: {first} to {last}" + (f", {len(symbols)} symbols" if symbols is not None else "")
    out = [Diagnosis("provider", OK, shown)]
    behind = calendar.position(calendar.last_closed(now)) - calendar.position(last)
    if provider.is_live and behind >= LATE_SESSIONS:
        out.append(Diagnosis("provider", WARNING, f"The data end {behind} sessions before the last closed one.", "Deliver later data."))
    if isinstance(provider, FilesProvider):
        data = provider.data()
        command = f"sigmasight data check {provider.folder}"
        if data.n_errors:
            out.append(Diagnosis("provider", PROBLEM, f"The folder is refused: {data.n_errors:,} errors, first {data.errors[0]}", command))
        elif data.n_warnings:
            out.append(Diagnosis("provider", NOTE, f"{data.n_warnings:,} warnings in the folder.", command))
    return out


def stored_health(
    database: Database, provider: MarketDataProvider, calendar: SessionCalendar, first_book_session: date, now: datetime
) -> list[Diagnosis]:
    """Sessions without market data, quarantined closes, changes of the ledger that wait."""
    m = materializations.c
    rows = database.frame(select(m.table_name, m.session).where(m.table_name.in_(MARKET), m.session.is_not(None)))
    out = []
    first, last = provider.first_session(), provider.last_session(now)
    wanted = set(calendar.between(first, last))
    for table in (name for name in MARKET if name not in UNDATED):
        stored = set(rows.loc[rows["table_name"] == table, "session"].dt.date)
        missing = sorted(wanted - stored)
        if not stored:
            out.append(Diagnosis(table, NOTE, "Nothing is stored yet.", f"sigmasight run --from {last}"))
        elif missing:
            remedy = f"sigmasight run --from {missing[0]} --to {missing[-1]}"
            out.append(Diagnosis(table, WARNING, f"{len(missing)} sessions of the data are not stored, first {missing[0]}.", remedy))
    query = select(prices.c.session, prices.c.symbol, prices.c.close).where(prices.c.status == "quarantined")
    held = database.frame(query.order_by(prices.c.session, prices.c.symbol))
    if len(held):
        one = held.iloc[0]
        found = f"{len(held)} closes are quarantined, first {one['symbol']} {one['close']:g} on {one['session']:%Y-%m-%d}."
        remedy = f"Correct the data, or: sigmasight data confirm {one['symbol']} --session {one['session']:%Y-%m-%d}"
        out.append(Diagnosis("prices", WARNING, found, remedy))
    c = ledger_changes.c
    waiting = database.frame(select(func.count().label("n"), func.min(c.first_session).label("first")).where(c.processed_at.is_(None)))
    n = int(waiting["n"].iloc[0])
    if n:
        begins = max(waiting["first"].iloc[0].date(), first_book_session)
        remedy = f"sigmasight run --from {begins} --to {last}, or let the sensor do it (sigmasight up)"
        wait = "1 change of the books waits" if n == 1 else f"{n} changes of the books wait"
        out.append(Diagnosis("ledger", NOTE, f"{wait} for a run.", remedy))
    return out


def stale_health(database: Database, provider: MarketDataProvider, calendar: SessionCalendar) -> list[Diagnosis]:
    """Stale row sets by table."""
    rows: pd.DataFrame = stale_rows(database, calendar, provider)
    if rows.empty:
        return [Diagnosis("staleness", OK, "Nothing is stale.")]
    counts = ", ".join(f"{table} {n:,}" for table, n in rows["table"].value_counts(sort=False).items())
    found = f"{len(rows):,} row sets are stale: {counts}."
    return [Diagnosis("staleness", WARNING, found, "sigmasight stale, then sigmasight run --stale")]
