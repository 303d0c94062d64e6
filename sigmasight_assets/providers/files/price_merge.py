"""Rows of all price files as one panel: precedence of sources, rows that repeat or contradict each other, days without trading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from sigmasight_assets.providers.files.findings import Findings
from sigmasight_assets.providers.files.headers import PRICE_FIELDS
from sigmasight_assets.providers.files.price_rows import PriceTable
from sigmasight_assets.sessions import FIRST_DATE, SessionCalendar
from sigmasight_assets.store.frames import session_array

SAME = 1e-9
"""Relative difference below which two statements of one number agree."""
NEUTRAL = {"dividend": 0.0, "split_ratio": 1.0}
"""What says that there is none: it contradicts no other file."""
CONFIRMS = 0.01
"""Relative difference below which a second source confirms a close."""


@dataclass(frozen=True)
class Merged:
    """One row per symbol and session, ordered by both.

    Attributes
    ----------
    rows : DataFrame
        `symbol`, `session`, the four fields, `source`, `line`, `file`. Where no dividend or split is stated the cell is NaN.
    states : dict of str to set
        Field -> symbols whose files state it.
    basis : dict
        Symbol -> the price basis that its rows state.
    second : DataFrame
        `symbol`, `session`, `close` of rows that another source states as well.
    """

    rows: pd.DataFrame
    states: dict[str, set[str]]
    basis: dict[str, str]
    second: pd.DataFrame


def merge(tables: Sequence[PriceTable], calendar: SessionCalendar, findings: Findings) -> Merged:
    """Merge the files' rows; contradictions are findings."""
    closes_first = sorted(tables, key=lambda table: 0 if "close" in table.states else 1 if "adj_close" in table.states else 2)
    tables = [_on_sessions(table, calendar, findings) for table in closes_first]
    rows = _stacked(tables)
    priced = set(rows["symbol"].cat.categories[np.unique(rows.loc[rows["close"].notna() | rows["adj_close"].notna(), "symbol"].cat.codes)])
    states: dict[str, set[str]] = {field: set() for field in PRICE_FIELDS}
    for table in tables:
        own = priced if table.is_events else set(table.rows["symbol"].cat.remove_unused_categories().cat.categories)
        for field in table.states:
            states[field] |= own
    rows, dropped = _by_precedence(rows, findings)
    basis = _bases(rows, findings)
    order = np.lexsort((rows["rank"].to_numpy(), rows["session"].to_numpy(), rows["symbol"].cat.codes.to_numpy()))
    rows = rows.iloc[order].reset_index(drop=True)
    rows, repeated = _without_repetitions(rows, findings)
    second = pd.concat([dropped[["symbol", "session", "close"]], repeated])
    return Merged(rows, states, basis, second[second["close"].notna()].reset_index(drop=True))


def _on_sessions(table: PriceTable, calendar: SessionCalendar, findings: Findings) -> PriceTable:
    """Events move to the next session; prices on other days are dropped with a finding."""
    sessions = session_array(calendar.days.tolist())
    rows = table.rows
    place = np.searchsorted(sessions, rows["session"].to_numpy())
    inside = place < len(sessions)
    is_session = inside & (sessions[np.minimum(place, len(sessions) - 1)] == rows["session"].to_numpy())
    if is_session.all():
        return table
    if table.is_events:
        moved = np.flatnonzero(~is_session & inside)
        if len(moved):
            _tell("event_moved", table, moved, findings)
        rows = rows.assign(session=sessions[np.minimum(place, len(sessions) - 1)])[inside]
    else:
        outside = np.flatnonzero(~is_session)
        _tell("non_session", table, outside, findings)
        rows = rows[is_session]
    return PriceTable(table.name, rows.reset_index(drop=True), table.states, table.rank)


def _tell(code: str, table: PriceTable, rows: np.ndarray, findings: Findings) -> None:
    some = table.rows.iloc[rows]
    early = some["session"] < pd.Timestamp(FIRST_DATE)
    if early.any():
        detail = f"{int(early.sum()):,} rows from {some['session'].min():%Y-%m-%d} on."
        findings.add("before_the_calendar", table.name, line=int(some["line"].min()), detail=detail, count=int(early.sum()))
        some = some[~early]
    if some.empty:
        return
    days = sorted(set(some["session"].dt.strftime("%Y-%m-%d")))
    shown = ", ".join(days[:5]) + (f" and {len(days) - 5} more days" if len(days) > 5 else "")
    first = int(some["line"].min())
    findings.add(code, table.name, line=first, column="session", value=days[0], detail=f"{len(some):,} rows: {shown}.", count=len(some))


def _stacked(tables: Sequence[PriceTable]) -> pd.DataFrame:
    columns: dict[str, object] = {
        name: np.concatenate([table.rows[name].to_numpy() for table in tables]) for name in ("session", *PRICE_FIELDS, "line")
    }
    for field, none in NEUTRAL.items():
        values = np.asarray(columns[field])
        columns[field] = np.where(values == none, np.nan, values)
    for name in ("symbol", "source", "price_basis"):
        columns[name] = union_categoricals([table.rows[name] for table in tables], sort_categories=True)
    names = list(dict.fromkeys(table.name for table in tables))  # a file with a header of two levels is a table a field
    files = np.repeat([names.index(table.name) for table in tables], [len(table.rows) for table in tables])
    columns["file"] = pd.Categorical.from_codes(files, categories=names)
    ranks = [table.rows["source"].map(table.rank).astype(np.float64).to_numpy() for table in tables]
    columns["rank"] = np.concatenate(ranks)
    return pd.DataFrame(columns)


def _bases(rows: pd.DataFrame, findings: Findings) -> dict[str, str]:
    pairs = rows.loc[rows["price_basis"].notna(), ["symbol", "price_basis"]].drop_duplicates()
    doubled = pairs["symbol"].duplicated(keep=False)
    for symbol, part in pairs[doubled].groupby("symbol", observed=True):
        findings.add("basis_contradiction", column="price_basis", value=symbol, detail=f"{symbol}: {', '.join(part['price_basis'])}.")
    return dict(zip(pairs["symbol"].astype(object), pairs["price_basis"].astype(object), strict=True))


def _by_precedence(rows: pd.DataFrame, findings: Findings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of the sources that `precedence` names, each symbol keeps the first that has it; the others' rows are left out."""
    rank = rows["rank"].to_numpy()
    if np.isnan(rank).all():
        return rows, rows.iloc[:0]
    codes = rows["symbol"].cat.codes.to_numpy()
    best = np.full(len(rows["symbol"].cat.categories), np.inf)
    np.minimum.at(best, codes[~np.isnan(rank)], rank[~np.isnan(rank)])
    left_out = rank > best[codes]
    for file, part in rows[left_out].groupby("file", observed=True):
        names = sorted(set(part["symbol"]))
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        findings.add("lower_precedence", str(file), detail=f"{len(names)} symbols: {shown}.", count=len(part))
    return rows[~left_out].reset_index(drop=True), rows[left_out]


def _without_repetitions(rows: pd.DataFrame, findings: Findings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per symbol and session: fields of several rows are put together; those that contradict each other are findings."""
    codes, sessions = rows["symbol"].cat.codes.to_numpy(), rows["session"].to_numpy()
    follows = np.zeros(len(rows), dtype=bool)
    follows[1:] = (codes[1:] == codes[:-1]) & (sessions[1:] == sessions[:-1])
    if not follows.any():
        return rows, rows.loc[:, ["symbol", "session", "close"]].iloc[:0]
    group = np.cumsum(~follows) - 1
    starts = np.flatnonzero(~follows)
    out = rows.iloc[starts].reset_index(drop=True)
    repeated = np.zeros(len(rows), dtype=bool)
    for field in PRICE_FIELDS:
        values = rows[field].to_numpy()
        known = np.flatnonzero(~np.isnan(values))
        first = np.full(len(starts), np.nan)
        first[group[known][::-1]] = values[known][::-1]  # the first of each group is written last
        again = known[follows[known]]
        again = again[(_first_row(group, known)[group[again]]) != again]
        differs = np.abs(values[again] - first[group[again]]) > SAME * np.abs(first[group[again]])
        _contradictions(rows, field, again[differs], first[group[again[differs]]], findings)
        if field not in NEUTRAL:
            repeated[again[~differs]] = True
        out[field] = first
    first_file = rows["file"].cat.codes.to_numpy()[starts][group]
    same_file = rows["file"].cat.codes.to_numpy() == first_file
    for file, part in rows[repeated & same_file].groupby("file", observed=True):
        findings.add("duplicate_rows", str(file), line=int(part["line"].iloc[0]), value=_key(part.iloc[0]), count=len(part))
    for file, part in rows[repeated & ~same_file].groupby("file", observed=True):
        detail = "Another file has them."
        findings.add("duplicate_rows", str(file), line=int(part["line"].iloc[0]), value=_key(part.iloc[0]), count=len(part), detail=detail)
    other = (rows["source"].cat.codes.to_numpy() != rows["source"].cat.codes.to_numpy()[starts][group]) & repeated
    return out, rows.loc[other, ["symbol", "session", "close"]]


def _first_row(group: np.ndarray, known: np.ndarray) -> np.ndarray:
    """For each group the first of the rows `known`."""
    out = np.full(int(group[-1]) + 1, -1)
    out[group[known][::-1]] = known[::-1]
    return out


def _contradictions(rows: pd.DataFrame, field: str, bad: np.ndarray, first: np.ndarray, findings: Findings) -> None:
    """One finding per symbol and file, at the first of its rows."""
    place = pd.DataFrame(
        {"row": bad, "other": first, "symbol": rows["symbol"].cat.codes.to_numpy()[bad], "file": rows["file"].cat.codes.to_numpy()[bad]}
    )
    for _, part in place.groupby(["symbol", "file"], sort=False):
        one = rows.iloc[int(part["row"].iloc[0])]
        more = f" And on {len(part) - 1:,} more sessions." if len(part) > 1 else ""
        detail = f"{_key(one)}: {one[field]:g} here, {part['other'].iloc[0]:g} before.{more}"
        findings.add(
            "disagreeing_rows",
            str(one["file"]),
            line=int(one["line"]),
            column=field,
            value=f"{one[field]:g}",
            detail=detail,
            count=len(part),
        )


def _key(row: pd.Series) -> str:
    return f"{row['symbol']} {row['session']:%Y-%m-%d}"
