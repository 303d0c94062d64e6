"""Stress tests on demand: named or given scenarios, direct and correlated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sigmasight_api import stress_items
from sigmasight_api.access import Book, Door
from sigmasight_api.answers import problems
from sigmasight_api.errors import Problem, invalid, not_materialized
from sigmasight_api.models.stress_calculations import ScenarioBody, StressCalculation, StressRequest
from sigmasight_api.on_demand import answered, book_to_calculate, calculated_meta, lowest, records
from sigmasight_api.queries import stress as queries
from sigmasight_api.queries.risk import open_lots
from sigmasight_assets.errors import InvalidFile
from sigmasight_assets.ledger.user_scenarios import user_scenarios_of
from sigmasight_assets.scenarios.definition import Scenario
from sigmasight_assets.scenarios.parse import scenario_of
from sigmasight_assets.scenarios.shipped import shipped_scenarios
from sigmasight_assets.store.columns import STATUSES
from sigmasight_assets.store.tables.risk import MODES, SHIPPED

router = APIRouter(prefix="/risk/stress-testing", tags=["Risk"])


@dataclass(frozen=True)
class Chosen:
    """A scenario with whose it is: shipped, own or inline."""

    scenario: Scenario
    whose: str


@router.post(
    "/direct-impact",
    response_model=StressCalculation,
    summary="Scenarios, direct: nothing moves but what they state",
    responses=problems(404),
)
def calculate_direct_impact(door: Door, body: StressRequest) -> Response:
    """Scenarios in which nothing moves but what they state; options are repriced in full."""
    return _calculated(door, body, ("direct",))


@router.post(
    "/correlated-impact",
    response_model=StressCalculation,
    summary="Scenarios, correlated: what is not stated moves along",
    responses=problems(404),
)
def calculate_correlated_impact(door: Door, body: StressRequest) -> Response:
    """Scenarios in which what is not stated moves to its conditional mean, with the deviation that this leaves open."""
    return _calculated(door, body, ("correlated",))


@router.post("/comprehensive", response_model=StressCalculation, summary="Scenarios both ways", responses=problems(404))
def calculate_comprehensive(door: Door, body: StressRequest) -> Response:
    """Direct and correlated, with the worst and the best of each."""
    return _calculated(door, body, MODES)


def _calculated(door: Door, body: StressRequest, modes: Sequence[str]) -> Response:
    from sigmasight_assets.calculations.scenario_shocks import shock_frame  # the engines are loaded when a number is asked for
    from sigmasight_assets.calculations.stress_results import results_under

    with book_to_calculate(door, body.portfolio_id) as (book, reader):
        inputs = book.row_set("portfolio_snapshots", body.as_of)
        chosen = {one.scenario.id: one for one in _chosen(book, body)}
        scenarios = [one.scenario for one in chosen.values()]
        shocks = shock_frame(reader, [inputs.session], scenarios, lambda _: [(SHIPPED, scenario) for scenario in scenarios])
        shocks = shocks[shocks["mode"].isin(list(modes))].reset_index(drop=True)
        results = results_under(reader, inputs.session, book.portfolio.id, shocks)
        if results.empty:
            raise not_materialized("portfolio_snapshots", inputs.session)
        lots = book.rows(open_lots(queries.LOT, book.portfolio.id, inputs.session)) if body.positions else None
        moves = {(row["scenario_id"], row["mode"]): row for row in records(shocks)}
        items = [
            stress_items.result_item({**row, **{name: moves[row["scenario_id"], row["mode"]][name] for name in OF_SHOCK}}, lots)
            for row in records(results)
        ]
        for item in items:
            item["scope"] = chosen[item["scenario_id"]].whose
            del item["session"], item["portfolio_id"]
        status, reason = max(((item["status"], item["reason"]) for item in items), key=lambda found: STATUSES.index(found[0]))
        coverage = lowest([item["coverage"] for item in items])
        document = {
            "portfolio_id": book.portfolio.id,
            "session": inputs.session,
            "results": items,
            "summary": [_summary(mode, [item for item in items if item["mode"] == mode]) for mode in modes],
            "meta": calculated_meta(book, "stress_results", inputs, coverage, status, reason),
        }
    return answered(document)


OF_SHOCK = ("name", "scope", *queries.OF_SHOCK)


def _chosen(book: Book, body: StressRequest) -> list[Chosen]:
    """The scenarios of a request, in its order; without any, all shipped and the caller's own.

    Raises
    ------
    Problem
        422 for an unknown name, a definition that is none, or an id that comes twice.
    """
    known = {scenario.id: Chosen(scenario, "shipped") for scenario in shipped_scenarios()}
    known |= {one.scenario.id: Chosen(one.scenario, "own") for one in user_scenarios_of(book.connection, book.user.id)}
    if body.scenarios is None:
        return list(known.values())
    out: dict[str, Chosen] = {}
    for i, given in enumerate(body.scenarios):
        place = ("body", "scenarios", i)
        if isinstance(given, ScenarioBody):
            found = Chosen(as_scenario(given, place), "inline")
        elif given in known:
            found = known[given]
        else:
            raise invalid(place, "expected the id of a shipped scenario or of one's own, or a definition", given, "unknown_scenario")
        if found.scenario.id in out:
            raise invalid(place, "expected each id once", found.scenario.id, "repeated")
        out[found.scenario.id] = found
    return list(out.values())


def as_scenario(body: ScenarioBody, place: Sequence[str | int]) -> Scenario:
    """A scenario by the rules of scenario files; 422 with all that is wrong."""
    try:
        return scenario_of(body.as_data(), "the scenario")
    except InvalidFile as error:
        told = str(error).partition(" faults: ")[2].split(" · ")
        faults = [{"loc": list(place), "code": "invalid_scenario", "message": one, "value": body.id} for one in told]
        raise Problem(422, "invalid_request", "; ".join(told), faults) from error


def _summary(mode: str, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    known = sorted((item for item in items if item["pnl"] is not None), key=lambda item: (item["pnl"], item["scenario_id"]))
    losing, gaining = [item for item in known if item["pnl"] < 0.0], [item for item in known if item["pnl"] > 0.0]
    ends = {"worst": losing[0] if losing else None, "best": gaining[-1] if gaining else None}
    told: dict[str, Any] = {"mode": mode, "n_scenarios": len(known), "n_losing": len(losing)}
    for word, item in ends.items():
        told |= {
            f"{word}_scenario": item and item["scenario_id"],
            f"{word}_pnl": item and item["pnl"],
            f"{word}_share": item and item["pnl_share"],
        }
    return told
