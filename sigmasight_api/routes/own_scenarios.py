"""A user's own scenarios: added and removed through the ledger."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlalchemy import func, select
from starlette.responses import Response

from sigmasight_api import stress_items
from sigmasight_api.access import Caller, Door
from sigmasight_api.answers import problems
from sigmasight_api.errors import Problem, not_materialized
from sigmasight_api.models.stress_calculations import CreatedScenario, DeletedScenario, NewScenario
from sigmasight_api.on_demand import answered
from sigmasight_api.queries import stress as queries
from sigmasight_api.routes.stress_calculations import as_scenario
from sigmasight_api.updating import bring_all_up_to_date
from sigmasight_assets.ledger.user_scenarios import add_scenarios, remove_scenario, user_scenarios_of
from sigmasight_assets.scenarios.shipped import shipped_scenarios
from sigmasight_assets.store.database import lock_for_writing
from sigmasight_assets.store.tables import portfolios, prices, user_scenarios

MOST_OWN = 100
ScenarioId = Annotated[str, Path(max_length=48, description="Id of a scenario of the caller's own", examples=["oil_shock"])]

router = APIRouter(prefix="/risk/stress-testing/scenarios", tags=["Risk"])


@router.post("", response_model=CreatedScenario, status_code=201, summary="Add a scenario of one's own", responses=problems(404, 409))
def create_scenario(door: Door, body: NewScenario) -> Response:
    """From its first session on, every later computation of stress results holds it."""
    scenario = as_scenario(body, ("body",))
    with door.writing() as caller:
        lock_for_writing(caller.connection, user_scenarios.name)
        first = _first_session(caller, body.first_session)
        held = {one.scenario.id: one for one in user_scenarios_of(caller.connection, caller.user.id)}
        if scenario.id in held or scenario.id in {one.id for one in shipped_scenarios()}:
            raise Problem(409, "id_taken", f"There is a scenario {scenario.id} already: choose another id, or delete your own of this id.")
        if len(held) >= MOST_OWN:
            raise Problem(409, "too_many", f"You have {len(held)} scenarios, the most that one user may have: delete some first.")
        add_scenarios(caller.connection, caller.user.id, [scenario], first)
        caller.record("scenario.create", f"scenario:{scenario.id}", f"in force from {first}")
        (row,) = [one for one in caller.rows(queries.own_scenarios(caller.user.id)) if one["definition"]["id"] == scenario.id]
        document = stress_items.scenario_item(scenario, first, row["created_at"]) | {"updating": updating(caller, first)}
    place = door.request.url.path
    return answered(document, 201, {"Location": f"{place}/{scenario.id}"})


@router.delete("/{scenario_id}", response_model=DeletedScenario, summary="Remove a scenario of one's own", responses=problems(404))
def delete_scenario(door: Door, scenario_id: ScenarioId) -> Response:
    """Its stored results go with the next computation of their sessions."""
    with door.writing() as caller:
        lock_for_writing(caller.connection, user_scenarios.name)
        held = {one.scenario.id: one for one in user_scenarios_of(caller.connection, caller.user.id)}
        remove_scenario(caller.connection, caller.user.id, scenario_id)
        caller.record("scenario.delete", f"scenario:{scenario_id}")
        document = {"id": scenario_id, "updating": updating(caller, held[scenario_id].first_session)}
    return answered(document)


def updating(caller: Caller, first_session: date) -> dict[str, Any]:
    """Queue what brings each of the caller's books up to date, in the transaction of the write that made them old."""
    mine = caller.rows(select(portfolios.c.id).where(portfolios.c.owner_id == caller.user.id).order_by(portfolios.c.id))
    return bring_all_up_to_date(caller, {row["id"]: first_session for row in mine})


def _first_session(caller: Caller, asked: date | None) -> date:
    """The session that is asked for, rolled forward; else the last that prices are stored of."""
    if asked is not None:
        return caller.service.calendar.roll_forward(asked)
    last: date | None = caller.connection.execute(select(func.max(prices.c.session))).scalar_one()
    if last is None:
        raise not_materialized("prices", None)
    return last
