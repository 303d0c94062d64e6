"""Cash as the sum of dated events, apart from the P&L code so that the NAV identity can fail (docs/conventions.md §4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray


@dataclass(frozen=True)
class CashEvents:
    """Dated amounts, each of shape (n_events,); NaN where an amount is not known (a settlement without a price).

    Attributes
    ----------
    portfolio : IntArray
        Index of the portfolio.
    position : IntArray
        Calendar position of the session.
    amount : Array
        USD, positive into the account.
    """

    portfolio: IntArray
    position: IntArray
    amount: Array

    @staticmethod
    def joined(parts: list[CashEvents]) -> CashEvents:
        return CashEvents(
            np.concatenate([part.portfolio for part in parts]),
            np.concatenate([part.position for part in parts]),
            np.concatenate([part.amount for part in parts]),
        )


@dataclass(frozen=True)
class CashRuns:
    """Cumulated events by portfolio and session.

    Attributes
    ----------
    first_position : int
        Calendar position of the first column.
    total : Array of shape (n_portfolios, n_positions)
        Sum of the known events up to and including each session.
    unknown : IntArray of shape (n_portfolios, n_positions)
        How many events up to and including each session have no known amount.
    """

    first_position: int
    total: Array
    unknown: IntArray

    def at(self, portfolio: IntArray, position: IntArray) -> tuple[Array, BoolArray]:
        """Sum and known-flag at (portfolio, session) pairs, arrays of one shape; before the first event 0 and known."""
        column = np.clip(position - self.first_position, -1, self.total.shape[1] - 1)
        before = column < 0
        column = np.maximum(column, 0)
        total = np.where(before, 0.0, self.total[portfolio, column])
        return total, before | (self.unknown[portfolio, column] == 0)


def cumulate(events: CashEvents, n_portfolios: int, last_position: int) -> CashRuns:
    """Running sums of events up to `last_position`; later events are left out."""
    kept = events.position <= last_position
    portfolio, position, amount = events.portfolio[kept], events.position[kept], events.amount[kept]
    first = int(position.min()) if len(position) else last_position
    width = last_position - first + 1
    cell = portfolio * width + (position - first)
    unknown = np.isnan(amount)
    size = n_portfolios * width
    total = np.bincount(cell, weights=np.where(unknown, 0.0, amount), minlength=size).reshape(n_portfolios, width)
    missing = np.bincount(cell, weights=unknown, minlength=size).astype(np.int64).reshape(n_portfolios, width)
    return CashRuns(first, np.cumsum(total, axis=1), np.cumsum(missing, axis=1))


def opening_cash(runs: CashRuns, stated: Array, as_of: IntArray) -> Array:
    """C0: the stated balance less every event up to the as-of session; NaN where one of them is unknown.

    Parameters
    ----------
    stated : Array of shape (n_portfolios,)
    as_of : IntArray of shape (n_portfolios,)
        Calendar position of each portfolio's stated balance.
    """
    total, known = runs.at(np.arange(len(stated)), as_of)
    return np.where(known, stated - total, np.nan)
