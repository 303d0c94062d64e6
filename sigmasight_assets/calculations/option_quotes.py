"""Stored option quotes as prices and implied volatilities: the rungs of the ladder that come from the market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import or_, select

from sigmasight_assets.calculations.contracts import OSI_TAIL, terms_of
from sigmasight_assets.calculations.option_inputs import Rates, Underlyings
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import IntArray
from sigmasight_assets.engines.implied_volatility import Reason, implied_volatility
from sigmasight_assets.store.tables import option_quotes

QUOTE_COLUMNS = (
    option_quotes.c.session,
    option_quotes.c.symbol,
    option_quotes.c.bid,
    option_quotes.c.ask,
    option_quotes.c.close,
    option_quotes.c.iv,
)

REASON_WORDS = np.array([reason.name.lower() for reason in Reason], dtype=object)


@dataclass(frozen=True)
class Series:
    """What the ledger knows of held series beyond their symbols.

    Attributes
    ----------
    underlying : dict
        Root -> underlying symbol.
    settlement : dict
        Symbol -> calendar position of the settlement, which may be before the expiry date.
    strike : dict
        Symbol -> strike; a split may give it more digits than the symbol holds.
    """

    underlying: dict[str, str]
    settlement: dict[str, int]
    strike: dict[str, float]


def read_quotes(reader: Reader, first: int, last: int, *, symbols: Sequence[str] = (), roots: Sequence[str] = ()) -> pd.DataFrame:
    """Quotes of some series, or of all series of some roots, with `position`, `price` and `price_source`.

    The price is the mid where 0 < bid <= ask, else the contract's own close above 0, else NaN (price_source None).
    """
    first = max(first, 0)
    chosen = [option_quotes.c.symbol.in_(sorted(symbols))] if symbols else []
    chosen += [option_quotes.c.symbol.between(f"{root}0", f"{root}:") for root in sorted(roots)]  # a digit follows the root
    query = select(*QUOTE_COLUMNS).where(
        option_quotes.c.session.between(reader.day(first), reader.day(last)), or_(*chosen), option_quotes.c.status != "quarantined"
    )
    quotes = reader.frame(query)
    if roots:
        quotes = quotes[quotes["symbol"].str[:-OSI_TAIL].isin(set(roots))].reset_index(drop=True)
    bid, ask, close = (quotes[name].to_numpy() for name in ("bid", "ask", "close"))
    has_mid, has_close = (bid > 0) & (bid <= ask), close > 0
    price = np.where(has_mid, (bid + ask) / 2.0, np.where(has_close, close, np.nan))
    source = np.where(has_mid, "mid", np.where(has_close, "close", None))
    return quotes.assign(position=reader.positions_of(quotes["session"]), price=price, price_source=source)


def solve_volatility(quotes: pd.DataFrame, series: Series, market: Underlyings, rates: Rates) -> pd.DataFrame:
    """Add `iv`, `iv_source` (`quote`, `chain`) and `iv_reason` to quotes, and the terms their symbols state.

    A quote is solved only against the close of its own session: with an older one it is a `stale_pair`. What cannot be solved takes the
    vendor's volatility where there is one.
    """
    terms = terms_of(quotes["symbol"])
    position: IntArray = quotes["position"].to_numpy()
    names = terms["root"].map(series.underlying)
    spot = market.at(market.spot, position, list(names))
    age = market.at(market.spot_age, position, list(names))
    dividends = market.at(market.dividends, position, list(names))
    day = quotes["session"].to_numpy().astype("datetime64[D]")
    years = (terms["expiry"].to_numpy().astype("datetime64[D]") - day).astype(np.int64) / 365.0
    is_settlement = quotes["symbol"].map(series.settlement).fillna(-1).to_numpy(dtype=np.int64) == position
    years = np.where(is_settlement, 0.0, years)
    is_call = (terms["option_type"] == "C").to_numpy()
    strike = quotes["symbol"].map(series.strike).astype(np.float64).fillna(terms["strike"]).to_numpy()
    solved = implied_volatility(
        is_call, quotes["price"].to_numpy(), spot, strike, years, rates.zero_rate(position, years), dividends / spot
    )
    reason = REASON_WORDS[solved.reason]
    reason = np.where((age > 0) & (years > 0), "stale_pair", reason)
    from_quote = reason == "ok"
    vendor = quotes["iv"].to_numpy()
    from_vendor = ~from_quote & (vendor > 0) & (years > 0)
    return quotes.drop(columns="iv").assign(
        iv=np.where(from_quote, solved.volatility, np.where(from_vendor, vendor, np.nan)),
        iv_source=np.where(from_quote, "quote", np.where(from_vendor, "chain", None)),
        iv_reason=np.where(from_quote, None, reason),
        underlying=names.to_numpy(dtype=object),
        strike=strike,
        option_type=terms["option_type"].to_numpy(dtype=object),
        years=years,
        spot=spot,
    )
