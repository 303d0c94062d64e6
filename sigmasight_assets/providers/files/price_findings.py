"""What is worth a look in a panel of prices: jumps, gaps, series that end early, proxies that are not there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from sigmasight_assets.providers.files.findings import Findings
from sigmasight_assets.providers.protocol import Proxy
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.frames import session_array

WARN_MOVE = 0.5
ABSURD_MOVE = 10.0
"""As `calculations.market.QUARANTINE_JUMP`."""
BETA_CLOSES = 253


def find_jumps(rows: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Report closes that move by more than 50 %, splits aside; the rows that move more than tenfold are returned.

    Parameters
    ----------
    rows : DataFrame
        As `price_basis.with_basis` makes them: ordered by symbol and session.
    """
    priced = rows[rows["close"].notna()]
    close, split = priced["close"].to_numpy(), priced["split_ratio"].to_numpy()
    same = np.zeros(len(priced), dtype=bool)
    codes = priced["symbol"].cat.codes.to_numpy()
    same[1:] = codes[1:] == codes[:-1]
    move = np.ones(len(priced))
    move[1:] = close[1:] * split[1:] / close[:-1]
    move[~same] = 1.0
    absurd = (move > ABSURD_MOVE) | (move < 1.0 / ABSURD_MOVE)
    for code, where in (("absurd_jump", absurd), ("jump", ~absurd & (np.abs(move - 1.0) > WARN_MOVE))):
        for i in np.flatnonzero(where).tolist():
            row = priced.iloc[i]
            detail = f"{row['symbol']} on {row['session']:%Y-%m-%d}: {close[i - 1]:g} to {close[i]:g} ({move[i] - 1.0:+.0%})."
            findings.add(code, str(row["file"]), line=int(row["line"]), column="close", value=f"{close[i]:g}", detail=detail)
    return priced[absurd]


def find_gaps(rows: pd.DataFrame, calendar: SessionCalendar, last: date, findings: Findings) -> pd.DataFrame:
    """Coverage of each symbol up to the last session: first, last, sessions with a close, gaps between; gaps are reported."""
    priced = rows[rows["close"].notna()]
    days = session_array(calendar.days.tolist())
    place = pd.Series(np.searchsorted(days, priced["session"].to_numpy()), index=priced.index)
    grouped = place.groupby(priced["symbol"], sort=True, observed=True)
    coverage = pd.DataFrame({"first": grouped.min(), "last": grouped.max(), "closes": grouped.size()})
    coverage["gaps"] = coverage["last"] - coverage["first"] + 1 - coverage["closes"]
    end = int(np.searchsorted(days, np.datetime64(last, "s")))
    for symbol, row in coverage[coverage["gaps"] > 0].iterrows():
        own = place[(priced["symbol"] == symbol).to_numpy()].to_numpy()
        missing = np.setdiff1d(np.arange(own[0], own[-1] + 1), own)
        shown = f"{symbol}: {len(missing)} sessions, first {days[missing[0]].astype('datetime64[D]')}."
        findings.add("gap", value=symbol, detail=shown, count=int(row["gaps"]))
    for symbol, row in coverage[coverage["last"] < end].iterrows():
        shown = f"{symbol}: {days[row['last']].astype('datetime64[D]')}, {end - row['last']} sessions before {last}."
        findings.add("ends_early", value=symbol, detail=shown)
    for name in ("first", "last"):
        coverage[name] = days[coverage[name]]
    basis = priced.drop_duplicates("symbol").astype({"symbol": object, "source": object, "price_basis": object})
    coverage.index = coverage.index.astype(object)
    return coverage.join(basis.set_index("symbol")[["source", "price_basis"]])


def find_proxies(coverage: pd.DataFrame, proxies: Mapping[str, Proxy], findings: Findings) -> None:
    for factor, proxy in proxies.items():
        if proxy.symbol not in coverage.index:
            findings.add("proxy_missing", value=proxy.symbol, detail=f"{factor}: {proxy.symbol}.")
        elif coverage.loc[proxy.symbol, "closes"] < BETA_CLOSES:
            findings.add("proxy_short", value=proxy.symbol, detail=f"{factor}: {coverage.loc[proxy.symbol, 'closes']} prices.")
