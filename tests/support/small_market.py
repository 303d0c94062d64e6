"""A provider of a few hand-written series, for worked books whose figures are checked by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import pandas as pd

from sigmasight_assets.providers.protocol import (
    MASTER_COLUMNS,
    PRICE_COLUMNS,
    QUOTE_COLUMNS,
    YIELD_COLUMNS,
    Answer,
    Proxy,
    typed,
)
from sigmasight_assets.sessions import SessionCalendar


class SmallMarket:
    """Closes by symbol and session (a split or dividend without a close is a row too); flat yields; optional option quotes."""

    name = "small"
    is_live = False
    proxies: Mapping[str, Proxy] = {}

    def __init__(
        self,
        sessions: Sequence[date],
        closes: Mapping[str, Sequence[float | None]],
        *,
        dividends: Mapping[tuple[str, date], float] | None = None,
        splits: Mapping[tuple[str, date], float] | None = None,
        quotes: Sequence[Mapping[str, object]] = (),
        par_yield: float | None = 0.03,
    ) -> None:
        self.sessions, self.closes = list(sessions), dict(closes)
        self.dividends, self.splits = dict(dividends or {}), dict(splits or {})
        self.quotes, self.par_yield = list(quotes), par_yield

    def first_session(self) -> date:
        return self.sessions[0]

    def last_session(self, now: datetime) -> date:
        return self.sessions[-1]

    def known_symbols(self) -> frozenset[str]:
        return frozenset(self.closes)

    def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        asked = set(sessions)
        rows = [
            {
                "session": pd.Timestamp(day),
                "symbol": symbol,
                "close": close,
                "adj_close": close,
                "dividend": self.dividends.get((symbol, day), 0.0),
                "split_ratio": self.splits.get((symbol, day), 1.0),
                "source": "by hand",
                "price_basis": "traded",
            }
            for symbol, line in sorted(self.closes.items())
            for day, close in zip(self.sessions, line, strict=True)
            if (close is not None or (symbol, day) in self.splits or (symbol, day) in self.dividends) and day in asked
        ]
        frame = pd.DataFrame(rows, columns=list(PRICE_COLUMNS))
        return Answer(typed(frame, PRICE_COLUMNS).sort_values(["session", "symbol"], ignore_index=True))

    def treasury_yields(self, sessions: Sequence[date]) -> Answer:
        rows = [
            {"session": pd.Timestamp(day), "tenor_months": months, "par_yield": self.par_yield, "source": "by hand"}
            for day in sessions
            for months in (3, 12, 120)
        ]
        return Answer(typed(pd.DataFrame(rows, columns=list(YIELD_COLUMNS)), YIELD_COLUMNS))

    def security_master(self, symbols: Collection[str] | None = None) -> Answer:
        rows = [{"symbol": symbol, "name": symbol, "asset_class": "equity", "source": "by hand"} for symbol in sorted(self.closes)]
        return Answer(typed(pd.DataFrame(rows), MASTER_COLUMNS))

    def option_quotes(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        rows = [quote for quote in self.quotes if quote["session"] in set(sessions)]
        frame = pd.DataFrame(rows, columns=list(QUOTE_COLUMNS))
        frame["session"] = pd.to_datetime(frame["session"])
        frame["source"] = "by hand"
        return Answer(typed(frame, QUOTE_COLUMNS))


class LiveMarket(SmallMarket):
    """The same, with data to the last closed session of whatever moment it is."""

    name = "live"
    is_live = True

    def __init__(self, calendar: SessionCalendar, first: date) -> None:
        super().__init__([first], {})
        self.calendar = calendar

    def last_session(self, now: datetime) -> date:
        return self.calendar.last_closed(now)
