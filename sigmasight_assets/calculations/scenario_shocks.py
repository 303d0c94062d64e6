"""`scenario_shocks`: what every scenario says about the factors on each session, direct and correlated (docs/conventions.md §8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_assets.calculations.factor_inputs import Loadings, read_covariances, read_loadings
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.replays import History, Replay, read_proxies
from sigmasight_assets.engines import stress
from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.engines.stress import Facts, SingularCovariance
from sigmasight_assets.ledger.user_scenarios import UserScenario, user_scenarios_of
from sigmasight_assets.scenarios.definition import RATES, VARIABLES, Scenario
from sigmasight_assets.scenarios.shipped import shipped_scenarios
from sigmasight_assets.store.frames import records_to_frame
from sigmasight_assets.store.tables import scenario_shocks
from sigmasight_assets.store.tables.risk import SHIPPED

BP_PER_UNIT = 100.0
"""The rates factor is measured in units of 100 bp."""
IV = "iv_change"


@dataclass(frozen=True)
class Stated:
    """What a scenario states on a session, measured where it replays history.

    Attributes
    ----------
    shocks, returns : dict of str to float
    rates_bp : float or None
    sources : dict of str to str
        Every variable and `iv_change` -> `measured` with its series, `stated` or `unspecified`.
    """

    shocks: dict[str, float]
    returns: dict[str, float]
    rates_bp: float | None
    sources: dict[str, str]


def stated_on(scenario: Scenario, replay: Replay) -> Stated:
    """What is measured takes precedence over what is stated."""
    shocks = {factor: value for factor, value in scenario.shocks.items() if factor not in replay.returns}
    returns = {**{factor: value for factor, value in scenario.returns.items() if factor not in replay.returns}, **replay.returns}
    rates_bp = scenario.rates_bp if replay.rates_bp is None else replay.rates_bp
    known = {*shocks, *returns, *([] if rates_bp is None else [RATES])}
    sources = {
        name: f"measured {replay.series[name]}" if name in replay.series else "stated" if name in known else "unspecified"
        for name in VARIABLES
    }
    sources[IV] = "unspecified" if scenario.iv_change is None else "stated"
    return Stated(shocks, returns, rates_bp, sources)


def facts_of(stated: Stated, loadings: Loadings) -> Facts:
    """The linear facts about the eight factors."""
    shocks, returns = (np.array([values.get(name, np.nan) for name in FACTORS]) for values in (stated.shocks, stated.returns))
    rates = np.nan if stated.rates_bp is None else stated.rates_bp / BP_PER_UNIT
    return stress.linear_facts(shocks, returns, rates, loadings.matrix, np.nan_to_num(loadings.gamma))


def scenario_shock_frame(reader: Reader, sessions: Sequence[date]) -> pd.DataFrame:
    """Rows of `scenario_shocks`: every shipped scenario, and every user's own from its first session on."""
    own = user_scenarios_of(reader.connection) if len(sessions) else []
    scenarios = [*shipped_scenarios(), *(one.scenario for one in own)]
    return shock_frame(reader, sessions, scenarios, lambda day: _in_force(own, day))


def shock_frame(
    reader: Reader, sessions: Sequence[date], scenarios: Sequence[Scenario], in_force: Callable[[date], Sequence[tuple[str, Scenario]]]
) -> pd.DataFrame:
    """Rows of `scenario_shocks` of given scenarios.

    Parameters
    ----------
    in_force : callable
        Session -> (scope, scenario) of those of `scenarios` that hold on it, in the order of the rows.
    """
    position = np.sort(reader.positions(sessions))
    if not len(position):
        return records_to_frame([], scenario_shocks)
    loadings, covariances = read_loadings(reader, position), read_covariances(reader, position)
    proxies = read_proxies(reader, list(sessions))
    history = History(reader, scenarios)
    records: list[dict[str, Any]] = []
    for p in position.tolist():
        day = reader.day(p)
        for scope, scenario in in_force(day):
            stated = stated_on(scenario, history.measure(scenario, day, proxies.get(day, {})))
            common = {"session": day, "scope": scope, **_described(scenario, stated)}
            records += [common | row for row in _modes(stated, loadings.get(p), covariances.get(p))]
    return records_to_frame(records, scenario_shocks)


def _in_force(own: Sequence[UserScenario], day: date) -> list[tuple[str, Scenario]]:
    mine = [(one.owner_id.hex, one.scenario) for one in own if one.first_session <= day]
    return [*((SHIPPED, scenario) for scenario in shipped_scenarios()), *mine]


def _described(scenario: Scenario, stated: Stated) -> dict[str, Any]:
    values: dict[str, Any] = {"shocks": stated.shocks, "returns": stated.returns, "rates_bp": stated.rates_bp, IV: scenario.iv_change}
    return {
        "scenario_id": scenario.id,
        "name": scenario.name,
        "category": scenario.category,
        "severity": scenario.severity,
        "iv_change": scenario.iv_change or 0.0,
        "stated": {name: value for name, value in values.items() if value not in (None, {})},
        "sources": stated.sources,
    }


def _modes(stated: Stated, loadings: Loadings | None, covariance: Array | None) -> list[dict[str, Any]]:
    """The two rows of a scenario on a session."""
    modes = ({"mode": "direct"}, {"mode": "correlated"})
    if loadings is None:
        return [mode | {"status": "unavailable", "reason": "no_factor_model"} for mode in modes]
    rates_known = not np.isnan(loadings.gamma).any()
    if stated.rates_bp is not None and not rates_known:
        return [mode | {"status": "unavailable", "reason": "rates_missing"} for mode in modes]
    facts = facts_of(stated, loadings)
    status = {"status": "ok", "reason": None} if rates_known else {"status": "partial", "reason": "rates_missing"}
    direct = modes[0] | _moves(stress.direct(facts)) | {"rates_bp": stated.rates_bp or 0.0} | status
    if covariance is None:
        return [direct, modes[1] | {"status": "unavailable", "reason": "no_factor_model"}]
    known = np.nan_to_num(covariance)  # without rates the eighth neither moves nor is stated
    try:
        propagated = stress.correlated(facts, known)
    except SingularCovariance:
        return [direct, modes[1] | {"status": "unavailable", "reason": "singular_covariance"}]
    distance = propagated.mahalanobis
    flagged = {"mahalanobis": distance, "flag": "implausible_shock" if distance > stress.IMPLAUSIBLE else None}
    rates_bp = BP_PER_UNIT * stress.change_of_rates(propagated.mean, np.nan_to_num(loadings.gamma))
    spread = {"factor_deviation": propagated.deviation, "open_covariance": propagated.covariance}
    return [direct | flagged, modes[1] | _moves(propagated.mean) | {"rates_bp": rates_bp} | spread | flagged | status]


def _moves(moves: Array) -> dict[str, float]:
    return dict(zip((*FACTORS, "rates_surprise"), moves.tolist(), strict=True))
