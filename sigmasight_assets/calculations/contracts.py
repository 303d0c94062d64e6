"""Which option series are held on which session, and what their symbols say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from sigmasight_assets.calculations.market_panels import Splits
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.ledger.book import Lots

COLUMNS = ["position", "symbol", "underlying", "expiry", "strike", "option_type", "exercise_style", "settlement"]
OSI_TAIL = 15
"""Characters after the root: yymmdd, C or P, strike in thousandths (8 digits)."""


def series_symbol(symbol: str, strike: float) -> str:
    """The OSI symbol of a series whose strike moved with a split: the exchanges list it to the nearest cent, half a cent up.

    700 after a 3:1 split is listed as 233.33, 317.5 after 4:1 as 79.38; the strike that prices it stays exact.
    """
    cents = math.floor(strike * 100.0 + 0.5 + 1e-6)
    return f"{symbol[:-8]}{cents * 10:08d}"


def series_symbols(lots: Lots, split_factor: Array) -> np.ndarray:
    """Symbol of each option lot's series on each session, shape (n_sessions, n_lots) of texts."""
    out = np.broadcast_to(lots.symbol, split_factor.shape).copy()
    for i, j in np.argwhere(split_factor != 1.0):
        out[i, j] = series_symbol(lots.symbol[j], lots.strike[j] / split_factor[i, j])
    return out


def held_contracts(lots: Lots, splits: Splits, position: IntArray) -> pd.DataFrame:
    """One row per session and series open, or settled, on it; columns `COLUMNS`, ordered by session and symbol.

    Parameters
    ----------
    lots : Lots
        Of any number of portfolios; only options count.
    position : IntArray of shape (n_sessions,)
    """
    options = lots.chosen(lots.is_option)
    now = position[:, None]
    on = (options.entry <= now) & ((now < options.end) | ((now == options.end) & options.is_settled))
    factor = splits.factors(list(options.underlying), options.entry, position)
    names = series_symbols(options, factor)
    i, j = np.nonzero(on)
    frame = pd.DataFrame(
        {
            "position": position[i],
            "symbol": pd.Series(names[i, j], dtype=object),
            "underlying": pd.Series(options.underlying[j], dtype=object),
            "expiry": options.expiry[j].astype("datetime64[s]"),
            "strike": options.strike[j] / factor[i, j],
            "option_type": pd.Series(options.option_type[j], dtype=object),
            "exercise_style": pd.Series(options.exercise_style[j], dtype=object),
            "settlement": options.settlement[j],
        }
    )
    return frame.drop_duplicates(["position", "symbol"]).sort_values(["position", "symbol"], ignore_index=True)


def terms_of(symbols: pd.Series) -> pd.DataFrame:
    """Root, expiry, option_type and strike that OSI symbols state; one row per symbol, in order."""
    text = symbols.astype(str)
    tail = text.str[-OSI_TAIL:]
    return pd.DataFrame(
        {
            "root": text.str[:-OSI_TAIL],
            "expiry": pd.to_datetime("20" + tail.str[:6], format="%Y%m%d").astype("datetime64[s]"),
            "option_type": tail.str[6],
            "strike": tail.str[7:].astype(np.float64) / 1000.0,
        },
        index=symbols.index,
    )
