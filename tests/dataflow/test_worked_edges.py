"""Worked books at the edges: no lots, only closed ones, lots and flows on either side of the as-of date, prices that never come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.writer import FORMATS
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import nav_identity_error
from tests.support.books import Lot, add_book, positions, run_all, run_book, snapshots, workshop
from tests.support.small_market import SmallMarket

MON, TUE, WED, THU, FRI = (date(2022, 3, day) for day in (7, 8, 9, 10, 11))
BEFORE = [date(2022, 3, 3), date(2022, 3, 4)]
DAYS = [*BEFORE, MON, TUE, WED, THU, FRI]
CLOSES = [10.0, 10.0, 10.0, 11.0, 12.0, 13.0, 14.0]


def compute(database: Database, calendar: SessionCalendar, market: SmallMarket) -> pd.DataFrame:
    run_all(workshop(database, calendar, market), market.sessions, market.sessions[2:])
    rows = snapshots(database)
    assert np.nanmax(nav_identity_error(rows.reset_index(drop=True)), initial=0.0) <= 1e-12
    return rows


def one_book(database: Database, calendar: SessionCalendar, held: Sequence[Lot], **terms: object) -> pd.DataFrame:
    add_book(database, held, **terms)  # type: ignore[arg-type]
    return compute(database, calendar, SmallMarket(DAYS, {"A": CLOSES}))


def test_portfolio_without_lots_is_worth_its_cash(sqlite: Database, calendar: SessionCalendar) -> None:
    day = one_book(sqlite, calendar, [], cash=500, as_of=FRI)
    assert day["nav"].tolist() == day["cash"].tolist() == [500.0] * 5
    assert day["pnl"].tolist() == day["market_value_gross"].tolist() == [0.0] * 5
    assert day["n_positions"].tolist() == [0] * 5
    assert day["coverage"].isna().all()  # nothing to cover
    assert day["status"].tolist() == ["ok"] * 5
    report = collect(sqlite, "book")
    assert report.session == FRI
    assert all(render(report) for _, render in FORMATS.values())


def test_portfolio_of_closed_lots_alone_keeps_what_they_realised(database: Database, calendar: SessionCalendar) -> None:
    # 10 bought at 9 and sold at 11 before the week; 5 bought on Monday at 10 and sold on Wednesday at 13
    held = [Lot("A", 10, 9, BEFORE[0], BEFORE[1], 11), Lot("A", 5, 10, MON, WED, 13)]
    day = one_book(database, calendar, held, cash=1000, as_of=FRI)
    assert day["cash"].tolist() == [935.0, 935.0, 1000.0, 1000.0, 1000.0]
    assert day["pnl"].tolist() == [0.0, 5.0, 10.0, 0.0, 0.0]
    assert day["realized_pnl"].tolist() == [20.0, 20.0, 35.0, 35.0, 35.0]
    assert day["n_positions"].tolist() == [1, 1, 0, 0, 0]
    report = collect(database, "book")
    assert all(render(report) for _, render in FORMATS.values())


def test_lot_entered_after_the_as_of_date_is_paid_from_the_stated_cash(sqlite: Database, calendar: SessionCalendar) -> None:
    # 1000 on Tuesday; 10 bought on Thursday at 12 which closes at 13
    day = one_book(sqlite, calendar, [Lot("A", 10, 12, THU)], cash=1000, as_of=TUE)
    assert day["cash"].tolist() == [1000.0, 1000.0, 1000.0, 880.0, 880.0]
    assert day["nav"].tolist() == [1000.0, 1000.0, 1000.0, 1010.0, 1020.0]


def test_lot_added_later_with_an_earlier_entry_keeps_the_stated_balance(sqlite: Database, calendar: SessionCalendar) -> None:
    day = one_book(sqlite, calendar, [Lot("A", 10, 10, BEFORE[0]), Lot("A", 20, 9, BEFORE[1])], cash=1000, as_of=FRI)
    assert day["cash"].tolist() == [1000.0] * 5  # C0 is 1000 + 100 + 180


def test_flow_before_the_first_lot_is_part_of_the_cash_it_was_bought_with(sqlite: Database, calendar: SessionCalendar) -> None:
    # 100 USD at the end, 50 paid for the lot on Wednesday, 150 came in on Tuesday: nothing before
    day = one_book(sqlite, calendar, [Lot("A", 5, 10, WED)], cash=100, as_of=FRI, paid_in=[(TUE, 150)])
    assert day["nav"].tolist() == [0.0, 150.0, 160.0, 165.0, 170.0]
    assert day["flows"].tolist() == [0.0, 150.0, 0.0, 0.0, 0.0]
    assert np.isnan(day["daily_return"].iloc[0])  # nothing to return on
    assert day["daily_return"].tolist()[1:3] == [0.0, 10 / 150]


def test_flow_after_the_as_of_date_leaves_the_stated_cash_alone(sqlite: Database, calendar: SessionCalendar) -> None:
    day = one_book(sqlite, calendar, [Lot("A", 5, 10, MON)], cash=100, as_of=TUE, paid_in=[(THU, -30)])
    assert day["cash"].tolist() == [100.0, 100.0, 100.0, 70.0, 70.0]


def test_fact_dated_after_the_data_changes_no_session_of_theirs(sqlite: Database, calendar: SessionCalendar) -> None:
    later = date(2022, 6, 1)
    held = [Lot("A", 10, 10, BEFORE[0], later, 99), Lot("A", 5, 50, later)]
    day = one_book(sqlite, calendar, held, cash=0, as_of=FRI, paid_in=[(later, 1000)])
    assert day["nav"].tolist() == [100.0, 110.0, 120.0, 130.0, 140.0]


def test_settlement_that_cannot_be_priced_leaves_cash_unknown_with_a_reason(database: Database, calendar: SessionCalendar) -> None:
    # an option on what nobody knows expires on Wednesday. Stated before: cash is unknown from then on. Stated after: always.
    option = Lot("ZZZ220309C00010000", 1, 1, BEFORE[0])
    add_book(database, [option, Lot("A", 10, 10, BEFORE[0])], cash=1000, as_of=TUE, name="before")
    add_book(database, [option, Lot("A", 10, 10, BEFORE[0])], cash=1000, as_of=FRI, name="after")
    rows = compute(database, calendar, SmallMarket(DAYS, {"A": CLOSES}))
    slugs = {collect(database, slug, FRI).portfolio_id: slug for slug in ("before", "after")}
    by_slug = {slugs[portfolio]: part for portfolio, part in rows.groupby("portfolio_id")}
    before, after = by_slug["before"], by_slug["after"]
    assert before["cash"].tolist()[:2] == [1000.0, 1000.0]
    assert before["cash"].iloc[2:].isna().all()
    assert before["reason"].tolist() == ["missing_prices"] * 2 + ["settlement_unpriced"] * 3
    assert after[["cash", "nav"]].isna().all().all()
    assert after["reason"].tolist() == ["c0_unresolved"] * 5
    assert after["status"].tolist() == ["unavailable"] * 5
    assert after["pnl"].tolist() == [0.0, 10.0, 10.0, 10.0, 10.0]  # what is priced still gains
    settled = positions(database, option.symbol)[lambda frame: frame["event"].notna()]
    assert settled["event"].unique().tolist() == ["settled_unpriced"]
    assert settled["realized_pnl"].isna().all()


def test_running_again_changes_no_number_and_doubles_no_row(sqlite: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": CLOSES, "B": [5.0] * 7})
    add_book(sqlite, [Lot("A", 10, 9, BEFORE[0]), Lot("B", -4, 6, MON, THU, 5), Lot("A", 3, 11, TUE)], cash=1000, as_of=FRI)
    first = compute(sqlite, calendar, market)
    rows = positions(sqlite)
    shop = workshop(sqlite, calendar, market, "again")
    for _ in range(3):
        run_book(shop, DAYS[2:])
    for day in reversed(DAYS[2:]):
        run_book(shop, [day])
    pd.testing.assert_frame_equal(snapshots(sqlite), first)
    pd.testing.assert_frame_equal(positions(sqlite), rows)


def test_value_is_that_of_the_sessions_own_close_once_a_lot(sqlite: Database, calendar: SessionCalendar) -> None:
    add_book(sqlite, [Lot("A", 10, 9, BEFORE[0])], cash=0, as_of=FRI)
    compute(sqlite, calendar, SmallMarket(DAYS, {"A": CLOSES}))
    rows = positions(sqlite)
    assert rows["market_value"].tolist() == [100.0, 110.0, 120.0, 130.0, 140.0]
    assert rows["price_date"].tolist() == rows["session"].tolist()
