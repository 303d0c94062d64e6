"""Symbols that changed: one history under both names, so that lots of either are priced (FB until META's first session, META since).

The linked series is the old symbol's up to the change and the new one's from then on, and both symbols have all of it. Nothing in the
books has to be touched: a lot of the old symbol goes on, and a lot of the new one has a history for its betas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from sigmasight_assets.providers.files.cells import symbols_of
from sigmasight_assets.providers.files.configuration import Configuration, FileRule
from sigmasight_assets.providers.files.findings import Findings
from sigmasight_assets.providers.files.headers import named_columns
from sigmasight_assets.providers.files.price_merge import SAME, Merged
from sigmasight_assets.providers.files.table_file import TableFile
from sigmasight_assets.sessions import SessionCalendar


@dataclass(frozen=True)
class SymbolChange:
    """From `session` on the security trades as `new`."""

    old: str
    new: str
    session: date


def read_changes(table: TableFile, rule: FileRule, configuration: Configuration, calendar: SessionCalendar) -> list[SymbolChange]:
    """The changes a file states; a date on a day without trading counts on the next session."""
    named = named_columns("symbol_changes", table.headers, rule.columns)
    for column in ("old", "new", "session"):
        if column not in named:
            table.findings.add("missing_column", table.name, column={"session": "date"}.get(column, column))
    if not {"old", "new", "session"} <= set(named):
        return []
    places = {name: found[0] for name, found in named.items()}
    table.load(list(places.values()), [])
    sessions = table.dates(places["session"], rule.date_format or configuration.date_format)
    symbols = []
    for name in ("old", "new"):
        texts = table.texts(places[name])
        values, bad = symbols_of(texts)
        table.report("invalid_symbol", places[name], bad, texts)
        symbols.append(np.asarray(values, dtype=object))
    out = []
    for old, new, day in zip(*symbols, sessions, strict=True):
        if isinstance(old, str) and isinstance(new, str) and not np.isnat(day):
            out.append(SymbolChange(old, new, calendar.roll_forward(day.astype("datetime64[D]").item())))
    return out


def link(merged: Merged, changes: Sequence[SymbolChange], findings: Findings) -> Merged:
    """Give both symbols of each change the linked series, in order of time, so that chains of changes link up."""
    rows, states, basis = merged.rows, merged.states, dict(merged.basis)
    for change in sorted(changes, key=lambda one: one.session):
        old, new = (rows[(rows["symbol"] == symbol).to_numpy()] for symbol in (change.old, change.new))
        if old.empty and new.empty:
            findings.add("change_without_price", value=f"{change.old} -> {change.new}")
            continue
        day = pd.Timestamp(change.session)
        before = old[old["session"] < day] if (old["session"] < day).any() else new[new["session"] < day]
        after = new[new["session"] >= day] if (new["session"] >= day).any() else old[old["session"] >= day]
        _tell_reuse(change, old, new, day, findings)
        if len(before) and len(after) and before["symbol"].iloc[0] != after["symbol"].iloc[0]:
            before = _on_one_level(before, after)
        linked = pd.concat([before, after])
        for field, symbols in states.items():
            if change.old in symbols or change.new in symbols:
                states[field] |= {change.old, change.new}
        for one, other in ((change.old, change.new), (change.new, change.old)):
            if one in basis:
                basis.setdefault(other, basis[one])
        names = rows["symbol"].cat.categories.union([change.old, change.new], sort=True)
        rest = rows[~rows["symbol"].isin([change.old, change.new])]
        parts = [rest.assign(symbol=rest["symbol"].cat.set_categories(names))]
        parts += [linked.assign(symbol=pd.Categorical([symbol] * len(linked), categories=names)) for symbol in (change.old, change.new)]
        rows = pd.concat(parts)
    order = np.lexsort((rows["session"].to_numpy(), rows["symbol"].cat.codes.to_numpy()))
    return Merged(rows.iloc[order].reset_index(drop=True), states, basis, merged.second)


def _on_one_level(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Scale the old symbol's adjusted closes to the new one's, so that the return over the change is that of the closes and dividend."""
    last = before[before["close"].notna() & before["adj_close"].notna()].tail(1)
    first = after[after["close"].notna() & after["adj_close"].notna()].head(1)
    if last.empty or first.empty:
        return before
    close, split = float(last["close"].iloc[0]), float(first["split_ratio"].fillna(1.0).iloc[0])
    kept = (1.0 - split * float(first["dividend"].fillna(0.0).iloc[0]) / close) / split
    wanted = float(first["adj_close"].iloc[0] / first["close"].iloc[0]) * kept
    return before.assign(adj_close=before["adj_close"] * (wanted * close / float(last["adj_close"].iloc[0])))


def _tell_reuse(change: SymbolChange, old: pd.DataFrame, new: pd.DataFrame, day: pd.Timestamp, findings: Findings) -> None:
    """Rows that the link leaves out and that are not the same series: the symbol was another security's then."""
    for symbol, dropped, kept in (
        (change.new, new[new["session"] < day], old[old["session"] < day]),
        (change.old, old[old["session"] >= day], new[new["session"] >= day]),
    ):
        if len(dropped) and len(kept):
            both = dropped.merge(kept, on="session", suffixes=("", "_kept"))
            same = (both["close"] - both["close_kept"]).abs() <= SAME * both["close_kept"]
            if len(both) < len(dropped) or not same[both["close"].notna()].all():
                shown = f"{symbol}: {len(dropped)} rows from {dropped['session'].min():%Y-%m-%d} to {dropped['session'].max():%Y-%m-%d}."
                findings.add("symbol_reused", value=symbol, detail=shown, count=len(dropped))
