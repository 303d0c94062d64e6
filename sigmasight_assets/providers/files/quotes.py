"""Files of option quotes: an OSI symbol, or underlying, expiry, strike and type, with bid, ask, last and the vendor's volatility."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_assets.errors import InvalidSymbol
from sigmasight_assets.ledger.option_symbols import SETTLED_ON_FUTURES, OptionSymbol, parse
from sigmasight_assets.providers.files.cells import MISSING, dates_of, symbols_of
from sigmasight_assets.providers.files.configuration import Configuration, FileRule
from sigmasight_assets.providers.files.headers import is_unused, named_columns, stated_unit
from sigmasight_assets.providers.files.price_rows import refuse_currencies
from sigmasight_assets.providers.files.table_file import TableFile

NUMBERS = ("bid", "ask", "close", "iv", "volume", "open_interest")
TERMS = ("underlying", "expiry", "strike", "option_type")
PERCENT_IV = 3.0
"""A median volatility above this is surely percent."""
_TYPES = {"C": "C", "CALL": "C", "CALLS": "C", "P": "P", "PUT": "P", "PUTS": "P"}
_DATE_IN_NAME = re.compile(r"(?<!\d)(\d{4})[-_]?(\d{2})[-_]?(\d{2})(?!\d)")


@dataclass(frozen=True)
class QuoteTable:
    """Rows of one file: `QUOTE_COLUMNS` with `line`; the underlying and expiry of each distinct symbol."""

    name: str
    rows: pd.DataFrame
    contracts: dict[str, OptionSymbol]


def read_quotes(table: TableFile, rule: FileRule, configuration: Configuration) -> QuoteTable | None:
    """The quotes of a file; None (with findings) where it lacks what every row needs."""
    named = {name: places[0] for name, places in named_columns("option_quotes", table.headers, rule.columns).items()}
    stated_date = rule.session or _date_in(table.name)
    has_terms = {"expiry", "strike", "option_type"} <= set(named) and bool({"underlying", "root"} & set(named) or rule.symbol)
    missing = [] if "session" in named or stated_date else ["date"]
    missing += [] if "symbol" in named or has_terms else ["symbol"]
    missing += [] if {"bid", "ask"} <= set(named) or {"close", "iv", "iv_pct"} & set(named) else ["bid, ask"]
    for column in missing:
        table.findings.add("missing_column", table.name, column=column)
    if missing:
        return None
    for place, header in enumerate(table.headers):
        if place not in named.values() and not is_unused(header):
            table.findings.add("ignored_column", table.name, column=header)
    numeric = [name for name in (*NUMBERS, "iv_pct") if name in named]
    table.load(list(named.values()), [named[name] for name in numeric])
    contracts = _contracts(table, rule, configuration, named, has_terms)
    symbols = pd.Categorical([None if contract is None else contract.symbol for contract in contracts.of_row])
    columns: dict[str, object] = {name: table.numbers(named[name]) if name in named else np.full(table.n_rows, np.nan) for name in NUMBERS}
    columns["iv"] = _volatilities(table, rule, named)
    if "session" in named:
        columns["session"] = table.dates(named["session"], rule.date_format or configuration.date_format)
    else:
        columns["session"] = np.full(table.n_rows, np.datetime64(stated_date, "D")).astype("datetime64[s]")
    if "last_trade_time" in named:
        columns["close"] = _own_session(table, named, columns)
    refuse_currencies(table, named)
    label = rule.source or configuration.source or Path(table.name).name.split(".")[0][:40]
    rows = pd.DataFrame({**columns, "symbol": symbols, "source": label, "line": table.lines(np.arange(table.n_rows))})
    if "source" in named:
        rows["source"] = [str(text).strip()[:40] or label for text in table.texts(named["source"])]
    for name in ("bid", "ask", "close", "volume", "open_interest"):
        negative = np.flatnonzero((rows[name] < 0).to_numpy())
        if len(negative) and name in named:
            table.report("negative", named[name], negative, rows[name].to_numpy())
    no_date = np.flatnonzero(rows["session"].isna() & rows["symbol"].notna())
    if len(no_date):
        table.report("required", named.get("session"), no_date, np.full(len(rows), ""))
    rows = rows[rows["symbol"].notna() & rows["session"].notna()].reset_index(drop=True)
    return QuoteTable(table.name, rows, contracts.by_symbol)


def _date_in(name: str) -> date | None:
    """The date that a file's name carries: chain_2026-07-24.csv, 20260724.csv."""
    found = _DATE_IN_NAME.findall(Path(name).name)
    try:
        return date(*(int(part) for part in found[-1])) if found else None
    except ValueError:
        return None


def _volatilities(table: TableFile, rule: FileRule, named: dict[str, int]) -> np.ndarray:
    """The vendor's volatility as a decimal; NaN for 0, which is how vendors say that there is none."""
    name = "iv" if "iv" in named else "iv_pct" if "iv_pct" in named else None
    if name is None:
        return np.full(table.n_rows, np.nan)
    unit = rule.unit or ("percent" if name == "iv_pct" else stated_unit(table.headers[named[name]]) or "decimal")
    values = table.numbers(named[name]) / (100.0 if unit == "percent" else 1.0)
    values[~(values > 0)] = np.nan
    if unit == "decimal" and np.isfinite(values).any() and np.nanmedian(values) > PERCENT_IV:
        median = float(np.nanmedian(values))
        table.findings.add("iv_unit", table.name, column=table.headers[named[name]], value=f"{median:g}", detail=f"Median {median:g}.")
    return values


def _own_session(table: TableFile, named: dict[str, int], columns: dict[str, object]) -> np.ndarray:
    """The last price, where the last trade is of the quote's own session; an older trade is no close of it."""
    traded, _ = dates_of(table.texts(named["last_trade_time"]), None)
    return np.where(np.isnat(traded) | (traded == columns["session"]), np.asarray(columns["close"]), np.nan)


@dataclass(frozen=True)
class _Contracts:
    of_row: list[OptionSymbol | None]
    by_symbol: dict[str, OptionSymbol]


def _contracts(table: TableFile, rule: FileRule, configuration: Configuration, named: dict[str, int], has_terms: bool) -> _Contracts:
    """The contract of each row, from its symbol or its terms; where both are given they have to agree."""
    by_terms = _by_terms(table, rule, configuration, named) if has_terms else None
    found = _by_symbol(table, named) if "symbol" in named else by_terms
    assert found is not None
    if by_terms is not None and "symbol" in named:
        differs = [
            i
            for i, (one, other) in enumerate(zip(found, by_terms, strict=True))
            if one is not None and other is not None and _facts(one) != _facts(other)
        ]
        table.report("contract_mismatch", named["symbol"], np.array(differs, dtype=np.int64), table.texts(named["symbol"]))
    return _Contracts(found, {contract.symbol: contract for contract in found if contract is not None})


def _facts(contract: OptionSymbol) -> tuple[object, ...]:
    return contract.expiry, contract.option_type, contract.strike


def _by_symbol(table: TableFile, named: dict[str, int]) -> list[OptionSymbol | None]:
    texts = table.texts(named["symbol"])
    read: list[OptionSymbol | None] = []
    bad, unsupported = np.zeros(len(texts.categories) + 1, dtype=bool), np.zeros(len(texts.categories) + 1, dtype=bool)
    for i, text in enumerate(texts.categories):
        try:
            read.append(parse(str(text)) if str(text).strip() else None)
        except InvalidSymbol:
            read.append(None)
            root = re.match(r"[-.]?(O:)?([A-Z]+)", str(text).strip().upper())
            unsupported[i] = root is not None and root[2] in SETTLED_ON_FUTURES
            bad[i] = not unsupported[i]
    codes = np.asarray(texts.codes, dtype=np.int64)
    table.report("invalid_symbol", named["symbol"], np.flatnonzero(bad[codes]), texts)
    table.report("unsupported_contract", named["symbol"], np.flatnonzero(unsupported[codes]), texts)
    read.append(None)
    return [read[code] for code in codes]


def _by_terms(table: TableFile, rule: FileRule, configuration: Configuration, named: dict[str, int]) -> list[OptionSymbol | None]:
    """Contracts of root (or underlying), expiry, strike and type; each distinct combination is made once."""
    date_format = rule.date_format or configuration.date_format
    expiries = table.dates(named["expiry"], date_format)
    place = named.get("root", named.get("underlying"))
    if place is None:
        roots: Sequence[object] = [rule.symbol] * table.n_rows
    else:
        texts = table.texts(place)
        roots, bad = symbols_of(texts)
        table.report("invalid_symbol", place, bad, texts)
    types, strikes = table.texts(named["option_type"]), table.texts(named["strike"])
    known: dict[tuple[object, ...], OptionSymbol | None] = {}
    faults: dict[str, list[int]] = {"option_type": [], "strike": []}
    out: list[OptionSymbol | None] = []
    days = expiries.astype("datetime64[D]").tolist()
    for i, key in enumerate(zip(roots, days, types, strikes, strict=True)):
        if key not in known:
            known[key] = _contract(*key)
        made = known[key]
        if made is None and isinstance(key[0], str) and key[1] is not None:
            fault = "option_type" if str(key[2]).strip().upper() not in _TYPES else "strike"
            if str(key[0]) not in SETTLED_ON_FUTURES:
                faults[fault].append(i)
        out.append(made)
    for name, rows in faults.items():
        table.report("invalid_symbol", named[name], np.array(rows, dtype=np.int64), table.texts(named[name]))
    return out


def _contract(root: object, expiry: date | None, option_type: object, strike: object) -> OptionSymbol | None:
    letter = _TYPES.get(str(option_type).strip().upper())
    text = str(strike).strip()
    if not isinstance(root, str) or expiry is None or letter is None or text in MISSING:
        return None
    try:
        thousandths = Decimal(text) * 1000
        if thousandths != thousandths.to_integral_value():
            return None
        return parse(f"{root.lstrip('^$')}{expiry:%y%m%d}{letter}{int(thousandths):08d}")
    except (InvalidOperation, InvalidSymbol):
        return None
