"""`factor_returns`: the seven proxies' total returns, the change of the 10-year, configured macro series (docs/conventions.md §6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.engines.factor_betas import RATES_MARKET_ONLY
from sigmasight_assets.engines.factor_names import FACTORS, MODEL_FACTORS
from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.providers.protocol import Proxy
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import factor_returns, prices, treasury_yields

RATES_SERIES = "rates_10y"
RATES_TENOR_MONTHS = 120
RESERVED = (*MODEL_FACTORS, RATES_MARKET_ONLY, RATES_SERIES)
MAX_NAME = 32
COLUMNS = [column.name for column in factor_returns.columns]
Levels = tuple[Array, np.ndarray]
"""A level on each session (NaN where there is none) and where it comes from, each of shape (n_sessions,)."""


def factor_return_frame(
    reader: Reader, proxies: Mapping[str, Proxy], macro_series: Mapping[str, str], sessions: Sequence[date]
) -> pd.DataFrame:
    """Rows of `factor_returns`: every series on every session, with a reason where it has no value.

    Parameters
    ----------
    proxies : mapping
        Factor -> the series used for it.
    macro_series : mapping
        Name -> symbol whose total return is a further regressor.

    Raises
    ------
    SigmaSightError
        For a macro series whose name is taken or too long.
    """
    wrong = sorted(name for name in macro_series if name in RESERVED or not name or len(name) > MAX_NAME)
    if wrong:
        raise SigmaSightError(
            f"SIGMASIGHT_MACRO_SERIES: expected names of at most {MAX_NAME} characters other than {', '.join(RESERVED)}, "
            f"was {', '.join(map(repr, wrong))}."
        )
    position = np.sort(reader.positions(sessions))
    if not len(position):
        return columns_to_frame([], [(column.name, column.type) for column in factor_returns.columns])
    symbols = sorted({proxy.symbol for proxy in proxies.values()} | set(macro_series.values()))
    levels = _prices(reader, symbols, position)
    parts = [_proxy_rows(reader, name, proxies.get(name), levels, position) for name in FACTORS]
    change = _with_previous(_yields(reader, position), position)
    parts.append(_rows(reader, RATES_SERIES, "rates", position, change[0] - change[1], change, "yield"))
    for name, symbol in sorted(macro_series.items()):
        level = _with_previous(levels[symbol], position)
        rows = _rows(reader, name, "macro", position, level[0] / level[1] - 1.0, level, "price")
        parts.append(rows.assign(symbol=symbol))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _proxy_rows(reader: Reader, name: str, proxy: Proxy | None, levels: Mapping[str, Levels], position: IntArray) -> pd.DataFrame:
    """Total returns of one factor's proxy."""
    if proxy is None:
        nothing = np.full(len(position), np.nan)
        rows = _rows(reader, name, "factor", position, nothing, (nothing, nothing, np.full(len(position), None, dtype=object)), "price")
        return rows.assign(reason="proxy_missing")
    level = _with_previous(levels[proxy.symbol], position)
    rows = _rows(reader, name, "factor", position, level[0] / level[1] - 1.0, level, "price")
    members = pd.Series([list(proxy.members) if proxy.members else None] * len(rows), dtype=object)
    return rows.assign(symbol=proxy.symbol, etf=proxy.etf, is_stand_in=proxy.is_stand_in, members=members)


def _rows(
    reader: Reader, name: str, kind: str, position: IntArray, value: Array, level: tuple[Array, Array, np.ndarray], what: str
) -> pd.DataFrame:
    now, before, source = level
    missing = np.isnan(value)
    reason = np.select([np.isnan(now), np.isnan(before)], [f"no_{what}", f"no_previous_{what}"], None)
    frame = pd.DataFrame({"session": reader.sessions(position), "value": value})
    texts: dict[str, object] = {
        "series": name,
        "kind": kind,
        "symbol": None,
        "etf": None,
        "members": None,
        "source": source,
        "status": np.where(missing, "unavailable", "ok"),
        "reason": reason,
    }
    for column, text in texts.items():
        frame[column] = pd.Series(text, index=frame.index, dtype=object)
    frame["is_stand_in"] = False
    return frame


def _with_previous(levels: Levels, position: IntArray) -> tuple[Array, Array, np.ndarray]:
    """Level and source on sessions and the level on the session before each; `levels` begin one session before the first."""
    value, source = levels
    row = position - (int(position[0]) - 1)
    return value[row], value[row - 1], source[row]


def _prices(reader: Reader, symbols: Sequence[str], position: IntArray) -> dict[str, Levels]:
    """Accepted adjusted closes from the session before the first to the last."""
    p = prices.c
    first, last = int(position[0]) - 1, int(position[-1])
    query = select(p.session, p.symbol, p.adj_close, p.source).where(
        p.session.between(reader.day(first), reader.day(last)), p.symbol.in_(symbols), p.status != "quarantined", p.adj_close > 0
    )
    return _levels(reader, reader.frame(query), "symbol", "adj_close", symbols, first, last)


def _yields(reader: Reader, position: IntArray) -> Levels:
    y = treasury_yields.c
    first, last = int(position[0]) - 1, int(position[-1])
    query = select(y.session, y.tenor_months, y.par_yield, y.source).where(
        y.session.between(reader.day(first), reader.day(last)), y.tenor_months == RATES_TENOR_MONTHS, y.status != "quarantined"
    )
    found = _levels(reader, reader.frame(query), "tenor_months", "par_yield", [RATES_TENOR_MONTHS], first, last)
    return found[RATES_TENOR_MONTHS]


def _levels(reader: Reader, frame: pd.DataFrame, by: str, name: str, keys: Sequence, first: int, last: int) -> dict:
    out = {key: (np.full(last - first + 1, np.nan), np.full(last - first + 1, None, dtype=object)) for key in keys}
    for key, rows in frame.groupby(by):
        row = reader.positions_of(rows["session"]) - first
        value, source = out[key]
        value[row], source[row] = rows[name].to_numpy(dtype=np.float64), rows["source"].to_numpy(dtype=object)
    return out
