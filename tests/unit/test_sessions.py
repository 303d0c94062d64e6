"""The session calendar: holidays, half days and "the last closed session" as the exchange published them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_assets import session_schedule
from sigmasight_assets.errors import NotASession
from sigmasight_assets.session_schedule import KEPT, LAST_KEPT, kept_schedule, library_schedule, schedule
from sigmasight_assets.sessions import FIRST_DATE, NEW_YORK, SessionCalendar, as_dates, calendar_for

HOLIDAYS_2022 = [(1, 17), (2, 21), (4, 15), (5, 30), (6, 20), (7, 4), (9, 5), (11, 24), (12, 26)]
"""NYSE's published holidays of 2022; New Year's Day fell on a Saturday and was not observed."""
ONE_OFFS = [date(2001, 9, 11), date(2001, 9, 14), date(2004, 6, 11), date(2012, 10, 29), date(2012, 10, 30), date(2018, 12, 5)]
"""The attacks, Reagan, hurricane Sandy, Bush."""


def new_york(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=NEW_YORK)  # type: ignore[misc,arg-type]


def test_published_holidays_of_a_year_are_no_sessions(calendar: SessionCalendar) -> None:
    closed = [day for day in calendar.holidays(date(2022, 1, 1)) if day.year == 2022]
    assert closed == [date(2022, *day) for day in HOLIDAYS_2022]
    assert len(calendar.between(date(2022, 1, 1), date(2022, 12, 31))) == 251


@pytest.mark.parametrize("day", ONE_OFFS)
def test_unscheduled_closures_are_no_sessions(calendar: SessionCalendar, day: date) -> None:
    assert not calendar.is_session(day)


def test_juneteenth_is_a_holiday_since_2022_only(calendar: SessionCalendar) -> None:
    assert calendar.is_session(date(2020, 6, 19))
    assert not calendar.is_session(date(2022, 6, 20))


@pytest.mark.parametrize("day", [date(2022, 11, 25), date(2021, 11, 26), date(2019, 7, 3), date(2019, 12, 24)])
def test_half_days_close_at_one(calendar: SessionCalendar, day: date) -> None:
    assert calendar.close_time(day).astimezone(NEW_YORK).time().hour == 13


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (new_york(2022, 6, 15, 15, 59, 59), date(2022, 6, 14)),
        (new_york(2022, 6, 15, 16, 0, 0), date(2022, 6, 15)),
        (new_york(2022, 11, 25, 12, 59, 59), date(2022, 11, 23)),  # half day after Thanksgiving
        (new_york(2022, 11, 25, 13, 0, 0), date(2022, 11, 25)),
        (new_york(2022, 6, 18, 12, 0), date(2022, 6, 17)),  # Saturday
        (new_york(2022, 6, 20, 20, 0), date(2022, 6, 17)),  # Juneteenth, a Monday
        (new_york(2022, 12, 31, 23, 59), date(2022, 12, 30)),
        (new_york(2023, 1, 1, 0, 1), date(2022, 12, 30)),
        (new_york(2023, 1, 2, 18, 0), date(2022, 12, 30)),  # New Year's Day observed
        (new_york(2023, 1, 3, 16, 0), date(2023, 1, 3)),
    ],
)
def test_last_closed_session_around_closes_holidays_and_new_year(calendar: SessionCalendar, now: datetime, expected: date) -> None:
    assert calendar.last_closed(now) == expected


def test_evening_in_new_york_is_the_same_session_although_the_utc_date_is_the_next(calendar: SessionCalendar) -> None:
    # 2022-06-15 20:30 in New York is 2022-06-16 00:30 UTC: "today" in UTC would take the evening run for the next session
    evening = datetime(2022, 6, 16, 0, 30, tzinfo=UTC)
    assert calendar.last_closed(evening) == date(2022, 6, 15)


@pytest.mark.parametrize(
    ("session", "close_utc_hour"),
    [
        (date(2022, 3, 11), 21),  # the last session of winter time
        (date(2022, 3, 14), 20),  # summer time began on Sunday
        (date(2022, 11, 4), 20),
        (date(2022, 11, 7), 21),  # summer time ended on Sunday
    ],
)
def test_closes_follow_daylight_saving_time(calendar: SessionCalendar, session: date, close_utc_hour: int) -> None:
    close = datetime(session.year, session.month, session.day, close_utc_hour, tzinfo=UTC)
    assert calendar.close_time(session) == close
    assert calendar.last_closed(close) == session
    assert calendar.last_closed(close - timedelta(seconds=1)) == calendar.offset(session, -1)


def test_any_time_zone_of_the_same_moment_gives_the_same_session(calendar: SessionCalendar) -> None:
    moment = new_york(2022, 6, 15, 16, 0)
    assert calendar.last_closed(moment) == calendar.last_closed(moment.astimezone(UTC))


def test_a_naive_clock_is_refused(calendar: SessionCalendar) -> None:
    with pytest.raises(ValueError, match="time zone"):
        calendar.last_closed(datetime(2022, 6, 15, 20, 0))  # noqa: DTZ001


def test_a_non_session_is_refused_with_its_neighbours(calendar: SessionCalendar) -> None:
    with pytest.raises(NotASession, match=r"2022-07-04 .* expected 2022-07-01 or 2022-07-05"):
        calendar.require(date(2022, 7, 4))
    with pytest.raises(NotASession):
        calendar.offset(date(2022, 7, 4), 1)


def test_dates_outside_the_calendar_are_refused_with_its_range(calendar: SessionCalendar) -> None:
    with pytest.raises(NotASession, match=r"1990-01-02 … 2024-12-31"):
        calendar.roll_back(date(1989, 12, 29))
    with pytest.raises(NotASession, match=r"2025-01-02"):
        calendar.roll_forward(date(2025, 1, 2))
    with pytest.raises(NotASession):
        calendar.offset(FIRST_DATE, -1)


def test_windows_count_sessions_not_calendar_days(calendar: SessionCalendar) -> None:
    # 90 sessions before 2022-12-28 is 2022-08-19; 90 calendar days before would be 2022-09-29
    assert calendar.offset(date(2022, 12, 28), -90) == date(2022, 8, 19)
    assert len(calendar.between(date(2022, 8, 19), date(2022, 12, 28))) == 91


def test_weekend_and_holiday_dates_roll_to_the_session_before_or_after(calendar: SessionCalendar) -> None:
    saturday = date(2022, 9, 3)  # before Labor Day
    assert calendar.roll_back(saturday) == date(2022, 9, 2)
    assert calendar.roll_forward(saturday) == date(2022, 9, 6)
    assert calendar.roll_back(date(2022, 9, 2)) == calendar.roll_forward(date(2022, 9, 2)) == date(2022, 9, 2)


def test_a_range_without_sessions_is_empty(calendar: SessionCalendar) -> None:
    assert calendar.between(date(2022, 9, 3), date(2022, 9, 5)) == []
    assert calendar.between(date(2022, 9, 6), date(2022, 9, 2)) == []


def test_the_calendar_reaches_to_the_end_of_next_year_and_changes_at_new_year_in_new_york() -> None:
    assert calendar_for(new_york(2022, 12, 31, 23, 59)).last_date == date(2023, 12, 31)
    assert calendar_for(datetime(2023, 1, 1, 4, 59, tzinfo=UTC)).last_date == date(2023, 12, 31)  # still 2022 in New York
    assert calendar_for(datetime(2023, 1, 1, 5, 0, tzinfo=UTC)).last_date == date(2024, 12, 31)
    assert calendar_for(new_york(2022, 1, 1, 1, 0)) is calendar_for(new_york(2022, 12, 31, 1, 0))


@settings(max_examples=50)
@given(st.dates(date(1990, 1, 2), date(2024, 12, 31)), st.integers(-300, 300))
def test_rolling_and_offsets_agree_with_the_list_of_sessions(calendar: SessionCalendar, day: date, n: int) -> None:
    sessions = calendar.days.tolist()
    before = [session for session in sessions if session <= day]
    assert calendar.is_session(day) == (before[-1] == day)
    assert calendar.roll_back(day) == before[-1]
    start = before[-1]
    place = len(before) - 1 + n
    if 0 <= place < len(sessions):
        assert calendar.offset(start, n) == sessions[place]
        assert len(calendar.between(min(start, sessions[place]), max(start, sessions[place]))) == abs(n) + 1


def test_iso_texts_and_dates_become_dates() -> None:
    assert as_dates(["2022-01-03", date(2022, 1, 4)]) == [date(2022, 1, 3), date(2022, 1, 4)]


def test_kept_schedule_is_the_librarys() -> None:
    kept, library = kept_schedule(LAST_KEPT), library_schedule(LAST_KEPT)
    assert kept is not None
    for ours, theirs in zip(kept, library, strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)


def test_kept_schedule_is_of_the_version_that_the_project_pins() -> None:
    made_by = KEPT.read_text(encoding="utf-8").splitlines()[0].split(",")[1]
    assert made_by.replace(" ", "==") in (Path(__file__).parents[2] / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_library_is_asked_where_another_version_of_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = tmp_path / "older.csv"
    older.write_text("day,exchange_calendars 4.0\n2022-06-15,\n", encoding="utf-8")
    monkeypatch.setattr(session_schedule, "KEPT", older)
    last = date(2022, 12, 31)
    assert kept_schedule(last) is None
    assert np.array_equal(schedule(last)[0], library_schedule(last)[0])


def test_library_is_asked_beyond_what_is_kept() -> None:
    last = date(LAST_KEPT.year + 1, 12, 31)
    assert schedule(last)[0][-1] == library_schedule(last)[0][-1] > np.datetime64(LAST_KEPT)
