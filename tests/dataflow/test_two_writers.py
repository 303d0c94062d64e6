"""Two processes that materialize the same sessions at once leave what one alone would have left."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date

import pytest
from sqlalchemy import select

from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations
from tests.support.books import SPINE_STEPS, Lot, add_book, run_all, run_book, workshop
from tests.support.rows import COMPUTED, state
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7, 8, 9, 10, 11)]
BOOK = DAYS[2:]
CALL = "A220318C00012000"


@pytest.fixture
def market() -> SmallMarket:
    return SmallMarket(DAYS, {"A": [10, 10, 11, 12, 11, 12, 13], "B": [5, 5, None, 6, 6, 7, 7]}, dividends={("A", BOOK[1]): 0.25})


def add_books(database: Database) -> None:
    add_book(database, [Lot("A", 100, 9, DAYS[0]), Lot(CALL, -2, 1, BOOK[0])], cash=1000, as_of=BOOK[-1], name="one")
    add_book(database, [Lot("B", -40, 5, BOOK[1], BOOK[3], 7), Lot("NONE", 1, 1, BOOK[0])], cash=50, as_of=BOOK[2], name="two")


def forget(database: Database) -> None:
    """Delete everything computed."""
    with database.write() as connection:
        for table in (*COMPUTED, materializations):
            connection.execute(table.delete())


def at_once(actions: Sequence[Callable[[], None]]) -> list[int]:
    """Run actions in child processes that start together; their exit codes."""
    read_end, write_end = os.pipe()
    children = []
    for action in actions:
        child = os.fork()
        if child == 0:
            os.close(write_end)
            os.read(read_end, 1)  # until the parent lets go
            code = 1
            try:
                action()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    os.close(read_end)
    os.close(write_end)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_end_state_of_two_writers_is_that_of_one(database: Database, calendar: SessionCalendar, market: SmallMarket) -> None:
    add_books(database)
    run_all(workshop(database, calendar, market), DAYS, BOOK, SPINE_STEPS)
    alone = state(database)
    forget(database)
    url = database.url.render_as_string(hide_password=False)
    database.dispose()

    def run(name: str) -> Callable[[], None]:
        return lambda: run_all(workshop(Database(url), calendar, market, name), DAYS, BOOK, SPINE_STEPS)

    assert at_once([run("first"), run("second")]) == [0, 0]
    both = state(database)
    assert both == alone
    runs = database.frame(select(materializations.c.run_id).distinct())["run_id"]
    assert set(runs) <= {"first", "second"}


def test_neighbouring_ranges_do_not_undo_each_other(database: Database, calendar: SessionCalendar, market: SmallMarket) -> None:
    add_books(database)
    run_all(workshop(database, calendar, market), DAYS, BOOK, SPINE_STEPS)
    alone = state(database)
    forget(database)
    run_all(workshop(database, calendar, market), DAYS, BOOK[:1], SPINE_STEPS)
    url = database.url.render_as_string(hide_password=False)
    database.dispose()

    def run(days: list[date]) -> Callable[[], None]:
        return lambda: run_book(workshop(Database(url), calendar, market), days, SPINE_STEPS)

    assert at_once([run(BOOK[:3]), run(BOOK[2:])]) == [0, 0]
    assert state(database) == alone
