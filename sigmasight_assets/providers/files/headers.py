"""Column names: the names here, what else is accepted for them, and what kind of file a header makes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sigmasight_assets.ledger.option_symbols import looks_like_option

_COMMON = {
    "session": ("date", "day", "trade_date", "trading_date", "tradedate", "datetime", "timestamp", "time", "asof", "as_of", "as_of_date",
                "price_date", "dt", "quote_date", "quotedate", "observation_date", "new_date", "trading_day", "quote_datetime"),
    "source": ("vendor", "provider", "data_source"),
    "currency": ("ccy", "cur", "curr"),
}  # fmt: skip
_TICKER = ("ticker", "security", "sym", "instrument", "stock", "stock_symbol", "act_symbol", "ticker_symbol", "tic")

ALIASES: dict[str, dict[str, tuple[str, ...]]] = {
    "prices": {
        **_COMMON,
        "session": (*_COMMON["session"], "ex_date", "exdate", "ex_dividend_date", "exdividend_date", "execution_date", "effective_date"),
        "symbol": _TICKER,
        "close": ("close_price", "closing_price", "px_last", "price", "last", "last_price", "raw_close", "unadjusted_close", "close_unadj",
                  "close_raw", "prc", "adj_none_close", "level", "index_level"),
        "adj_close": ("adjclose", "adjusted", "adjusted_close", "adjustedclose", "adj_close_price", "adj_price", "close_adj",
                      "closeadj", "adjusted_price", "adjusted_closing_price", "total_return_index", "tri"),
        "dividend": ("dividends", "div", "divs", "cash_dividend", "cash_dividends", "dividend_amount", "div_cash", "divcash",
                     "cash_amount", "dividend_per_share", "amount"),
        "split_ratio": ("split", "splits", "stock_splits", "stock_split", "split_factor", "splitfactor", "split_coefficient", "ratio"),
        "split_from": ("from_factor",),
        "split_to": ("to_factor",),
        "price_basis": ("basis",),
    },
    "yields": {
        **_COMMON,
        "tenor_months": ("tenor", "maturity_months", "months", "maturity", "tenor_month"),
        "par_yield": ("par_yield_decimal", "yield_decimal", "rate_decimal"),
        "par_yield_pct": ("yield_pct", "par_yield_percent", "yield_percent", "rate_pct", "rate_percent"),
        "yield": ("rate", "value"),
    },
    "security_master": {
        **_COMMON,
        "symbol": _TICKER,
        "name": ("company", "company_name", "security_name", "fund_name", "description", "long_name", "short_name", "longname"),
        "asset_class": ("type", "security_type", "asset_type", "quote_type", "quotetype"),
        "sector": ("gics_sector", "sector_name"),
        "industry": ("gics_industry", "gics_sub_industry", "industry_name", "sub_industry", "yahoo_category"),
        "exchange": ("primary_exchange", "mic", "listing_exchange"),
        "fund_category": ("category",),
        "fund_company": ("fund_family", "family", "issuer"),
    },
    "option_quotes": {
        **_COMMON,
        "symbol": ("option", "option_symbol", "optionsymbol", "contract_symbol", "contractsymbol", "contract", "contract_id", "contractid",
                   "osi", "osi_symbol", "occ_symbol", "occ", "option_ticker", "optionroot", "ticker"),
        "root": ("option_root", "root_symbol"),
        "underlying": ("underlying_symbol", "underlier", "under", "underlying_ticker", "act_symbol", "stock_symbol", "und"),
        "expiry": ("expiration", "expiration_date", "expirationdate", "expiry_date", "exp_date", "expdate", "expire_date", "maturity_date",
                   "exdate"),
        "strike": ("strike_price", "strikeprice", "k"),
        "option_type": ("type", "cp", "cp_flag", "call_put", "put_call", "putcall", "callput", "right", "option_right", "callorput",
                        "contract_type"),
        "bid": ("bid_price", "best_bid", "bid_eod", "closing_bid"),
        "ask": ("ask_price", "best_ask", "best_offer", "offer", "ask_eod", "closing_ask"),
        "close": ("last", "last_price", "lastprice", "last_trade_price", "last_trade", "settlement", "settle", "settlement_price",
                  "mark", "mid", "price", "close_price"),
        "iv": ("implied_volatility", "impliedvolatility", "implied_vol", "impl_volatility", "impvol", "vol_implied", "imp_vol", "ivol"),
        "iv_pct": ("implied_volatility_pct", "iv_percent", "implied_vol_pct", "ivol_pct"),
        "volume": ("trade_volume", "vol"),
        "open_interest": ("openinterest", "oi", "open_int"),
        "last_trade_time": ("last_trade_date", "lasttradedate", "last_trade_datetime"),
    },
    "symbol_changes": {
        "session": _COMMON["session"] + ("effective_date", "change_date"),
        "old": ("old_symbol", "from", "from_symbol", "old_ticker", "previous_symbol"),
        "new": ("new_symbol", "to", "to_symbol", "new_ticker", "current_symbol"),
    },
    "confirmed_prices": {"session": _COMMON["session"], "symbol": _TICKER, "close": ("price", "close_price", "confirmed_close")},
}  # fmt: skip
"""Kind of file -> column here -> other names, all in the plain form of `plain`."""

PRICE_FIELDS = ("close", "adj_close", "dividend", "split_ratio")
_UNUSED = frozenset(
    (
        *("open", "high", "low", "volume", "vwap", "turnover", "change", "percent_change", "change_percent", "tick", "transactions"),
        *("bid_size", "ask_size", "theo", "delta", "gamma", "vega", "theta", "rho", "prev_day_close", "last_trade_price", "option_id"),
        *("adj_open", "adj_high", "adj_low", "adj_volume", "adjopen", "adjhigh", "adjlow", "adjvolume", "capital_gains"),
        *("dte", "days_to_expiration", "in_the_money", "underlying_price", "underlying_last", "unnamed_0", "index"),
    )
)
"""Columns that are no surprise and not used."""


def plain(header: str) -> str:
    """A header in lower case, what is no letter or digit read as one underscore: `Adj. Close` is `adj_close`."""
    return re.sub(r"[^a-z0-9]+", "_", header.strip().lower()).strip("_")


def is_unused(header: str) -> bool:
    """Whether nobody would expect the column to be used."""
    return not header.strip() or plain(header) in _UNUSED


def named_columns(kind: str, headers: Sequence[str], stated: Mapping[str, str]) -> dict[str, list[int]]:
    """Column here -> places of the headers that mean it; a header under its own name wins over aliases.

    Parameters
    ----------
    stated : mapping
        Header as written -> column here, from provider.yaml.
    """
    meaning = {alias: name for name, aliases in ALIASES[kind].items() for alias in aliases} | {name: name for name in ALIASES[kind]}
    own: dict[str, list[int]] = {}
    aliased: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        if header in stated:
            own.setdefault(stated[header], []).append(place)
        elif plain(header) in ALIASES[kind]:
            own.setdefault(plain(header), []).append(place)
        elif plain(header) in meaning:
            aliased.setdefault(meaning[plain(header)], []).append(place)
    return own | {name: places for name, places in aliased.items() if name not in own}


_TENOR_FORMS = (
    (re.compile(r"(?:dgs|gs)(\d+)mo"), 1, True),
    (re.compile(r"(?:dgs|gs)(\d+)"), 12, True),
    (re.compile(r"bc_(\d+)month"), 1, True),
    (re.compile(r"bc_(\d+)year"), 12, True),
    (re.compile(r"m(\d+)|(\d+)_?m(?:o|onths?|th)?"), 1, False),
    (re.compile(r"y(\d+)|(\d+)_?y(?:r|rs|ears?)?"), 12, False),
)


def tenor_of(header: str) -> tuple[int, bool] | None:
    """(months, published in percent) of a column of yields: DGS10, m120, 10 Yr, 3 Mo, BC_2YEAR; None for anything else."""
    text = re.sub(r"_(pct|percent|decimal)$", "", plain(header))
    for form, months, is_percent in _TENOR_FORMS:
        if match := form.fullmatch(text):
            return int(next(group for group in match.groups() if group)) * months, is_percent
    return None


def stated_unit(*names: str) -> str | None:
    """`percent` or `decimal` where a file's or a column's name says so."""
    for name in names:
        words = set(plain(name).split("_"))
        if words & {"pct", "percent", "percentage"}:
            return "percent"
        if words & {"decimal", "decimals"}:
            return "decimal"
    return None


def kind_of(file: str, headers: Sequence[str], stated: Mapping[str, str], first_row: Sequence[str] = ()) -> str | None:
    """What a file holds, by its columns and, where they leave a choice, its name and its first symbol; None for no known kind."""
    name, folder = plain(Path(file).name.split(".")[0]), plain(str(Path(file).parent))
    found = {kind: set(named_columns(kind, headers, stated)) for kind in ALIASES}
    words = {plain(header) for header in headers}
    option = found["option_quotes"]
    changes = found["symbol_changes"]
    if {"old", "new"} <= changes and "close" not in found["prices"]:
        return "symbol_changes"
    if "confirm" in name and {"symbol", "session"} <= found["confirmed_prices"]:
        return "confirmed_prices"
    if {"strike", "expiry"} <= option and option & {"option_type", "symbol"}:
        return "option_quotes"
    quoted = option & {"bid", "ask", "iv", "iv_pct", "close"}
    series = set(ALIASES["option_quotes"]["symbol"]) - {"ticker", "stock"}
    if "symbol" in option and quoted and (words & series or re.search(r"option|chain", f"{folder}_{name}")):
        return "option_quotes"
    if "symbol" in option and quoted and first_row:
        places = named_columns("option_quotes", headers, stated)["symbol"]
        if any(looks_like_option(first_row[place]) for place in places if place < len(first_row)):
            return "option_quotes"
    if _are_yields(name, folder, headers, found):
        return "yields"
    priced = found["prices"] & set(PRICE_FIELDS)
    described = found["security_master"] & {"name", "sector", "industry"}
    described |= found["security_master"] & {"asset_class"} if re.search(r"master|securit|universe|instrument", name) else set()
    if described and "symbol" in found["security_master"] and not ("session" in found["prices"] and priced & {"close", "adj_close"}):
        return "security_master"
    if "session" in found["prices"] and (priced or {"split_from", "split_to"} <= found["prices"]):
        return "prices"
    if "session" in found["prices"] and len(headers) > 1 and "symbol" not in found["prices"]:
        return "prices"  # a column per symbol
    return None


def _are_yields(name: str, folder: str, headers: Sequence[str], found: Mapping[str, set[str]]) -> bool:
    if "session" not in found["yields"]:
        return False
    if "tenor_months" in found["yields"] and found["yields"] & {"par_yield", "par_yield_pct", "yield"}:
        return True
    others = [header for header in headers if header.strip() and plain(header) not in ("session", *_COMMON["session"])]
    tenors = [header for header in others if tenor_of(header)]
    named = re.search(r"yield|treasur|rates|cmt|curve", f"{folder}_{name}") is not None
    return bool(tenors) and (len(tenors) == len(others) or named)


def field_of_wide(file: str) -> str:
    """What a file with a column per symbol states, by its name: close unless the name says otherwise."""
    name = plain(Path(file).name.split(".")[0])
    if "unadj" in name:
        return "close"
    for sign, field in (("adj", "adj_close"), ("divid", "dividend"), ("split", "split_ratio")):
        if sign in name:
            return field
    return "dividend" if "div" in name.split("_") else "close"
