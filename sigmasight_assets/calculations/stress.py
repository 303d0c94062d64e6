"""Books under scenarios: full revaluation beside the linear one, with what the gain is made of (docs/conventions.md §8).

The same two functions reprice here and in value at risk: `engines.revaluation` on one pricing function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sigmasight_assets.calculations.holdings import Holdings
from sigmasight_assets.calculations.simulation import covered_lots
from sigmasight_assets.engines import stress
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.revaluation import OptionTerms, full_changes, linear_changes, volatility_change

BP = 1e-4


@dataclass(frozen=True)
class Moves:
    """Scenarios as moves of what prices positions.

    Attributes
    ----------
    factors : Array of shape (n_scenarios, 8)
    rates_bp : Array of shape (n_scenarios,)
        Of the curve.
    iv_change : Array of shape (n_scenarios,)
        Of 30-day volatility, relative.
    """

    factors: Array
    rates_bp: Array
    iv_change: Array

    def chosen(self, which: IntArray) -> Moves:
        return Moves(self.factors[which], self.rates_bp[which], self.iv_change[which])


@dataclass(frozen=True)
class StressedBook:
    """One book under scenarios; arrays begin with the scenarios.

    Attributes
    ----------
    lot_pnl : Array of shape (n_scenarios, n_lots)
        By full revaluation; NaN where a lot is not covered.
    linear, floor : Arrays of shape (n_scenarios,)
        The gain at delta, vega and rho; the part of it that the −100 % floor gives back.
    by_factor : Array of shape (n_scenarios, 8)
    volatility, curve : Arrays of shape (n_scenarios,)
    sensitivity : Array of shape (n_scenarios, 8)
        Dollars by factor of the covered lots, without the curve.
    rho_per_pct : Array of shape (n_scenarios,)
        Of the covered lots.
    n_floored : ndarray of int, shape (n_scenarios,)
    """

    lot_pnl: Array
    linear: Array
    by_factor: Array
    floor: Array
    volatility: Array
    curve: Array
    sensitivity: Array
    rho_per_pct: Array
    n_floored: np.ndarray

    @property
    def covered(self) -> BoolArray:
        return ~np.isnan(self.lot_pnl)

    @property
    def pnl(self) -> Array:
        return np.asarray(np.nansum(self.lot_pnl, axis=1))


@dataclass(frozen=True)
class Stress:
    """Holdings of one close, ready to be moved.

    Attributes
    ----------
    betas : Array of shape (n_lots, 8)
        Of each lot's underlying; of the proxy, times its multiple, for a private asset that follows one; NaN where there is none.
    changes : Array of shape (n_scenarios, n_contracts)
        Full change of value per share of each option series; NaN where it cannot be repriced.
    volatility : Array of shape (n_scenarios, n_contracts)
        Change of implied volatility.
    priced : BoolArray of shape (n_lots,)
        Lots that have what a move needs, betas aside.
    """

    holdings: Holdings
    betas: Array
    moves: Moves
    changes: Array
    volatility: Array
    priced: BoolArray

    def book(self, lots: slice, which: IntArray) -> StressedBook:
        """The lots of one portfolio under some of the scenarios."""
        held, moves = self.holdings, self.moves.chosen(which)
        floored, unfloored = stress.underlying_moves(self.betas[lots], moves.factors)  # (n_scenarios, n_lots)
        covered = self.priced[lots] & ~np.isnan(floored)
        move = np.where(covered, floored, 0.0)
        is_option = held.is_option[lots]
        value, delta, vega, rho = (
            np.nan_to_num(held.numbers[name][lots]) for name in ("market_value", "delta_dollars", "vega_per_volpt", "rho_per_pct")
        )
        lot_pnl, volatility = value * move, np.zeros(move.shape)
        option = np.flatnonzero(is_option & self.priced[lots])
        cells = np.ix_(which, held.contract[lots][option])
        lot_pnl[:, option] = held.units[lots][option] * self.changes[cells]
        volatility[:, option] = self.volatility[cells]
        delta, rate = np.where(is_option, delta, value), BP * moves.rates_bp[:, None]
        vega, rho = (np.where(is_option, greek, 0.0) for greek in (vega, rho))
        linear = linear_changes(delta, vega, rho, move, volatility, rate)
        exposure = np.nan_to_num(self.betas[lots]) * delta[:, None]  # (n_lots, 8)
        weight = covered.astype(np.float64)
        sensitivity = weight @ exposure  # (n_scenarios, 8)
        return StressedBook(
            lot_pnl=np.where(covered, lot_pnl, np.nan),
            linear=np.sum(linear, axis=1, where=covered),
            by_factor=sensitivity * moves.factors,
            floor=np.sum(delta * (floored - unfloored), axis=1, where=covered),
            volatility=np.sum(vega * 100.0 * volatility, axis=1, where=covered),
            curve=np.sum(rho * 100.0 * rate, axis=1, where=covered),
            sensitivity=sensitivity,
            rho_per_pct=weight @ rho,
            n_floored=np.count_nonzero(covered & (unfloored < -1.0), axis=1),
        )


def prepare(holdings: Holdings, name_betas: Array, lot_betas: dict[int, Array], moves: Moves) -> Stress:
    """Reprice every option series under every scenario, once for all books.

    Parameters
    ----------
    name_betas : Array of shape (n_names, 8)
        Of `holdings.names`.
    lot_betas : dict of int to Array of shape (8,)
        Lots that follow something else than their own name: private assets with a proxy.
    """
    betas = name_betas[holdings.name]
    for lot, own in lot_betas.items():
        betas[lot] = own
    contracts = holdings.contracts
    move, _ = stress.underlying_moves(name_betas[contracts.underlying], moves.factors)  # (n_scenarios, n_contracts)
    changes = np.full(move.shape, np.nan)
    priceable = contracts.is_priceable
    if priceable.any():
        terms = OptionTerms(**{name: column[priceable] for name, column in vars(contracts.terms).items()})
        changes[:, priceable] = full_changes(terms, move[:, priceable], moves.iv_change, BP * moves.rates_bp)
    priced = covered_lots(holdings, np.ones(len(holdings.names), dtype=bool))
    follows = np.zeros(len(holdings), dtype=bool)
    follows[list(lot_betas)] = True
    priced |= follows & ~np.isnan(holdings.numbers["market_value"])
    return Stress(holdings, betas, moves, changes, np.nan_to_num(volatility_change(contracts.terms, moves.iv_change)), priced)
