"""Checks of scenarios and stress results: facts hold, exposures agree, options equal the reference model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.checks.outcome import Outcome, none_allowed
from sigmasight_assets.calculations.factor_inputs import read_betas
from sigmasight_assets.calculations.holdings import read_holdings
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import positions_key
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.engines import mibian_reference
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.engines.revaluation import OptionTerms, volatility_change
from sigmasight_assets.store.tables import factor_exposures, market_scenarios, portfolio_snapshots, scenario_shocks, stress_results

TOLERANCE = 1e-9
MIBIAN_TOLERANCE = 1e-8
MIBIAN_LOTS = 100
"""Option lots re-priced in a run: mibian takes half a millisecond each."""
CRASH = "market_crash_35"


def facts_hold(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """In both modes the moves are those that the scenario states."""
    s = scenario_shocks.c
    query = select(scenario_shocks).where(s.session.between(min(sessions), max(sessions)), s.status != "unavailable")
    rows = shop.database.frame(query)
    errors = [0.0]
    for row in rows.to_dict("records"):
        shocks = row["stated"].get("shocks", {})
        errors += [abs(row[factor] - shocks[factor]) for factor in FACTORS if factor in shocks]
        if "rates_bp" in row["stated"]:
            errors.append(abs(row["rates_bp"] - row["stated"]["rates_bp"]) / 100.0)
    return Outcome(max(errors) <= TOLERANCE, max(errors), TOLERANCE, f"{len(rows)} scenarios of {rows['session'].nunique()} sessions")


def grid_agrees(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """To first order −10 % costs a tenth of the market exposure, and +100 bp the rates exposure and rho."""
    g, e, s = market_scenarios.c, factor_exposures.c, portfolio_snapshots.c
    span = (min(sessions), max(sessions))
    keys = ["session", "portfolio_id"]
    grid = shop.database.frame(
        select(g.session, g.portfolio_id, g.scenario_id, g.pnl_linear).where(
            g.session.between(*span), g.scenario_id.in_(("market_down_10", "rates_up_100bp")), g.pnl_linear.is_not(None)
        )
    )
    net = shop.database.frame(
        select(e.session, e.portfolio_id, e.factor, e.exposure_net, e.exposure_long, e.exposure_short).where(
            e.session.between(*span), e.factor.in_(("market", "rates"))
        )
    )
    rho = shop.database.frame(select(s.session, s.portfolio_id, s.rho_per_pct).where(s.session.between(*span)))
    grid["factor"] = np.where(grid["scenario_id"] == "rates_up_100bp", "rates", "market").astype(object)
    both = grid.merge(net, on=[*keys, "factor"]).merge(rho, on=keys)
    is_rates = (both["factor"] == "rates").to_numpy()
    expected = np.where(is_rates, both["exposure_net"] + both["rho_per_pct"].fillna(0.0), -0.1 * both["exposure_net"])
    scale = np.maximum(both["exposure_long"].abs() + both["exposure_short"].abs(), 1.0)
    error = ((both["pnl_linear"] - expected).abs() / scale).dropna()
    worst = float(error.max()) if len(error) else 0.0
    return Outcome(worst <= TOLERANCE, worst, TOLERANCE, f"{len(error)} results")


def grid_and_scenarios_agree(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """A scenario that states what a point of the grid states has its result."""
    g, r = market_scenarios.c, stress_results.c
    same = (g.session == r.session) & (g.portfolio_id == r.portfolio_id) & (g.scenario_id == r.scenario_id)
    query = select(g.pnl.label("grid"), r.pnl.label("scenario")).join_from(market_scenarios, stress_results, same)
    rows = shop.database.frame(query.where(r.mode == "direct", g.session.between(min(sessions), max(sessions)))).dropna()
    error = (rows["grid"] - rows["scenario"]).abs() / np.maximum(rows["grid"].abs(), 1.0)
    worst = float(error.max()) if len(rows) else 0.0
    return Outcome(worst <= TOLERANCE, worst, TOLERANCE, f"{len(rows)} results")


def all_scenarios_present(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every book has a result for every shipped scenario in both modes on the last session."""
    s, r, n = scenario_shocks.c, stress_results.c, portfolio_snapshots.c
    day = max(sessions)
    wanted = len(shop.database.frame(select(s.scenario_id).where(s.session == day, s.scope == "shipped")))
    books = shop.database.frame(select(n.portfolio_id).where(n.session == day, n.status != "quarantined"))["portfolio_id"]
    found = shop.database.frame(select(r.portfolio_id, r.scenario_id).where(r.session == day)).groupby("portfolio_id").size()
    missing = [str(book) for book in books if int(found.get(book, 0)) < wanted]
    return none_allowed(missing, f"books with fewer than {wanted} results")


def options_equal_mibian(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """In the crash each option's stored gain is units x (mibian on the shifted inputs − mibian on today's), per share of underlying."""
    day = max(sessions)
    with reading(shop.database, shop.calendar) as reader:
        ids = portfolios_of(reader, None)
        held = next(iter(read_holdings(reader, [day], ids)), None)
        if held is None or not held.is_option.any():
            return Outcome(True, 0.0, MIBIAN_TOLERANCE, "no option is held")
        betas = read_betas(reader, reader.positions([day]), held.names)[0]
        s, r = scenario_shocks.c, stress_results.c
        shock = reader.frame(select(scenario_shocks).where(s.session == day, s.scenario_id == CRASH, s.mode == "direct"))
        stored = reader.frame(
            select(r.portfolio_id, r.position_pnl, r.positions_key).where(r.session == day, r.scenario_id == CRASH, r.mode == "direct")
        )
    if shock.empty or stored.empty:
        return Outcome(True, 0.0, MIBIAN_TOLERANCE, "the scenario is not materialized")
    gains = np.full(len(held), np.nan)
    for i, lots in enumerate(held.by_portfolio(len(ids))):
        mine = stored[(stored["portfolio_id"] == ids[i]) & (stored["positions_key"] == positions_key(held.lot_id[lots]))]
        if len(mine) and mine["position_pnl"].iloc[0] is not None:
            gains[lots] = mine["position_pnl"].iloc[0]
    compared = np.flatnonzero(held.is_option & ~np.isnan(gains) & (held.contract >= 0))[:MIBIAN_LOTS]
    market = float(shock["market"].iloc[0])
    move = np.maximum(-1.0, betas[held.name, 0] * market)[compared]
    per_share = gains[compared] / held.units[compared]
    difference = _against_mibian(held.contracts.terms, held.contract[compared], move, float(shock["iv_change"].iloc[0]), per_share)
    return Outcome(difference <= MIBIAN_TOLERANCE, difference, MIBIAN_TOLERANCE, f"{len(compared)} option lots under {CRASH}")


def _against_mibian(terms: OptionTerms, contract: np.ndarray, move: np.ndarray, iv_change: float, per_share: np.ndarray) -> float:
    """Largest difference of gains per share from mibian's; expired series and spots of 0 are beyond it."""
    columns = {name: values[contract] for name, values in vars(terms).items()}
    shift = volatility_change(terms, np.array([iv_change]))[0, contract]
    usable = (columns["years"] > 0) & (move > -1.0)
    base = mibian_reference.price_and_greeks(**{name: values[usable] for name, values in columns.items()})
    shifted = columns | {"spot": columns["spot"] * (1.0 + move), "volatility": columns["volatility"] + shift}
    moved = mibian_reference.price_and_greeks(**{name: values[usable] for name, values in shifted.items()})
    return float(np.max(np.abs(per_share[usable] - (moved.price - base.price)), initial=0.0))
