"""Random books on random small markets, for the oracle: gaps, splits, dividends, quotes, weekends, expiries, flows and marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from tests.support.books import Lot
from tests.support.oracle import OracleLot, OracleMarket, bsm, listed
from tests.support.small_market import SmallMarket

SYMBOLS = ("A", "B", "C", "D")
PAR_YIELD = 0.034
FIRST_SPLIT = 70
"""Splits come after the options' entries, so that one underlying has one series."""


def random_market(random: np.random.Generator, sessions: Sequence[date]) -> OracleMarket:
    """Closes that wander, with gaps of one to nine sessions, a split here and a dividend there; D never stops and never splits."""
    n = len(sessions)
    closes: dict[str, list[float | None]] = {}
    splits: dict[tuple[str, date], float] = {}
    dividends: dict[tuple[str, date], float] = {}
    for symbol in SYMBOLS:
        path = 80.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, n)))
        shares = np.ones(n)
        if symbol != "D" and random.random() < 0.7:
            at, ratio = int(random.integers(FIRST_SPLIT, n)), float(random.choice([2.0, 4.0, 0.1, 1.5]))
            shares[at:] *= ratio
            splits[symbol, sessions[at]] = ratio
        line: list[float | None] = [round(float(price), 4) for price in path / shares]
        if symbol != "D":
            for _ in range(int(random.integers(0, 3))):
                at, length = int(random.integers(65, n)), int(random.integers(1, 10))
                line[at : at + length] = [None] * len(line[at : at + length])
        for at in random.choice(n, 3, replace=False).tolist():
            dividends[symbol, sessions[at]] = round(float(random.uniform(0.1, 1.5)), 3)
        closes[symbol] = line
    return OracleMarket(sessions, closes, dividends, splits, {}, PAR_YIELD)


def random_day(random: np.random.Generator, sessions: Sequence[date], first: int, last: int) -> date:
    """Any date from session `first` to session `last`, weekends and holidays too."""
    span = (sessions[last] - sessions[first]).days
    return sessions[first] + timedelta(days=int(random.integers(0, span + 1)))


def random_lots(random: np.random.Generator, sessions: Sequence[date]) -> list[OracleLot]:
    last = len(sessions) - 1
    lots = []
    for symbol in [*SYMBOLS, *SYMBOLS, "UNKNOWN"]:
        entry = random_day(random, sessions, 5, last)
        quantity = float(random.choice([-1, 1]) * random.integers(1, 300))
        lot = OracleLot(symbol, quantity, round(float(random.uniform(40, 120)), 2), entry)
        if random.random() < 0.5:
            leaves = entry + timedelta(days=int(random.integers(0, 60)))
            if leaves <= sessions[-1]:
                lot = replace(lot, exit=leaves, exit_price=round(float(random.uniform(40, 120)), 2))
        lots.append(lot)
    for underlying in SYMBOLS:
        lots += _option_lots(random, sessions, underlying)
    marks = [(random_day(random, sessions, 0, last), float(random.integers(50, 150))) for _ in range(3)]
    marks = list({day: (day, price) for day, price in marks}.values())
    lots.append(OracleLot("FUND", 3.0, 100.0, random_day(random, sessions, 0, 40), private=True, marks=marks))
    return lots


def _option_lots(random: np.random.Generator, sessions: Sequence[date], underlying: str) -> list[OracleLot]:
    expiry = random_day(random, sessions, 72, len(sessions) - 1) if random.random() < 0.6 else sessions[-1] + timedelta(days=200)
    strike, is_call = float(random.choice([60, 80, 100])), bool(random.random() < 0.5)
    symbol = f"{underlying}{expiry:%y%m%d}{'C' if is_call else 'P'}{round(strike * 1000):08d}"
    out = []
    for quantity in (float(random.integers(1, 9)), -float(random.integers(1, 9))):
        entry = random_day(random, sessions, 5, FIRST_SPLIT - 5)
        lot = OracleLot(
            symbol,
            quantity,
            round(float(random.uniform(1, 12)), 2),
            entry,
            underlying=underlying,
            strike=strike,
            is_call=is_call,
            expiry=expiry,
        )
        if random.random() < 0.4:
            leaves = random_day(random, sessions, FIRST_SPLIT, len(sessions) - 1)
            if leaves <= expiry:
                lot = replace(lot, exit=leaves, exit_price=round(float(random.uniform(0.5, 12)), 2))
        out.append(lot)
    return out


def with_quotes(random: np.random.Generator, market: OracleMarket, lots: Sequence[OracleLot], oracle_strike: object) -> OracleMarket:
    """Quotes of some series on some sessions: around a model price, crossed now and then, below intrinsic now and then."""
    quotes: dict[tuple[str, date], tuple[float, float]] = {}
    for lot in lots:
        if lot.strike is None or random.random() < 0.3:
            continue
        for t, session in enumerate(market.sessions):
            spot = market.closes[lot.underlying][t]
            if spot is None or lot.expiry is None or session >= lot.expiry or random.random() < 0.5:
                continue
            strike = oracle_strike(lot, t)  # type: ignore[operator]
            rate = 2 * math.log(1 + PAR_YIELD / 2)
            price = bsm(lot.is_call, spot, strike, (lot.expiry - session).days / 365, rate, 0.0, float(random.uniform(0.2, 0.5)))["price"]
            bid, ask = round(price * 0.97, 2), round(price * 1.03, 2)
            if random.random() < 0.1:
                bid, ask = ask, bid
            quotes[listed(lot.symbol, strike), session] = (bid, ask)
    return replace(market, quotes=quotes)


def product_market(market: OracleMarket) -> SmallMarket:
    """The same market as the product's provider."""
    quotes = [
        {
            "session": session,
            "symbol": symbol,
            "bid": bid,
            "ask": ask,
            "close": math.nan,
            "iv": math.nan,
            "volume": 0.0,
            "open_interest": 0.0,
        }
        for (symbol, session), (bid, ask) in market.quotes.items()
    ]
    return SmallMarket(
        market.sessions, market.closes, dividends=market.dividends, splits=market.splits, quotes=quotes, par_yield=market.par_yield
    )


def product_lots(lots: Sequence[OracleLot]) -> list[Lot]:
    return [Lot(lot.symbol, lot.quantity, lot.entry_price, lot.entry, lot.exit, lot.exit_price, lot.private) for lot in lots]
