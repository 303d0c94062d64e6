"""The conventions once more, in plain Python and as slowly as they read: what the product's tables are held against.

Nothing here calls the product's engines, ledger or calculations. One lot, one session at a time; every rule cites its section of
docs/conventions.md. Dates are positions in the list of sessions.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

STALE_LIMIT = 5


@dataclass(frozen=True)
class OracleMarket:
    """Hand-made market data; closes by symbol, one a session, None where there is none."""

    sessions: Sequence[date]
    closes: Mapping[str, Sequence[float | None]]
    dividends: Mapping[tuple[str, date], float]
    splits: Mapping[tuple[str, date], float]
    quotes: Mapping[tuple[str, date], tuple[float, float]]
    """(series as it is named on the day, session) -> (bid, ask)."""
    par_yield: float


@dataclass(frozen=True)
class OracleLot:
    """A lot; `strike` and `is_call` make it an option on `underlying`, `marks` a private asset."""

    symbol: str
    quantity: float
    entry_price: float
    entry: date
    exit: date | None = None
    exit_price: float | None = None
    underlying: str = ""
    strike: float | None = None
    is_call: bool = False
    expiry: date | None = None
    private: bool = False
    marks: Sequence[tuple[date, float]] = ()

    @property
    def multiplier(self) -> float:
        return 1.0 if self.strike is None else 100.0


@dataclass
class OracleDay:
    """What one portfolio is worth on one session; None where the conventions say NULL."""

    cash: float | None = None
    nav: float | None = None
    pnl: float = 0.0
    dividends: float = 0.0
    flows: float = 0.0
    coverage_change: float = 0.0
    realized: float | None = 0.0
    priced: float = 0.0
    lost: float = 0.0
    value: dict[int, float | None] = field(default_factory=dict)
    delta_dollars: dict[int, float | None] = field(default_factory=dict)
    notional: dict[int, float | None] = field(default_factory=dict)
    gamma_dollars: dict[int, float | None] = field(default_factory=dict)
    theta: dict[int, float | None] = field(default_factory=dict)
    vega: dict[int, float | None] = field(default_factory=dict)
    rho: dict[int, float | None] = field(default_factory=dict)

    @property
    def coverage(self) -> float | None:
        return self.priced / (self.priced + self.lost) if self.priced + self.lost > 0 else None


class Oracle:
    """One portfolio on hand-made market data."""

    def __init__(
        self, market: OracleMarket, lots: Sequence[OracleLot], flows: Sequence[tuple[date, float]], cash: float, as_of: date
    ) -> None:
        self.market, self.lots, self.flows, self.stated_cash, self.stated_as_of = market, lots, flows, cash, as_of
        self._volatility: dict[tuple[str, date, int], float | None] = {}

    # §1: sessions of dated events
    def on_or_before(self, day: date) -> int:
        return bisect.bisect_right(self.market.sessions, day) - 1

    def event(self, day: date) -> int:
        rolled = self.on_or_before(self.stated_as_of)
        if self.market.sessions[rolled] < day <= self.stated_as_of:
            return rolled
        return bisect.bisect_left(self.market.sessions, day)

    def settlement(self, lot: OracleLot) -> int | None:
        if lot.expiry is None or lot.expiry > self.market.sessions[-1]:
            return None
        return self.on_or_before(lot.expiry)

    def entry(self, lot: OracleLot) -> int:
        return self.event(lot.entry)

    def end(self, lot: OracleLot) -> tuple[int | None, bool]:
        """Session on which it ends, and whether by settlement. §3: an exit dated on or before expiry wins."""
        if lot.exit is not None:
            settled = self.settlement(lot)
            exited = self.event(lot.exit)
            return (exited if settled is None else min(exited, settled)), False
        settled = self.settlement(lot)
        return settled, settled is not None

    # §3: splits and prices
    def factor(self, symbol: str, entered: int, t: int) -> float:
        product = 1.0
        for (name, day), ratio in self.market.splits.items():
            if name == symbol and self.market.sessions[entered] < day <= self.market.sessions[t]:
                product *= ratio
        return product

    def close(self, symbol: str, t: int) -> tuple[float | None, int]:
        """Close by the stale ladder, in the shares of session t, and its age."""
        for age in range(STALE_LIMIT + 1):
            found = self.market.closes[symbol][t - age] if t - age >= 0 and symbol in self.market.closes else None
            if found is not None:
                return found / self.factor(symbol, t - age, t), age
        return None, -1

    def price(self, lot: OracleLot, t: int) -> float | None:
        if lot.private:
            return self._mark(lot, t)
        if lot.strike is None:
            return self.close(lot.symbol, t)[0]
        quoted = self._mid(lot, t)
        if quoted is not None:
            return quoted
        if self.settlement(lot) == t:
            spot = self.close(lot.underlying, t)[0]
            return None if spot is None else self.intrinsic(lot, t, spot)
        terms = self.terms(lot, t)
        return None if terms is None else bsm(*terms)["price"]

    def _mark(self, lot: OracleLot, t: int) -> float:
        known = [(self.event(day), price) for day, price in lot.marks]
        past = [(at, price) for at, price in known if self.entry(lot) <= at <= t]
        return max(past, key=lambda mark: mark[0])[1] if past else lot.entry_price

    # §5: options
    def series(self, lot: OracleLot, t: int) -> str:
        return listed(lot.symbol, self.strike(lot, t))

    def strike(self, lot: OracleLot, t: int) -> float:
        assert lot.strike is not None
        return lot.strike / self.factor(lot.underlying, self.entry(lot), t)

    def intrinsic(self, lot: OracleLot, t: int, spot: float) -> float:
        strike = self.strike(lot, t)
        return max(0.0, spot - strike if lot.is_call else strike - spot)

    def _mid(self, lot: OracleLot, t: int) -> float | None:
        bid, ask = self.market.quotes.get((self.series(lot, t), self.market.sessions[t]), (0.0, 0.0))
        return (bid + ask) / 2 if 0 < bid <= ask else None

    def dividend_yield(self, symbol: str, t: int, spot: float) -> float:
        total = 0.0
        for i in range(max(0, t - 251), t + 1):  # in the shares of session t
            paid = self.market.dividends.get((symbol, self.market.sessions[i]), 0.0)
            total += paid / self.factor(symbol, i, t)
        return total / spot

    def realized_63(self, symbol: str, t: int) -> float | None:
        closes = [self.market.closes[symbol][i] for i in range(t - 63, t + 1)] if t >= 63 else [None]
        if any(close is None for close in closes):
            return None
        returns = [now / before - 1 for before, now in itertools.pairwise(closes)]  # type: ignore[operator]
        mean = sum(returns) / 63
        return math.sqrt(sum((r - mean) ** 2 for r in returns) / 62 * 252)

    def quoted_volatility(self, lot: OracleLot, t: int) -> float | None:
        """Solved from the mid of the session against the close of the same session."""
        key = (lot.symbol, lot.entry, t)
        if key not in self._volatility:
            self._volatility[key] = self._solved(lot, t)
        return self._volatility[key]

    def _solved(self, lot: OracleLot, t: int) -> float | None:
        price = self._mid(lot, t) if t >= 0 else None
        spot, age = self.close(lot.underlying, t)
        if price is None or spot is None or age > 0 or self.settlement(lot) == t:
            return None
        return implied(
            lot.is_call, price, spot, self.strike(lot, t), self.years(lot, t), self.rate(), self.dividend_yield(lot.underlying, t, spot)
        )

    def years(self, lot: OracleLot, t: int) -> float:
        assert lot.expiry is not None
        return (lot.expiry - self.market.sessions[t]).days / 365

    def rate(self) -> float:
        return 2 * math.log(1 + self.market.par_yield / 2)

    def terms(self, lot: OracleLot, t: int) -> tuple[bool, float, float, float, float, float, float] | None:
        """Arguments of the model by the volatility ladder (one series an underlying: no neighbours); None without spot or volatility."""
        spot, _ = self.close(lot.underlying, t)
        if spot is None:
            return None
        own = (self.quoted_volatility(lot, t - age) for age in range(STALE_LIMIT + 1))
        volatility = next((found for found in own if found is not None), None) or self.realized_63(lot.underlying, t)
        if not volatility:
            return None
        q = self.dividend_yield(lot.underlying, t, spot)
        return lot.is_call, spot, self.strike(lot, t), self.years(lot, t), self.rate(), q, volatility

    # §4: cash, P&L, NAV
    def dividend_of(self, lot: OracleLot, t: int) -> float:
        if lot.private or lot.strike is not None:
            return 0.0
        ends, _ = self.end(lot)
        if not (self.entry(lot) < t and (ends is None or t <= ends)):
            return 0.0
        per_share = self.market.dividends.get((lot.symbol, self.market.sessions[t]), 0.0)
        return lot.quantity * self.factor(lot.symbol, self.entry(lot), t) * per_share

    def end_amount(self, lot: OracleLot) -> float | None:
        ends, by_settlement = self.end(lot)
        assert ends is not None
        units = self.units(lot, ends)
        if not by_settlement:
            assert lot.exit_price is not None
            return units * lot.exit_price
        spot = self.close(lot.underlying, ends)[0]
        return None if spot is None else units * self.intrinsic(lot, ends, spot)

    def units(self, lot: OracleLot, t: int) -> float:
        factor = 1.0 if lot.private else self.factor(lot.underlying or lot.symbol, self.entry(lot), t)
        return lot.quantity * factor * lot.multiplier

    def cash_moves(self, t: int) -> float | None:
        """Σ of events up to and including t; None where one has no known amount."""
        total = sum(amount for day, amount in self.flows if self.event(day) <= t)
        for lot in self.lots:
            if self.entry(lot) > t:
                continue
            total -= lot.quantity * lot.multiplier * lot.entry_price
            total += sum(self.dividend_of(lot, i) for i in range(t + 1))
            ends, _ = self.end(lot)
            if ends is not None and ends <= t:
                amount = self.end_amount(lot)
                if amount is None:
                    return None
                total += amount
        return total

    def is_open(self, lot: OracleLot, t: int) -> bool:
        ends, _ = self.end(lot)
        return self.entry(lot) <= t and (ends is None or t < ends)

    def value(self, lot: OracleLot, t: int) -> float | None:
        price = self.price(lot, t)
        return None if price is None else self.units(lot, t) * price

    def day(self, t: int) -> OracleDay:
        out = OracleDay(flows=sum(amount for day, amount in self.flows if self.event(day) == t))
        for i, lot in enumerate(self.lots):
            self._add_gain(out, lot, t)
            if self.is_open(lot, t):
                self._add_holding(out, i, lot, t)
            ends, _ = self.end(lot)
            if ends is not None and ends <= t and self.entry(lot) <= t:
                amount = self.end_amount(lot)
                paid = lot.quantity * lot.multiplier * lot.entry_price
                out.realized = None if amount is None or out.realized is None else out.realized + amount - paid
        stated, moved = self.cash_moves(self.on_or_before(self.stated_as_of)), self.cash_moves(t)
        if stated is not None and moved is not None:
            out.cash = self.stated_cash - stated + moved
            out.nav = out.cash + sum(value for value in out.value.values() if value is not None)
        return out

    def _add_gain(self, out: OracleDay, lot: OracleLot, t: int) -> None:
        """§4: the cases of a lot's daily P&L, and what enters or leaves the priced part of the book."""
        entered, (ends, _) = self.entry(lot), self.end(lot)
        paid_out = self.dividend_of(lot, t)
        out.dividends += paid_out
        out.pnl += paid_out
        if t < entered or (ends is not None and t > ends):
            return
        before = lot.quantity * lot.multiplier * lot.entry_price if t == entered else self.value(lot, t - 1)
        after = self.end_amount(lot) if t == ends else self.value(lot, t)
        if before is not None and after is not None:
            out.pnl += after - before
        elif after is None and before is not None:
            out.coverage_change -= before
        elif after is not None:
            out.coverage_change += after

    def _add_holding(self, out: OracleDay, i: int, lot: OracleLot, t: int) -> None:
        value = self.value(lot, t)
        out.value[i] = value
        if value is None:
            out.lost += abs(lot.quantity * lot.multiplier * lot.entry_price)
        else:
            out.priced += abs(value)
        if lot.strike is None:
            out.delta_dollars[i] = out.notional[i] = value
            return
        units, spot, terms = self.units(lot, t), self.close(lot.underlying, t)[0], self.terms(lot, t)
        out.notional[i] = None if spot is None else (1 if lot.is_call else -1) * units * spot
        greeks = None if terms is None else bsm(*terms)
        out.delta_dollars[i] = None if greeks is None or spot is None else units * greeks["delta"] * spot
        out.gamma_dollars[i] = None if greeks is None or spot is None else units * greeks["gamma"] * spot**2 * 0.01
        out.theta[i] = None if greeks is None else units * greeks["theta_per_day"]
        out.vega[i] = None if greeks is None else units * greeks["vega_per_volpt"]
        out.rho[i] = None if greeks is None else units * greeks["rho_per_pct"]


def listed(symbol: str, strike: float) -> str:
    """A series' name after a split: strikes are listed to the nearest cent."""
    return f"{symbol[:-8]}{math.floor(strike * 100 + 0.5 + 1e-6) * 10:08d}"


def normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def bsm(is_call: bool, s: float, k: float, t: float, r: float, q: float, v: float) -> dict[str, float]:
    """Textbook Black-Scholes-Merton (Haug, chapters 1 and 2), per share."""
    root = v * math.sqrt(t)
    d1 = (math.log(s / k) + (r - q + v * v / 2) * t) / root
    d2, density = d1 - root, math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    w = 1 if is_call else -1
    asset, owed = s * math.exp(-q * t), k * math.exp(-r * t)
    theta = -asset * density * v / (2 * math.sqrt(t)) + w * (q * asset * normal(w * d1) - r * owed * normal(w * d2))
    return {
        "price": w * (asset * normal(w * d1) - owed * normal(w * d2)),
        "delta": w * math.exp(-q * t) * normal(w * d1),
        "gamma": math.exp(-q * t) * density / (s * root),
        "theta_per_day": theta / 365,
        "vega_per_volpt": asset * density * math.sqrt(t) / 100,
        "rho_per_pct": w * owed * t * normal(w * d2) / 100,
    }


def implied(is_call: bool, price: float, s: float, k: float, t: float, r: float, q: float) -> float | None:
    """By bisection; None where no volatility between 1e-6 and 10 gives the price."""
    low, high = 1e-6, 10.0
    if not bsm(is_call, s, k, t, r, q, low)["price"] < price < bsm(is_call, s, k, t, r, q, high)["price"]:
        return None
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if bsm(is_call, s, k, t, r, q, middle)["price"] < price else (low, middle)
    return (low + high) / 2
