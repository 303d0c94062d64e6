"""Quotes of all files on sessions: repetitions, contradictions, what has no underlying, and contracts under changed symbols."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sigmasight_assets.ledger.option_symbols import OptionSymbol
from sigmasight_assets.providers.files.findings import Findings
from sigmasight_assets.providers.files.quotes import NUMBERS, QuoteTable
from sigmasight_assets.providers.files.symbol_changes import SymbolChange
from sigmasight_assets.providers.protocol import QUOTE_COLUMNS, empty, typed
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.frames import session_array

OSI_TAIL = 15


def merge_quotes(
    tables: Sequence[QuoteTable], changes: Sequence[SymbolChange], calendar: SessionCalendar, priced: set[str], findings: Findings
) -> pd.DataFrame:
    """Rows of `QUOTE_COLUMNS`, ordered by session and symbol; what is wrong or odd is a finding."""
    parts = [_usable(table, calendar, findings) for table in tables]
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty(QUOTE_COLUMNS)
    rows = pd.concat(parts, ignore_index=True)
    rows["symbol"] = rows["symbol"].astype(object)
    rows = rows.sort_values(["session", "symbol"], kind="stable", ignore_index=True)
    rows = _without_repetitions(rows, findings)
    contracts = {symbol: contract for table in tables for symbol, contract in table.contracts.items()}
    _tell_oddities(rows, contracts, priced, findings)
    rows = _under_both_symbols(rows, changes)
    return typed(rows, QUOTE_COLUMNS)


def _usable(table: QuoteTable, calendar: SessionCalendar, findings: Findings) -> pd.DataFrame:
    rows = table.rows.assign(file=table.name)
    on_session = rows["session"].isin(session_array(calendar.days.tolist())).to_numpy()
    if not on_session.all():
        days = sorted(set(rows.loc[~on_session, "session"].dt.strftime("%Y-%m-%d")))
        line = int(rows.loc[~on_session, "line"].min())
        detail = f"{int((~on_session).sum()):,} rows: {', '.join(days[:5])}."
        findings.add("non_session", table.name, line=line, value=days[0], detail=detail, count=int((~on_session).sum()))
    expiry = np.array([table.contracts[symbol].expiry for symbol in rows["symbol"].cat.categories] + [None], dtype="datetime64[D]")
    late = rows["session"].to_numpy() > expiry[rows["symbol"].cat.codes.to_numpy()].astype("datetime64[s]")
    if late.any():
        one = rows[late].iloc[0]
        findings.add("quote_after_expiry", table.name, line=int(one["line"]), value=one["symbol"], count=int(late.sum()))
    return rows[on_session & ~late]


def _without_repetitions(rows: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    doubled = rows.duplicated(["session", "symbol"]).to_numpy()
    if not doubled.any():
        return rows
    first = np.maximum.accumulate(np.where(doubled, -1, np.arange(len(rows))))
    values = rows[list(NUMBERS)].to_numpy(dtype=np.float64)
    same = ((values == values[first]) | (np.isnan(values) & np.isnan(values[first]))).all(axis=1)
    for row in rows[doubled & ~same].head(50).itertuples():
        detail = f"{row.symbol} on {row.session:%Y-%m-%d} has other quotes before."
        findings.add("disagreeing_rows", str(row.file), line=int(row.line), value=row.symbol, detail=detail)
    for file, part in rows[doubled & same].groupby("file"):
        findings.add("duplicate_rows", str(file), line=int(part["line"].iloc[0]), value=part["symbol"].iloc[0], count=len(part))
    return rows[~doubled].reset_index(drop=True)


def _tell_oddities(rows: pd.DataFrame, contracts: dict[str, OptionSymbol], priced: set[str], findings: Findings) -> None:
    crossed = rows[rows["bid"] > rows["ask"]]
    for row in crossed.head(50).itertuples():
        detail = f"{row.symbol} on {row.session:%Y-%m-%d}: {row.bid:g} / {row.ask:g}."
        findings.add("crossed_quote", str(row.file), line=int(row.line), column="bid", value=f"{row.bid:g}", detail=detail)
    if len(crossed) > 50:
        findings.add("crossed_quote", str(crossed["file"].iloc[0]), detail=f"{len(crossed) - 50:,} more.", count=len(crossed) - 50)
    distinct = rows["symbol"].drop_duplicates()
    underlying = {symbol: contracts[symbol].underlying for symbol in distinct}
    strangers = sorted(set(underlying.values()) - priced)
    for name in strangers:
        mine = rows[rows["symbol"].map(underlying) == name]
        findings.add("no_underlying", str(mine["file"].iloc[0]), line=int(mine["line"].iloc[0]), value=name, count=len(mine),
                     detail=f"{name}: {len(mine):,} quotes.")  # fmt: skip


def _under_both_symbols(rows: pd.DataFrame, changes: Sequence[SymbolChange]) -> pd.DataFrame:
    """Quotes of a security that changed its symbol, under the roots of both: a series held under the old one goes on."""
    for change in sorted(changes, key=lambda one: one.session):
        roots = rows["symbol"].str[:-OSI_TAIL]
        day = pd.Timestamp(change.session)
        new = rows[(roots == change.new) & (rows["session"] >= day)]
        old = rows[(roots == change.old) & (rows["session"] < day)]
        copies = [part.assign(symbol=to + part["symbol"].str[-OSI_TAIL:]) for part, to in ((new, change.old), (old, change.new))]
        rows = pd.concat([rows, *copies], ignore_index=True).drop_duplicates(["session", "symbol"], ignore_index=True)
    return rows.sort_values(["session", "symbol"], ignore_index=True)
