"""Holdings put through past returns of their underlyings: what historical value at risk is made of (docs/conventions.md §9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.calculations.holdings import Holdings
from sigmasight_assets.calculations.market_panels import read_closes
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.arrays import Array, BoolArray
from sigmasight_assets.engines.revaluation import full_changes
from sigmasight_assets.engines.value_at_risk import WINDOW


@dataclass(frozen=True)
class Returns:
    """Simple total returns of some names on consecutive sessions; NaN where a session or the one before has no close.

    Attributes
    ----------
    first : int
        Calendar position of the first row.
    values : Array of shape (n_sessions, n_names)
    """

    first: int
    names: dict[str, int]
    values: Array

    def window(self, position: int, names: list[str], n: int = WINDOW) -> Array:
        """The n returns up to a session, shape (n, n_names): NaN for unknown names and before the data begin."""
        out = np.full((n, len(names)), np.nan)
        column = np.array([self.names.get(name, -1) for name in names], dtype=np.int64)
        end = position - self.first + 1
        rows = self.values[max(end - n, 0) : end]
        out[n - len(rows) :, column >= 0] = rows[:, column[column >= 0]]
        return out


def read_returns(reader: Reader, names: list[str], first: int, last: int) -> Returns:
    """Returns of the sessions from calendar position `first` to `last`."""
    closes = read_closes(reader, names, max(first - 1, 0), last)
    return Returns(closes.first + 1, closes.column, closes.adj_close[1:] / closes.adj_close[:-1] - 1.0)


@dataclass(frozen=True)
class Simulation:
    """Holdings of one close under scenarios.

    Attributes
    ----------
    covered : BoolArray of shape (n_lots,)
        Lots whose underlying has every return, and which have a value to move.
    """

    holdings: Holdings
    covered: BoolArray
    moves: Array
    changes: Array

    def lot_pnl(self, lots: slice) -> Array:
        """Gains of some lots, shape (n_scenarios, n_lots): 0 where one is not covered."""
        held = self.holdings
        value = np.where(held.is_option[lots], 0.0, held.numbers["market_value"][lots])
        pnl = np.where(self.covered[lots], value, 0.0) * np.nan_to_num(self.moves[:, held.name[lots]])
        option = np.flatnonzero(held.is_option[lots] & self.covered[lots])
        pnl[:, option] = held.units[lots][option] * self.changes[:, held.contract[lots][option]]
        return pnl


def simulate(holdings: Holdings, moves: Array) -> Simulation:
    """Move each underlying by its own return, scenario by scenario, with volatility, rates and time unchanged; options are repriced.

    Parameters
    ----------
    moves : Array of shape (n_scenarios, n_names)
        A name with a NaN among them is left out of every scenario.
    """
    known = ~np.isnan(moves).any(axis=0)  # (n_names,)
    contracts = holdings.contracts
    priceable = contracts.is_priceable & known[contracts.underlying]
    covered = covered_lots(holdings, known)
    changes = np.full((len(moves), len(priceable)), np.nan)
    if priceable.any():
        terms = type(contracts.terms)(**{name: column[priceable] for name, column in vars(contracts.terms).items()})
        changes[:, priceable] = full_changes(terms, moves[:, contracts.underlying[priceable]])
    return Simulation(holdings, covered, moves, changes)


def covered_lots(holdings: Holdings, known: BoolArray) -> BoolArray:
    """Lots that moves of some names can move: a share with a value, an option that the model prices; never a private asset.

    Parameters
    ----------
    known : BoolArray of shape (n_names,)
        Names whose moves are known.
    """
    has_value = ~np.isnan(holdings.numbers["market_value"])
    priced = _at(holdings.contracts.is_priceable, holdings.contract)
    return known[holdings.name] & ~holdings.is_private & has_value & (~holdings.is_option | priced)


def _at(flags: BoolArray, index: np.ndarray) -> BoolArray:
    """flags[index]; False where the index is negative."""
    return np.append(flags, False)[np.where(index < 0, len(flags), index)]
