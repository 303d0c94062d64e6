"""A run that fails says so and says why; what stands in the store never keeps a run from computing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.errors import DatabaseUnavailable, GateFailed, ProviderError
from sigmasight_assets.providers.protocol import Answer
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import flows, materializations, option_greeks, position_values, prices
from tests.support.books import SPINE_STEPS, Lot, add_book, run_all, run_book, workshop
from tests.support.killed_runs import outcome_of_run, prepare
from tests.support.rows import records, state, stored
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7, 8, 9)]
BOOK = DAYS[2:]


def test_a_failed_step_fails_the_run_names_its_cause_and_keeps_finished_rows(tmp_path: Path) -> None:
    place = prepare(tmp_path / "place")
    with place.database.write() as connection:
        flows.drop(connection)
    outcome = outcome_of_run(place, ("opening_cash", "portfolio_snapshots"))
    assert not outcome.success
    assert outcome.error is not None
    assert outcome.error.startswith("opening_cash: The database has no tables yet")
    assert records(place.database, "portfolio_snapshots").empty  # nothing downstream of it ran
    assert not records(place.database, "prices").empty
    with place.database.write() as connection:
        flows.create(connection)
    again = outcome_of_run(place, ("opening_cash",))
    assert again.success
    assert again.error is None
    assert list(again.steps) == ["opening_cash"]
    assert again.steps["opening_cash"].rows == 2
    assert again.steps["opening_cash"].checks_passed == 3
    assert 0 < again.own_seconds < again.seconds


class Broken(SmallMarket):
    """A source that cannot answer, or answers nonsense."""

    def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        raise ProviderError(f"the source does not answer for {len(sessions)} sessions of {symbols or 'all symbols'}")

    def treasury_yields(self, sessions: Sequence[date]) -> Answer:
        answer = super().treasury_yields(sessions)
        return Answer(answer.frame.assign(tenor_months=3))


def test_errors_of_a_source_are_not_swallowed(sqlite: Database, calendar: SessionCalendar) -> None:
    shop = workshop(sqlite, calendar, Broken(DAYS, {"A": [1] * 5}))
    with pytest.raises(ProviderError, match="does not answer for 5 sessions"):
        materialize.prices(shop, DAYS)
    with pytest.raises(GateFailed, match=r"10 rows repeat the key \(session, tenor_months\)"):
        materialize.treasury_yields(shop, DAYS)
    assert sqlite.frame(select(materializations)).empty


def test_what_exists_is_computed_again_and_what_is_missing_is_filled(database: Database, calendar: SessionCalendar) -> None:
    # skip-if-exists: a product looked whether a session had rows, and never saw that half of them were missing
    market = SmallMarket(DAYS, {"A": [10, 10, 11, 12, 11], "B": [5, 5, 6, 6, 7]})
    call = "A220318C00012000"
    add_book(database, [Lot("A", 1, 9, DAYS[0]), Lot("B", 2, 5, DAYS[0]), Lot(call, 1, 1, DAYS[0])], cash=0, as_of=BOOK[-1])
    shop = workshop(database, calendar, market)
    run_all(shop, DAYS, BOOK, SPINE_STEPS)
    whole = state(database)
    with database.write() as connection:
        connection.execute(delete(position_values).where(position_values.c.symbol == "B"))
        connection.execute(delete(option_greeks).where(option_greeks.c.session == BOOK[1]))
    run_book(shop, BOOK, SPINE_STEPS)
    assert state(database) == whole


def test_a_full_disk_keeps_the_last_good_rows_until_there_is_space(sqlite: Database, calendar: SessionCalendar) -> None:
    names = [f"S{i}" for i in range(200)]
    closes = {name: [10.0 + i, 10.5 + i, 11.0 + i, 11.5 + i, 12.0 + i] for i, name in enumerate(names)}
    add_book(sqlite, [Lot(name, 1, 9, DAYS[0]) for name in names], cash=0, as_of=BOOK[-1])
    shop = workshop(sqlite, calendar, SmallMarket(DAYS, closes))
    run_all(shop, DAYS[:-1], BOOK[:-1], SPINE_STEPS)
    good = state(sqlite)
    with sqlite.read() as connection:
        full = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {full}")

    event.listen(sqlite.engine, "connect", limit)
    for step in (materialize.prices, materialize.position_values):  # rows that are there anew, and a session more
        with pytest.raises(DatabaseUnavailable, match=r"The disk is full: free space.*nothing was half written"):
            step(shop, DAYS if step is materialize.prices else BOOK)
    assert state(sqlite) == good
    event.remove(sqlite.engine, "connect", limit)
    run_all(shop, DAYS, BOOK, SPINE_STEPS)
    assert len(stored(sqlite, position_values)) == len(names) * len(BOOK)


def test_a_green_run_without_rows_is_recorded_as_unavailable(sqlite: Database, calendar: SessionCalendar) -> None:
    shop = workshop(sqlite, calendar, SmallMarket(DAYS, {}))
    materialize.prices(shop, DAYS)
    materialize.option_quotes(shop, DAYS)
    for table in ("prices", "option_quotes"):
        found = records(sqlite, table)[["rows", "status", "reason"]].drop_duplicates().to_numpy().tolist()
        assert found == [[0, "unavailable", "provider_has_none"]]
    assert stored(sqlite, prices).empty
