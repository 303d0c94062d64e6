"""Worked books: a few lots over a few days, every figure checked by hand in the comments."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import nav_identity_error
from tests.support.books import Lot, add_book, positions, run_all, snapshots, workshop
from tests.support.small_market import SmallMarket

MON, TUE, WED, THU, FRI = (date(2022, 3, day) for day in (7, 8, 9, 10, 11))
NEXT_MON = date(2022, 3, 14)
WEEK = [MON, TUE, WED, THU, FRI]
BEFORE = [date(2022, 3, 3), date(2022, 3, 4)]
DAYS = [*BEFORE, *WEEK]


def compute(database: Database, calendar: SessionCalendar, market: SmallMarket, book: list[date] | None = None) -> None:
    run_all(workshop(database, calendar, market), market.sessions, book or [day for day in market.sessions if day not in BEFORE])
    identity = nav_identity_error(snapshots(database).reset_index(drop=True))
    assert np.nanmax(identity) <= 1e-12


def test_first_day_pnl_counts_from_the_entry_price_not_the_previous_close(database: Database, calendar: SessionCalendar) -> None:
    # 100 shares bought on Tuesday at 11 which closed at 10 on Monday and at 12 on Tuesday: 100 x (12 - 11) = 100, not 200
    market = SmallMarket(DAYS, {"A": [10, 10, 10, 12, 12, 12, 12]})
    add_book(database, [Lot("A", 100, 11, TUE)], cash=1000, as_of=FRI)
    compute(database, calendar, market)
    day = snapshots(database)
    assert day["pnl"].tolist() == [0.0, 100.0, 0.0, 0.0, 0.0]
    assert day["cash"].tolist() == [2100.0, 1000.0, 1000.0, 1000.0, 1000.0]  # 1000 at the as-of date, before the 1100 paid
    assert day["nav"].tolist() == [2100.0, 2200.0, 2200.0, 2200.0, 2200.0]


def test_closing_a_position_counts_its_gain_once(database: Database, calendar: SessionCalendar) -> None:
    # 10 at 100 before; closes 100, 110, exit on Wednesday at 115: gains 0, 100, 50; then nothing. Cash rises by 1150.
    market = SmallMarket(DAYS, {"A": [100, 100, 100, 110, 118, 130, 140]})
    add_book(database, [Lot("A", 10, 90, BEFORE[0], WED, 115)], cash=5000, as_of=FRI)
    compute(database, calendar, market)
    day = snapshots(database)
    assert day["pnl"].tolist() == [0.0, 100.0, 50.0, 0.0, 0.0]
    assert day["cash"].tolist() == [3850.0, 3850.0, 5000.0, 5000.0, 5000.0]
    assert day["nav"].tolist() == [4850.0, 4950.0, 5000.0, 5000.0, 5000.0]
    assert day["realized_pnl"].tolist() == [0.0, 0.0, 250.0, 250.0, 250.0]  # 10 x (115 - 90)
    assert day["year_pnl"].tolist()[-1] == pytest.approx(250.0)  # bought this year at 90: 10 x (100-90) before the week, then 150


def test_buy_and_sell_on_one_session(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [100] * 7})
    add_book(database, [Lot("A", 10, 99, TUE, TUE, 104)], cash=1000, as_of=FRI)
    compute(database, calendar, market)
    day = snapshots(database)
    assert day["pnl"].tolist() == [0.0, 50.0, 0.0, 0.0, 0.0]
    assert day["cash"].tolist() == [950.0, 1000.0, 1000.0, 1000.0, 1000.0]


def test_two_lots_of_one_symbol_are_both_counted(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [100] * 7})
    add_book(database, [Lot("A", 10, 90, BEFORE[0]), Lot("A", 10, 90, BEFORE[0]), Lot("A", -5, 90, BEFORE[0])], cash=0, as_of=FRI)
    compute(database, calendar, market)
    last = snapshots(database).iloc[-1]
    assert (last["market_value_long"], last["market_value_short"]) == (2000.0, -500.0)  # never netted
    assert (last["market_value_gross"], last["market_value_net"]) == (2500.0, 1500.0)


def test_buy_sell_buy_sell_realises_each_lot_by_itself(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [10, 10, 10, 12, 11, 15, 15]})
    add_book(database, [Lot("A", 10, 10, MON, TUE, 12), Lot("A", 10, 11, WED, THU, 15)], cash=100, as_of=FRI)
    compute(database, calendar, market)
    assert snapshots(database)["realized_pnl"].tolist() == [0.0, 20.0, 20.0, 60.0, 60.0]


def test_split_leaves_value_and_pnl_alone(database: Database, calendar: SessionCalendar) -> None:
    # 4:1 on Wednesday: 10 shares at 400 become 40 at 101; the day's gain is 40 x 101 - 10 x 400 = 40
    market = SmallMarket(DAYS, {"A": [400, 400, 400, 400, 101, 101, 102]}, splits={("A", WED): 4.0})
    add_book(database, [Lot("A", 10, 300, BEFORE[0]), Lot("A", -2, 400, TUE)], cash=1000, as_of=FRI)
    compute(database, calendar, market)
    long = positions(database)[lambda rows: rows["quantity"] > 0].reset_index(drop=True)
    assert long["quantity"].tolist() == [10, 10, 40, 40, 40]
    assert long["entry_price"].tolist() == [300, 300, 75, 75, 75]
    assert long["cost_basis"].tolist() == [3000] * 5
    assert long["pnl"].tolist() == [0.0, 0.0, 40.0, 0.0, 40.0]
    short = positions(database)[lambda rows: rows["quantity"] < 0].reset_index(drop=True)
    assert short["quantity"].tolist() == [-2, -8, -8, -8]
    assert short["pnl"].tolist() == [0.0, -8.0, 0.0, -8.0]


def test_reverse_split_leaves_value_and_pnl_alone(database: Database, calendar: SessionCalendar) -> None:
    # 1:10 on Wednesday: 1000 shares at 0.5 become 100 at 5
    market = SmallMarket(DAYS, {"A": [0.5, 0.5, 0.5, 0.5, 5.0, 5.0, 6.0]}, splits={("A", WED): 0.1})
    add_book(database, [Lot("A", 1000, 0.5, BEFORE[0])], cash=0, as_of=FRI)
    compute(database, calendar, market)
    assert snapshots(database)["pnl"].tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 100.0])
    assert snapshots(database)["status"].unique().tolist() == ["ok"]  # a split is no price jump


def test_dividend_is_paid_to_longs_and_by_shorts(database: Database, calendar: SessionCalendar) -> None:
    # 2 USD on Wednesday. Long 10 since before: +20. Short 5: -10. A lot bought on the ex-session earns nothing; one sold on it does.
    market = SmallMarket(DAYS, {"A": [100, 100, 100, 100, 98, 98, 98]}, dividends={("A", WED): 2.0})
    held = [Lot("A", 10, 100, BEFORE[0]), Lot("A", -5, 100, MON), Lot("A", 7, 98, WED), Lot("A", 3, 100, MON, WED, 98)]
    add_book(database, held, cash=10000, as_of=FRI)
    compute(database, calendar, market)
    day = snapshots(database)
    assert day["dividends"].tolist() == [0, 0, 16.0, 0, 0]  # 20 - 10 + 0 + 6
    # price: 10 x -2 + -5 x -2 + 7 x (98 - 98) + 3 x (98 - 100) = -16; with the dividends the day's gain is 0
    assert day["pnl"].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0]


def test_negative_cash_is_shown_as_margin(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [100] * 7})
    add_book(database, [Lot("A", 100, 100, TUE)], cash=-4000, as_of=FRI)
    compute(database, calendar, market)
    assert snapshots(database)["cash"].tolist() == [6000.0, -4000.0, -4000.0, -4000.0, -4000.0]


def test_flow_is_no_gain_and_counts_from_the_start_of_the_day(database: Database, calendar: SessionCalendar) -> None:
    # NAV 1000, 500 come in on Wednesday, the shares gain 10: r = 10 / (1000 + 500)
    market = SmallMarket(DAYS, {"A": [100, 100, 100, 100, 110, 110, 110]})
    add_book(database, [Lot("A", 1, 100, BEFORE[0])], cash=1400, as_of=FRI, paid_in=[(WED, 500)])
    compute(database, calendar, market)
    day = snapshots(database)
    assert day["flows"].tolist() == [0, 0, 500.0, 0, 0]
    assert day["pnl"].tolist() == [0, 0, 10.0, 0, 0]
    assert day["nav"].tolist() == [1000.0, 1000.0, 1510.0, 1510.0, 1510.0]
    assert day["daily_return"].iloc[2] == pytest.approx(10 / 1500)


def test_flow_dated_on_a_weekend_counts_on_the_next_session(database: Database, calendar: SessionCalendar) -> None:
    days = [*DAYS, NEXT_MON]
    market = SmallMarket(days, {"A": [100] * 8})
    add_book(database, [Lot("A", 1, 100, BEFORE[0])], cash=1000, as_of=NEXT_MON, paid_in=[(date(2022, 3, 12), 250)])
    compute(database, calendar, market)
    assert snapshots(database)["flows"].tolist() == [0, 0, 0, 0, 0, 250.0]


def test_weekend_as_of_rolls_back_and_takes_what_is_dated_on_it_along(database: Database, calendar: SessionCalendar) -> None:
    # stated on Sunday: Friday is s*. The lot and the flow dated on Saturday belong to Friday, so Friday's cash is the stated one.
    market = SmallMarket([*DAYS, NEXT_MON], {"A": [100] * 8})
    saturday, sunday = date(2022, 3, 12), date(2022, 3, 13)
    add_book(database, [Lot("A", 10, 99, saturday)], cash=500, as_of=sunday, paid_in=[(saturday, 200)])
    compute(database, calendar, market)
    day = snapshots(database)
    friday = day.iloc[4]
    assert (friday["cash"], friday["n_positions"], friday["flows"], friday["pnl"]) == (500.0, 1, 200.0, 10.0)
    assert day.iloc[5]["cash"] == 500.0


def test_missing_price_is_null_with_a_reason_and_never_zero(database: Database, calendar: SessionCalendar) -> None:
    # B is known to nobody; A has a gap of one session (carried) and C stops for good
    market = SmallMarket(DAYS, {"A": [10, 10, 10, None, 12, 12, 12]})
    add_book(database, [Lot("A", 10, 10, BEFORE[0]), Lot("B", 5, 20, TUE)], cash=0, as_of=FRI)
    compute(database, calendar, market)
    stranger = positions(database, "B")
    assert stranger["market_value"].isna().all()
    assert stranger["price_status"].unique().tolist() == ["missing"]
    assert stranger["reason"].unique().tolist() == ["unknown_symbol"]
    carried = positions(database, "A").iloc[1]
    assert (carried["price"], carried["price_status"], carried["price_date"].date()) == (10.0, "stale", MON)
    day = snapshots(database)
    assert day["status"].tolist() == ["ok", "partial", "partial", "partial", "partial"]
    assert day["coverage"].tolist()[1:] == [0.5, pytest.approx(120 / 220), pytest.approx(120 / 220), pytest.approx(120 / 220)]
    assert day["coverage_change"].tolist() == [0, -100.0, 0, 0, 0]  # entered while missing: minus what was paid


def test_value_that_vanishes_and_returns_is_a_coverage_change_not_a_gain(database: Database, calendar: SessionCalendar) -> None:
    # A has no close for seven sessions: five are carried, then it is missing, and comes back at 13 (not a gain of 30)
    days = calendar.between(date(2022, 3, 3), date(2022, 3, 21))
    closes: list[float | None] = [10, 10, 10, None, None, None, None, None, None, None, 13, 13, 13][: len(days)]
    market = SmallMarket(days, {"A": closes, "Z": [1] * len(days)})
    add_book(database, [Lot("A", 10, 10, days[0])], cash=0, as_of=days[-1])
    compute(database, calendar, market)
    day = snapshots(database)
    gone = day[day["n_missing"] == 1]
    assert len(gone) == 2
    assert day["pnl"].tolist() == [0.0] * len(day)
    assert day["coverage_change"][day["coverage_change"] != 0].tolist() == [-100.0, 130.0]


def test_private_asset_takes_the_owners_last_mark(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [1] * 7})
    add_book(database, [Lot("FUND", 2, 500, BEFORE[0], private=True)], cash=0, as_of=FRI, marks=[("FUND", WED, 520)])
    compute(database, calendar, market)
    rows = positions(database, "FUND")
    assert rows["price"].tolist() == [500, 500, 520, 520, 520]
    assert rows["price_status"].unique().tolist() == ["appraisal"]
    assert rows["pnl"].tolist() == [0.0, 0.0, 40.0, 0.0, 0.0]
    assert rows["price_date"].dt.date.tolist() == [BEFORE[0], BEFORE[0], WED, WED, WED]


def test_year_to_date_begins_with_the_calendar_years_first_session(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2021, 12, 29), date(2022, 1, 5))
    market = SmallMarket(days, {"A": [10, 11, 12, 13, 14, 15]})
    add_book(database, [Lot("A", 10, 10, days[0])], cash=0, as_of=days[-1])
    compute(database, calendar, market, book=days[1:])
    year = snapshots(database)["year_pnl"]
    assert year.tolist() == [10.0, 20.0, 10.0, 20.0, 30.0]  # 2021: from its first session; 2022 starts again


def test_position_values_ignore_other_books(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [10, 10, 11, 12, 13, 14, 15]})
    add_book(database, [Lot("A", 10, 10, BEFORE[0])], cash=0, as_of=FRI, name="first")
    compute(database, calendar, market)
    alone = snapshots(database)
    add_book(database, [Lot("A", -3, 10, MON), Lot("NONE", 1, 1, MON)], cash=5, as_of=FRI, name="second")
    compute(database, calendar, market)
    together = snapshots(database)
    mine = together[together["portfolio_id"] == alone["portfolio_id"].iloc[0]]
    pd.testing.assert_frame_equal(mine, alone)
