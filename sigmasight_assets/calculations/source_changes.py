"""Where a source now says something else than what is stored: what `sigmasight run --stale` takes in first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from sigmasight_assets.calculations import market
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.store.gates import broken_rows
from sigmasight_assets.store.stale_rows import COLUMNS
from sigmasight_assets.store.tables import materializations, option_quotes, prices, security_master, treasury_yields

SOURCE_CHANGED = "source_changed"
Frame = Callable[[Reader, MarketDataProvider, Sequence[date]], pd.DataFrame]


@dataclass(frozen=True)
class _Source:
    table: Table
    key: tuple[str, ...]
    frame: Frame


_SOURCES = (
    _Source(security_master, ("symbol",), lambda _reader, provider, _sessions: market.master_frame(provider)),
    _Source(prices, ("session", "symbol"), market.price_frame),
    _Source(treasury_yields, ("session", "tenor_months"), lambda _reader, provider, sessions: market.yield_frame(provider, sessions)),
    _Source(option_quotes, ("session", "symbol"), lambda _reader, provider, sessions: market.quote_frame(provider, sessions)),
)


def changed_at_source(reader: Reader, provider: MarketDataProvider) -> pd.DataFrame:
    """Stored row sets of market tables for which the provider has other rows now (columns of `store.stale_rows.COLUMNS`).

    A row that would be refused by a gate, or quarantined while a good one is stored, changes nothing and does not count.
    """
    found = []
    for source in _SOURCES:
        name = source.table.name
        stored_sets = reader.frame(select(materializations.c.session).where(materializations.c.table_name == name))
        if stored_sets.empty:
            continue
        dated = "session" in source.key
        sessions = [day.date() for day in stored_sets["session"].sort_values()] if dated else []
        if dated and not sessions:
            continue
        for session in _differing(reader, source, source.frame(reader, provider, sessions), sessions, dated=dated):
            detail = f"the {provider.name} data say something else than {name}"
            found.append((name, session, None, SOURCE_CHANGED, provider.name, detail))
    out = pd.DataFrame(found, columns=COLUMNS)
    return out.astype({"session": "datetime64[s]"})


def _differing(reader: Reader, source: _Source, new: pd.DataFrame, sessions: Sequence[date], *, dated: bool) -> list[date | None]:
    query = select(source.table)
    if dated:
        query = query.where(source.table.c.session.between(sessions[0], sessions[-1]))
    stored = reader.frame(query)
    new, stored = new.astype(stored.dtypes.to_dict()), stored[list(new.columns)]
    key = list(source.key)
    both = stored.merge(new, on=key, how="outer", suffixes=("_stored", ""), indicator=True)
    refused = pd.Series(False, index=both.index)
    offered = both["_merge"] != "left_only"
    refused[offered] = broken_rows(source.table, both.loc[offered, list(new.columns)]).notna()
    good = (both["_merge"] == "both") & (both["status_stored"] != "quarantined")
    kept = refused & good  # the good row stays
    same = both["_merge"] == "both"
    for name in (column for column in new.columns if column not in key):
        one, other = both[name], both[f"{name}_stored"]
        same &= (one == other) | (one.isna() & other.isna())
    differs = ~same & ~kept
    if not dated:
        return [None] if differs.any() else []
    days = np.unique(both.loc[differs, "session"].to_numpy().astype("datetime64[D]"))
    return list(days[np.isin(days, np.array(sessions, dtype="datetime64[D]"))].tolist())
