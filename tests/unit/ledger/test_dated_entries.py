"""Flows and appraisals into the ledger, and which sessions they affect."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.ledger.changes import INCEPTION, mark_processed, unprocessed
from sigmasight_assets.ledger.csv_flows import read_appraisals, read_flows
from sigmasight_assets.ledger.dated_entries import import_appraisals, import_flows, require_portfolio
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import appraisals, flows, ledger_changes
from tests.support.imports import TODAY, Importer

AS_OF = date(2022, 3, 11)


@pytest.fixture
def portfolio(database: Database, calendar: SessionCalendar) -> Portfolio:
    return Importer(database, calendar)("AAPL,1,1,2022-03-01,,,,", "FUND,2,500,2021-03-02,,,,private").portfolio


def add_flows(database: Database, calendar: SessionCalendar, portfolio: Portfolio, *rows: str) -> int:
    file = read_flows("\n".join(["date,amount,note", *rows]).encode(), today=TODAY, calendar=calendar)
    return import_flows(database, calendar, portfolio, file.rows, file.content_hash, "flows.csv")


def add_marks(database: Database, calendar: SessionCalendar, portfolio: Portfolio, *rows: str) -> int:
    file = read_appraisals("\n".join(["ticker,date,price_per_unit", *rows]).encode(), today=TODAY, calendar=calendar)
    return import_appraisals(database, calendar, portfolio, file.rows, file.content_hash, "marks.csv")


def last_change(database: Database) -> date:
    with database.read() as connection:
        found: date = connection.execute(select(ledger_changes.c.first_session).order_by(ledger_changes.c.id.desc())).scalars().first()
    return found


def test_same_flows_twice_change_nothing_and_two_equal_flows_are_two(
    database: Database, calendar: SessionCalendar, portfolio: Portfolio
) -> None:
    rows = ("2022-03-01,100.50,gift", "2022-03-01,100.5,gift", "2022-03-02,-7,")
    assert add_flows(database, calendar, portfolio, *rows) == 3
    assert add_flows(database, calendar, portfolio, *rows) == 0
    assert add_flows(database, calendar, portfolio, *rows, "2022-03-02,-7,tax") == 1
    with database.read() as connection:
        assert sorted(connection.execute(select(flows.c.amount)).scalars()) == [-7, -7, 100.5, 100.5]


@pytest.mark.parametrize(
    ("day", "first"),
    [
        ("2021-01-04", INCEPTION),  # before the as-of date: it moves C0
        ("2022-03-11", INCEPTION),
        ("2022-03-12", date(2022, 3, 14)),  # a Saturday after it: the next session
        ("2022-04-15", date(2022, 4, 18)),  # Good Friday
        ("2022-06-01", date(2022, 6, 1)),
    ],
)
def test_flow_affects_sessions_from_its_own_on(
    database: Database, calendar: SessionCalendar, portfolio: Portfolio, day: str, first: date
) -> None:
    add_flows(database, calendar, portfolio, f"{day},5,")
    assert last_change(database) == first


def test_mark_of_a_day_that_has_one_corrects_it(database: Database, calendar: SessionCalendar, portfolio: Portfolio) -> None:
    assert add_marks(database, calendar, portfolio, "FUND,2022-03-05,510", "FUND,2022-03-08,520") == 2
    assert add_marks(database, calendar, portfolio, "fund,2022-03-05,510.0", "FUND,2022-03-08,525") == 1
    with database.read() as connection:
        assert sorted(connection.execute(select(appraisals.c.price_per_unit)).scalars()) == [510, 525]
    assert last_change(database) == date(2022, 3, 8)


def test_mark_of_what_is_no_private_asset_refuses_the_file(database: Database, calendar: SessionCalendar, portfolio: Portfolio) -> None:
    with pytest.raises(LedgerRefused, match=r"AAPL, OTHER: no private asset of book \(it has FUND\)"):
        add_marks(database, calendar, portfolio, "FUND,2022-03-05,510", "AAPL,2022-03-05,1", "OTHER,2022-03-05,1")
    with database.read() as connection:
        assert connection.execute(select(appraisals.c.id)).all() == []


def test_portfolio_is_found_by_slug_name_and_id(database: Database, calendar: SessionCalendar) -> None:
    take = Importer(database, calendar)
    made = take("AAPL,1,1,2022-03-01,,,,", name="Long/Short Fund (Ann's)", slug="ls").portfolio
    for name in ("ls", "LS", "Long/Short Fund (Ann's)", str(made.id), str(made.id).upper()):
        assert require_portfolio(database, name).id == made.id
    with pytest.raises(NotFound, match="sigmasight import"):
        require_portfolio(database, "nobody")
    with pytest.raises(NotFound):
        require_portfolio(database, "00000000-0000-0000-0000-000000000000")


def test_name_that_two_portfolios_have_needs_a_slug(database: Database, calendar: SessionCalendar) -> None:
    Importer(database, calendar)(name="Book", slug="one")
    Importer(database, calendar, "bob@example.com")(name="Book", slug="two")
    with pytest.raises(LedgerRefused, match=r"use a slug \(one, two\)"):
        require_portfolio(database, "Book")


@pytest.mark.parametrize("name", ["", "???", "x" * 201, "00000000-0000-0000-0000-000000000000"])
def test_portfolio_needs_a_name_that_can_be_told_from_others(database: Database, calendar: SessionCalendar, name: str) -> None:
    with pytest.raises(LedgerRefused):
        Importer(database, calendar)(name=name)


def test_changes_wait_until_a_run_covers_them(database: Database, calendar: SessionCalendar, portfolio: Portfolio) -> None:
    add_flows(database, calendar, portfolio, "2022-06-01,5,")
    with database.write() as connection:
        waiting = unprocessed(connection)
        assert waiting is not None
        assert (waiting.first_session, waiting.n_changes) == (INCEPTION, 2)
        mark_processed(connection, waiting.last_id - 1, utc_now())
        later = unprocessed(connection)
        assert later is not None
        assert (later.first_session, later.n_changes) == (date(2022, 6, 1), 1)
        mark_processed(connection, later.last_id, utc_now())
        assert unprocessed(connection) is None
