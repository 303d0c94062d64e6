"""On which session every dated fact of the ledger counts (docs/conventions.md §1, §3)."""

from __future__ import annotations

from datetime import date

import pytest

from sigmasight_assets.engines.arrays import NEVER
from sigmasight_assets.ledger.book import Book, load_book
from sigmasight_assets.ledger.event_sessions import event_session, settlement_session
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from tests.support.books import Lot, add_book

THU, FRI, SAT, SUN, MON = (date(2022, 3, day) for day in (10, 11, 12, 13, 14))
GOOD_FRIDAY, BEFORE, EASTER_MONDAY = date(2022, 4, 15), date(2022, 4, 14), date(2022, 4, 18)
OPTION = "A220415C00100000"
"""Expires on Good Friday, when nothing trades."""


def load(database: Database, calendar: SessionCalendar) -> Book:
    with database.read() as connection:
        return load_book(database, connection, calendar)


def days(calendar: SessionCalendar, positions: object) -> list[date | None]:
    return [None if position == NEVER else calendar.days[position].item() for position in positions]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("day", "as_of", "session"),
    [
        (FRI, FRI, FRI),
        (SAT, FRI, MON),  # after the as-of date
        (SUN, date(2022, 12, 28), MON),  # long before it
        (SAT, SUN, FRI),  # after s* = Friday, not after the stated Sunday
        (SUN, SUN, FRI),
        (SAT, SAT, FRI),
        (SUN, SAT, MON),  # after the stated Saturday
        (THU, SUN, THU),
        (GOOD_FRIDAY, GOOD_FRIDAY, BEFORE),
        (GOOD_FRIDAY, BEFORE, EASTER_MONDAY),
    ],
)
def test_dated_event_counts_on_its_session(calendar: SessionCalendar, day: date, as_of: date, session: date) -> None:
    assert event_session(day, as_of, calendar) == session


def test_expiry_on_a_holiday_settles_on_the_session_before(calendar: SessionCalendar) -> None:
    assert settlement_session(GOOD_FRIDAY, calendar) == BEFORE
    assert settlement_session(date(2012, 1, 21), calendar) == date(2012, 1, 20)  # monthly options expired on Saturdays then
    assert settlement_session(FRI, calendar) == FRI


def test_entries_exits_flows_and_marks_of_a_weekend_go_to_monday(database: Database, calendar: SessionCalendar) -> None:
    held = [Lot("A", 1, 10, SAT), Lot("A", 1, 10, THU, SUN, 11), Lot("A", 1, 10, SAT, SUN, 11), Lot("F", 1, 10, THU, private=True)]
    add_book(database, held, cash=0, as_of=date(2022, 12, 28), paid_in=[(SUN, 5)], marks=[("F", SAT, 12)])
    book = load(database, calendar)
    assert days(calendar, book.lots.entry) == [MON, THU, MON, THU]
    assert days(calendar, book.lots.end) == [None, MON, MON, None]
    assert days(calendar, book.flow_position) == [MON]
    assert days(calendar, book.mark_position) == [MON]


def test_what_a_weekend_as_of_date_covers_belongs_to_its_friday(database: Database, calendar: SessionCalendar) -> None:
    held = [Lot("A", 1, 10, SAT), Lot("A", 1, 10, SUN), Lot("A", 1, 10, MON), Lot("A", 1, 10, THU, SAT, 11)]
    add_book(database, held, cash=0, as_of=SUN, paid_in=[(SAT, 5)])
    book = load(database, calendar)
    assert days(calendar, book.as_of) == [FRI]
    assert days(calendar, book.lots.entry) == [FRI, FRI, MON, THU]
    assert days(calendar, book.lots.end) == [None, None, None, FRI]
    assert days(calendar, book.flow_position) == [FRI]


def test_option_held_to_a_holiday_expiry_ends_on_the_session_before_by_settlement(database: Database, calendar: SessionCalendar) -> None:
    add_book(database, [Lot(OPTION, 1, 2, FRI)], cash=0, as_of=FRI)
    lots = load(database, calendar).lots
    assert days(calendar, lots.settlement) == days(calendar, lots.end) == [BEFORE]
    assert lots.is_settled.tolist() == [True]


def test_exit_dated_on_the_expiry_wins_even_where_that_is_no_session(database: Database, calendar: SessionCalendar) -> None:
    add_book(database, [Lot(OPTION, 1, 2, FRI, GOOD_FRIDAY, 3), Lot(OPTION, 1, 2, FRI, BEFORE, 3)], cash=0, as_of=FRI)
    lots = load(database, calendar).lots
    assert days(calendar, lots.end) == [BEFORE, BEFORE]  # not Easter Monday: the option no longer exists then
    assert lots.is_settled.tolist() == [False, False]


def test_option_bought_on_its_holiday_expiry_begins_and_ends_on_one_session(database: Database, calendar: SessionCalendar) -> None:
    add_book(database, [Lot(OPTION, 1, 2, GOOD_FRIDAY), Lot(OPTION, 1, 2, GOOD_FRIDAY, GOOD_FRIDAY, 3)], cash=0, as_of=FRI)
    lots = load(database, calendar).lots
    assert days(calendar, lots.entry) == days(calendar, lots.end) == [BEFORE, BEFORE]
    assert lots.is_settled.tolist() == [True, False]


def test_what_is_beyond_the_calendar_never_ends(database: Database, calendar: SessionCalendar) -> None:
    add_book(database, [Lot("A400120C00100000", 1, 2, FRI), Lot("A", 1, 2, FRI)], cash=0, as_of=FRI)
    lots = load(database, calendar).lots
    assert days(calendar, lots.end) == [None, None]
    assert lots.is_settled.tolist() == [False, False]


def test_books_are_told_apart_and_scoped(database: Database, calendar: SessionCalendar) -> None:
    first = add_book(database, [Lot("A", 1, 10, THU)], cash=1, as_of=FRI, name="first", paid_in=[(THU, 5)])
    second = add_book(database, [Lot("B", 2, 20, FRI)], cash=2, as_of=THU, name="second", marks=[("F", FRI, 7)])
    book = load(database, calendar)
    at = {portfolio: i for i, portfolio in enumerate(book.portfolio_ids)}
    assert book.stated_cash[[at[first.id], at[second.id]]].tolist() == [1.0, 2.0]
    assert {symbol: book.portfolio_ids[p] for symbol, p in zip(book.lots.symbol, book.lots.portfolio, strict=True)} == {
        "A": first.id,
        "B": second.id,
    }
    assert [book.portfolio_ids[p] for p in book.flow_portfolio] == [first.id]
    with database.read() as connection:
        alone = load_book(database, connection, calendar, [second.id])
        nobody = load_book(database, connection, calendar, [])
    assert (alone.portfolio_ids, alone.lots.symbol.tolist(), len(alone.flow_amount)) == ([second.id], ["B"], 0)
    assert (nobody.portfolio_ids, len(nobody.lots)) == ([], 0)
