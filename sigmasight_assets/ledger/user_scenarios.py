"""Users' own stress scenarios: adding a file of them, listing and removing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, insert, select, update

from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.ledger.changes import record_change
from sigmasight_assets.scenarios.definition import Scenario
from sigmasight_assets.scenarios.parse import scenario_of
from sigmasight_assets.scenarios.shipped import shipped_scenarios
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.tables import portfolios, user_scenarios

FACET = "scenarios"


@dataclass(frozen=True)
class UserScenario:
    """A scenario of a user, in force from a session on."""

    owner_id: uuid.UUID
    scenario: Scenario
    first_session: date


@dataclass(frozen=True)
class Added:
    """Ids of the scenarios that a file added, changed, and left as they were."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def user_scenarios_of(connection: Connection, owner_id: uuid.UUID | None = None) -> list[UserScenario]:
    """The scenarios of a user (of all when None), in order of owner and id."""
    query = select(user_scenarios.c.owner_id, user_scenarios.c.definition, user_scenarios.c.first_session)
    if owner_id is not None:
        query = query.where(user_scenarios.c.owner_id == owner_id)
    rows = connection.execute(query.order_by(user_scenarios.c.owner_id, user_scenarios.c.scenario_id))
    return [UserScenario(owner, scenario_of(definition, "a stored scenario"), first) for owner, definition, first in rows]


def add_scenarios(
    connection: Connection, owner_id: uuid.UUID, scenarios: Sequence[Scenario], first_session: date, *, replace: bool = False
) -> Added:
    """Add a user's scenarios; those that the user has already, word for word, change nothing.

    Parameters
    ----------
    first_session : date
        The first session whose stress results hold them.
    replace : bool
        Whether a scenario whose id is taken by another definition of the owner takes its place.

    Raises
    ------
    LedgerRefused
        For an id that a shipped scenario has, or another definition of the owner without `replace`; nothing is added then.
    """
    held = {one.scenario.id: one.scenario for one in user_scenarios_of(connection, owner_id)}
    shipped = {scenario.id for scenario in shipped_scenarios()}
    taken = [scenario.id for scenario in scenarios if scenario.id in shipped]
    if taken:
        raise LedgerRefused(f"These ids belong to shipped scenarios: {', '.join(taken)}. Choose others; nothing was added.")
    changed = [scenario for scenario in scenarios if scenario.id in held and held[scenario.id] != scenario]
    if changed and not replace:
        raise LedgerRefused(
            f"You have other scenarios of these ids: {', '.join(one.id for one in changed)}. "
            "Choose other ids, or replace them with --replace; nothing was added."
        )
    added = [scenario for scenario in scenarios if scenario.id not in held]
    for scenario in changed:
        mine = (user_scenarios.c.owner_id == owner_id) & (user_scenarios.c.scenario_id == scenario.id)
        first_affected = min(first_session, connection.execute(select(user_scenarios.c.first_session).where(mine)).scalar_one())
        connection.execute(update(user_scenarios).where(mine).values(definition=scenario.as_data(), first_session=first_session))
        _record(connection, owner_id, first_affected, f"scenario {scenario.id} replaced")
    for scenario in added:
        row = {"id": uuid.uuid4(), "owner_id": owner_id, "scenario_id": scenario.id, "definition": scenario.as_data()}
        connection.execute(insert(user_scenarios), {**row, "first_session": first_session, "created_at": utc_now()})
        _record(connection, owner_id, first_session, f"scenario {scenario.id} added")
    known = {scenario.id for scenario in (*added, *changed)}
    return Added(
        tuple(scenario.id for scenario in added),
        tuple(scenario.id for scenario in changed),
        tuple(scenario.id for scenario in scenarios if scenario.id not in known),
    )


def remove_scenario(connection: Connection, owner_id: uuid.UUID, scenario_id: str) -> None:
    """Remove a user's scenario; `NotFound` where the user has none of that id."""
    mine = (user_scenarios.c.owner_id == owner_id) & (user_scenarios.c.scenario_id == scenario_id)
    first: date | None = connection.execute(select(user_scenarios.c.first_session).where(mine)).scalar_one_or_none()
    if first is None:
        own = ", ".join(one.scenario.id for one in user_scenarios_of(connection, owner_id)) or "none"
        raise NotFound(f"There is no scenario {scenario_id!r} of this user (own scenarios: {own}).")
    connection.execute(delete(user_scenarios).where(mine))
    _record(connection, owner_id, first, f"scenario {scenario_id} removed")


def _record(connection: Connection, owner_id: uuid.UUID, first_session: date, what: str) -> None:
    """The owner's portfolios are old from that session on; an owner without any has nothing that is."""
    for portfolio_id in connection.execute(select(portfolios.c.id).where(portfolios.c.owner_id == owner_id)).scalars().all():
        record_change(connection, portfolio_id, first_session, what, facet=FACET)
