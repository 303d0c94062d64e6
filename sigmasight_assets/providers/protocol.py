"""What a source of market data answers, and how it says what it could not give."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import pandas as pd

PRICE_COLUMNS = {
    "session": "datetime64[s]",
    "symbol": "object",
    "close": "float64",
    "adj_close": "float64",
    "dividend": "float64",
    "split_ratio": "float64",
    "source": "object",
    "price_basis": "object",
}
YIELD_COLUMNS = {"session": "datetime64[s]", "tenor_months": "int64", "par_yield": "float64", "source": "object"}
MASTER_COLUMNS = dict.fromkeys(
    ("symbol", "name", "asset_class", "sector", "industry", "exchange", "fund_category", "fund_company", "source"), "object"
)
QUOTE_COLUMNS = {
    "session": "datetime64[s]",
    "symbol": "object",
    "bid": "float64",
    "ask": "float64",
    "close": "float64",
    "iv": "float64",
    "volume": "float64",
    "open_interest": "float64",
    "source": "object",
}


@dataclass(frozen=True)
class Gap:
    """What a provider was asked for and does not have.

    Attributes
    ----------
    subject : str
        A symbol, a tenor or a kind of data.
    first, last : date or None
        The sessions concerned; None: all that were asked for.
    reason : str
    """

    subject: str
    first: date | None
    last: date | None
    reason: str


@dataclass(frozen=True)
class Answer:
    """Rows, and what is missing from them.

    Attributes
    ----------
    frame : DataFrame
        Sorted by its key (session, then symbol or tenor), without duplicates; typed alike when empty.
    gaps : tuple of Gap
    confirmed : frozenset of (session, symbol)
        Closes that a second source states as well: such a jump is not quarantined.
    """

    frame: pd.DataFrame
    gaps: tuple[Gap, ...] = ()
    confirmed: frozenset[tuple[date, str]] = frozenset()


@dataclass(frozen=True)
class Proxy:
    """The series that stands for a factor's ETF: itself, or a named stand-in; `members` are what a stand-in is known to be made of."""

    factor: str
    etf: str
    symbol: str
    members: tuple[str, ...] = ()

    @property
    def is_stand_in(self) -> bool:
        return self.etf != self.symbol


class MarketDataProvider(Protocol):
    """A source of market data. Dates are sessions; money USD; yields and volatilities decimals a year."""

    @property
    def name(self) -> str:
        """As in `SIGMASIGHT_PROVIDER`."""

    @property
    def is_live(self) -> bool:
        """True where the last session moves with the clock."""

    @property
    def proxies(self) -> Mapping[str, Proxy]:
        """Factor -> the series used for it."""

    def first_session(self) -> date:
        """The first session with prices."""

    def last_session(self, now: datetime) -> date:
        """The last closed session with prices, at a moment."""

    def known_symbols(self) -> frozenset[str] | None:
        """Every symbol with prices; None where they cannot be listed."""

    def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        """`PRICE_COLUMNS` of the symbols (all when None). No row where there is no price."""

    def treasury_yields(self, sessions: Sequence[date]) -> Answer:
        """`YIELD_COLUMNS`: a row per session and tenor, NaN where none was published."""

    def security_master(self, symbols: Collection[str] | None = None) -> Answer:
        """`MASTER_COLUMNS` of the symbols (all when None)."""

    def option_quotes(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        """`QUOTE_COLUMNS` of OSI symbols (all when None)."""


def typed(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The columns in order with their types; texts as objects with None."""
    out = pd.DataFrame(index=range(len(frame)))
    for name, kind in columns.items():
        values = frame[name].reset_index(drop=True) if name in frame else pd.Series([None] * len(frame), dtype="object")
        if kind == "object":
            values = values.astype(object)
            out[name] = values.where(values.notna(), None)
        else:
            out[name] = values.astype(kind)
    return out


def empty(columns: Mapping[str, str]) -> pd.DataFrame:
    """No rows, with columns and types."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
