"""What lots are worth and gain: quantities through splits, market value, P&L of the day by cases (docs/conventions.md §3, §4).

Shapes: (n_sessions, n_lots) for panels, (n_lots,) for terms. Sessions are consecutive; times are positions in the session calendar.
A missing price is NaN, and what is made of it is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import NEVER, Array, BoolArray, IntArray


@dataclass(frozen=True)
class LotTerms:
    """The ledger's facts about lots, each of shape (n_lots,).

    Attributes
    ----------
    quantity, multiplier, entry_price : Array
        Signed shares or contracts, shares per contract and USD per share, as of the entry session.
    entry, end : IntArray
        Positions of the entry session and of the session on which the lot is exited or settled (`NEVER`: open).
    earns_dividends : BoolArray
        True for shares.
    """

    quantity: Array
    multiplier: Array
    entry_price: Array
    entry: IntArray
    end: IntArray
    earns_dividends: BoolArray


@dataclass(frozen=True)
class LotPanel:
    """Values and gains of lots by session, each of shape (n_sessions, n_lots); NaN or 0 as each says.

    Attributes
    ----------
    is_open, is_ended : BoolArray
        Held at the close; exited or settled on the session.
    quantity, entry_price : Array
        After splits.
    market_value : Array
        NaN where not open or not priced.
    pnl : Array
        By price alone; NaN where not held, or where a price is missing. The first session has none (NaN): it only starts the others.
    coverage_change, dividends : Array
        0 where there is none.
    """

    is_open: BoolArray
    is_ended: BoolArray
    quantity: Array
    entry_price: Array
    market_value: Array
    pnl: Array
    coverage_change: Array
    dividends: Array


def value_lots(
    terms: LotTerms, position: IntArray, split_factor: Array, price: Array, end_price: Array, dividend_per_share: Array
) -> LotPanel:
    """Value lots over consecutive sessions.

    Parameters
    ----------
    position : IntArray of shape (n_sessions,)
        Calendar positions, consecutive.
    split_factor : Array of shape (n_sessions, n_lots)
        Product of the split ratios with entry < ex-session <= session.
    price : Array of shape (n_sessions, n_lots)
        Price of the session's ladder; NaN when missing.
    end_price : Array of shape (n_lots,)
        Exit or settlement price; NaN while open, or when the settlement could not be priced.
    dividend_per_share : Array of shape (n_sessions, n_lots)
        With this ex-session; 0 when none.
    """
    now = position[:, None]  # (n_sessions, 1)
    is_open = (terms.entry <= now) & (now < terms.end)  # (n_sessions, n_lots)
    is_ended = (now == terms.end) & (terms.entry <= now)
    is_entry = now == terms.entry
    quantity = terms.quantity * split_factor
    entry_price = terms.entry_price / split_factor
    units = quantity * terms.multiplier
    market_value = np.where(is_open, units * price, np.nan)
    paid = terms.quantity * terms.multiplier * terms.entry_price  # (n_lots,): splits leave it alone

    before = np.full_like(market_value, np.nan)  # value at the close before
    before[1:] = market_value[:-1]
    was_open = np.zeros_like(is_open)
    was_open[1:] = is_open[:-1]
    start = np.where(is_entry, paid, before)  # what the day's gain counts from
    close = np.where(is_ended, units * end_price, market_value)  # what it counts to
    counts = (is_open | is_ended) & (was_open | is_entry)
    pnl = np.where(counts, close - start, np.nan)

    missing_now, missing_before = np.isnan(close), np.isnan(start)
    coverage_change = np.where(counts & missing_now & ~missing_before, -start, 0.0)
    coverage_change = np.where(counts & ~missing_now & missing_before, close, coverage_change)
    entitled = terms.earns_dividends & (terms.entry < now) & (now <= terms.end)
    dividends = np.where(entitled, quantity * dividend_per_share, 0.0)
    return LotPanel(is_open, is_ended, quantity, entry_price, market_value, pnl, coverage_change, dividends)


def settlement_price(is_call: BoolArray, strike: Array, spot: Array) -> Array:
    """Intrinsic value at expiry; NaN without the underlying's close. All of shape (n_options,)."""
    return np.maximum(0.0, np.where(is_call, spot - strike, strike - spot))


def ended_by(exit_position: IntArray, settlement_position: IntArray) -> tuple[IntArray, BoolArray]:
    """When lots end, and whether by settlement: an exit dated on or before expiry wins. `NEVER` where neither is dated."""
    end = np.minimum(exit_position, settlement_position)
    return end, (settlement_position < exit_position) & (settlement_position != NEVER)
