"""Faulty market data, each in a small worked book: what is missing is NULL with its reason, the neighbours are right, NAV adds up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.market import absurd_moves
from sigmasight_assets.errors import InvalidData
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import nav_identity_error
from sigmasight_assets.store.tables import confirmed_prices, prices
from tests.support.books import Lot, add_book, greeks, positions, run_all, snapshots, workshop
from tests.support.command_line import CommandLine
from tests.support.folders import provider_of, write
from tests.support.small_market import SmallMarket

MON, TUE, WED, THU, FRI = WEEK = [date(2022, 3, day) for day in (7, 8, 9, 10, 11)]
BEFORE = [date(2022, 3, 3), date(2022, 3, 4)]
DAYS = [*BEFORE, *WEEK]
CALL = "A220617C00100000"


def quote(symbol: str, session: date, bid: float, ask: float, close: float = np.nan, iv: float = np.nan) -> Mapping[str, object]:
    return {"session": session, "symbol": symbol, "bid": bid, "ask": ask, "close": close, "iv": iv, "volume": 0.0, "open_interest": 0.0}


def compute(database: Database, calendar: SessionCalendar, market: SmallMarket, book: Sequence[date] = WEEK) -> None:
    run_all(workshop(database, calendar, market), market.sessions, book)
    errors = nav_identity_error(snapshots(database).reset_index(drop=True))
    assert np.nanmax(errors, initial=0.0) <= 1e-12


def test_a_hundredfold_jump_is_quarantined_and_its_neighbours_are_not(database: Database, calendar: SessionCalendar) -> None:
    # A jumps to 1000 on Wednesday and is back at 10.2 on Thursday: Wednesday is carried from Tuesday; B is as ever
    market = SmallMarket(DAYS, {"A": [10, 10, 10, 10.1, 1000, 10.2, 10.2], "B": [5, 5, 5, 5, 6, 6, 6]})
    add_book(database, [Lot("A", 10, 10, BEFORE[0]), Lot("B", 10, 5, BEFORE[0])], cash=0, as_of=FRI)
    compute(database, calendar, market)
    stored = database.frame(select(prices).order_by(prices.c.symbol, prices.c.session))
    held = stored[stored["status"] != "ok"]
    assert held[["symbol", "close", "status", "reason"]].to_numpy().tolist() == [["A", 1000.0, "quarantined", "price_jump"]]
    rows = positions(database, "A")
    assert rows["price"].tolist() == [10, 10.1, 10.1, 10.2, 10.2]
    assert rows["price_status"].tolist() == ["ok", "ok", "stale", "ok", "ok"]
    assert positions(database, "B")["pnl"].tolist() == [0, 0, 10, 0, 0]
    assert snapshots(database)["status"].tolist() == ["ok", "ok", "stale", "ok", "ok"]


def test_a_quarantined_close_leaves_the_good_one_in_its_place(sqlite: Database, calendar: SessionCalendar) -> None:
    good, bad = (SmallMarket(DAYS, {"A": [10, 10, 10, 10, close, 10, 10]}) for close in (11, 1100))
    materialize.prices(workshop(sqlite, calendar, good), DAYS)
    done = materialize.prices(workshop(sqlite, calendar, bad), DAYS)
    row = sqlite.frame(select(prices).where(prices.c.session == WED)).iloc[0]
    assert (row["close"], row["status"]) == (11.0, "ok")
    assert [one["reason"] for one in done.quarantined] == ["price_jump"]


def test_the_owner_confirms_a_jump_and_everything_after_it_counts(tmp_path: Path, sqlite_template: Path, calendar: SessionCalendar) -> None:
    # a level that really is a hundred times higher stays in quarantine until somebody vouches for its first close
    lines = [f"A,{day},{close}" for day, close in zip(DAYS, [1, 1, 1, 1, 120, 121, 122], strict=True)]
    folder = write(tmp_path / "data", prices_csv="symbol,date,close\n" + "\n".join(lines) + "\n")
    cli = CommandLine(tmp_path, sqlite_template, SIGMASIGHT_PROVIDER="files", SIGMASIGHT_DATA_DIR=str(folder))
    database = Database(f"sqlite:///{cli.state / 'sigmasight.db'}")
    shop = workshop(database, calendar, provider_of(folder))
    materialize.prices(shop, DAYS)
    status = select(prices.c.status).order_by(prices.c.session)
    assert database.frame(status)["status"].tolist() == ["ok"] * 4 + ["quarantined"] * 3
    assert cli("data", "confirm", "B", "--session", str(WED)).code == 2
    assert "is confirmed" in cli("data", "confirm", "a", "--session", str(WED), "--note", "merger").out
    stale = json.loads(cli("stale", "--format", "json").out)["ranges"]
    assert [(one["table"], one["first"], one["last"], one["cause"]) for one in stale] == [("prices", str(WED), str(FRI), "source_changed")]
    materialize.prices(shop, DAYS)
    assert database.frame(status)["status"].tolist() == ["ok"] * 7
    assert database.frame(select(confirmed_prices))[["symbol", "close", "note"]].to_numpy().tolist() == [["A", 120.0, "merger"]]
    assert cli("data", "confirm", "A", "--session", str(WED), "--undo").code == 0
    materialize.prices(shop, DAYS)
    assert database.frame(status)["status"].tolist() == ["ok"] * 7  # the good rows stay
    database.dispose()


def test_a_confirmation_is_of_one_value() -> None:
    close = np.array([[1.0], [120.0], [121.0]])
    confirmed = np.array([[False], [True], [False]])
    assert absurd_moves(close, np.ones((3, 1)), np.array([1.0]))[:, 0].tolist() == [False, True, True]
    assert absurd_moves(close, np.ones((3, 1)), np.array([1.0]), confirmed)[:, 0].tolist() == [False, False, False]


def test_a_split_between_the_last_close_and_the_run_is_no_jump(sqlite: Database, calendar: SessionCalendar) -> None:
    # 20:1 on Wednesday, on which A has no close: Thursday's run sees 2000 on Tuesday and 101 now
    market = SmallMarket(DAYS, {"A": [2000, 2000, 2000, 2000, None, 101, 101], "B": [1] * 7}, splits={("A", WED): 20.0})
    market.closes["A"] = [2000, 2000, 2000, 2000, float("nan"), 101, 101]
    shop = workshop(sqlite, calendar, market)
    for day in DAYS:
        materialize.prices(shop, [day])
    row = sqlite.frame(select(prices).where(prices.c.session == THU, prices.c.symbol == "A")).iloc[0]
    assert (row["close"], row["status"]) == (101.0, "ok")


def test_a_symbol_without_prices_is_null_with_its_reason(sqlite: Database, calendar: SessionCalendar) -> None:
    # entered on Tuesday for 5 x 20 while nobody has a price: -100 of coverage; the rest of the book goes on
    market = SmallMarket(DAYS, {"A": [10, 10, 10, 11, 12, 12, 12]})
    add_book(sqlite, [Lot("A", 10, 10, BEFORE[0]), Lot("NONE", 5, 20, TUE)], cash=0, as_of=FRI)
    compute(sqlite, calendar, market)
    rows = positions(sqlite, "NONE")
    assert rows["market_value"].isna().all()
    assert rows["pnl"].isna().all()
    assert rows["reason"].unique().tolist() == ["unknown_symbol"]
    day = snapshots(sqlite)
    assert day["pnl"].tolist() == [0, 10, 10, 0, 0]
    assert day["coverage_change"].tolist() == [0, -100, 0, 0, 0]
    assert day["nav"].tolist() == [200, 110, 120, 120, 120]  # 100 of cash before the purchase, 0 after it
    assert day["n_missing"].tolist() == [0, 1, 1, 1, 1]


def test_a_gap_is_carried_and_counts_as_one_days_move(sqlite: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [10, 10, 10, None, None, 13, 13], "B": [1] * 7})
    add_book(sqlite, [Lot("A", 10, 10, BEFORE[0])], cash=0, as_of=FRI)
    compute(sqlite, calendar, market)
    rows = positions(sqlite, "A")
    assert rows["price_status"].tolist() == ["ok", "stale", "stale", "ok", "ok"]
    assert rows["price_date"].dt.date.tolist() == [MON, MON, MON, THU, FRI]
    assert rows["pnl"].tolist() == [0, 0, 0, 30, 0]
    gaps = sqlite.frame(select(prices).where(prices.c.symbol == "A", prices.c.status == "unavailable"))
    assert gaps["reason"].tolist() == ["no_price", "no_price"]


def test_a_stale_tail_of_five_sessions_is_carried_and_the_sixth_is_missing(sqlite: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(BEFORE[0], date(2022, 3, 16))
    market = SmallMarket(days, {"A": [10, 10, 12] + [None] * (len(days) - 3), "B": [1] * len(days)})
    add_book(sqlite, [Lot("A", 10, 10, BEFORE[0])], cash=0, as_of=days[-1])
    compute(sqlite, calendar, market, days[2:])
    rows = positions(sqlite, "A")
    assert rows["price_status"].tolist() == ["ok", *["stale"] * 5, "missing", "missing"]
    assert snapshots(sqlite)["coverage_change"].tolist() == [0, 0, 0, 0, 0, 0, -120, 0]


def test_a_lot_entered_and_exited_while_its_price_is_missing(sqlite: Database, calendar: SessionCalendar) -> None:
    # N is bought on Tuesday at 8 and sold on Thursday at 9, and has no price in all the time; its gain of 10 is realised, and the
    # 80 that left the priced part of the book come back as 90
    market = SmallMarket(DAYS, {"A": [10] * 7})
    add_book(sqlite, [Lot("A", 1, 10, BEFORE[0]), Lot("N", 10, 8, TUE, THU, 9)], cash=90, as_of=FRI)
    compute(sqlite, calendar, market)
    day = snapshots(sqlite)
    assert day["cash"].tolist() == [80, 0, 0, 90, 90]
    assert day["coverage_change"].tolist() == [0, -80, 0, 90, 0]
    assert day["pnl"].tolist() == [0, 0, 0, 0, 0]
    assert day["nav"].tolist() == [90, 10, 10, 100, 100]
    assert day["realized_pnl"].tolist() == [0, 0, 0, 10, 10]
    exited = positions(sqlite, "N").set_index("session").loc[str(THU)]
    assert (exited["event"], exited["realized_pnl"]) == ("exited", 10.0)


def test_an_option_without_underlying_keeps_its_quoted_price_and_has_no_greeks(sqlite: Database, calendar: SessionCalendar) -> None:
    # U has no closes: on Tuesday and Wednesday the option is quoted, on the other days it has no price at all
    symbol = "U220617C00100000"
    market = SmallMarket(DAYS, {"A": [10] * 7}, quotes=[quote(symbol, TUE, 4, 6), quote(symbol, WED, 5, 7)])
    add_book(sqlite, [Lot("A", 1, 10, BEFORE[0]), Lot(symbol, 2, 5, MON)], cash=0, as_of=FRI)
    compute(sqlite, calendar, market)
    rows = positions(sqlite, symbol)
    assert rows["price_status"].tolist() == ["missing", "ok", "ok", "missing", "missing"]
    assert rows["market_value"].tolist()[1:3] == [1000, 1200]
    assert rows["delta_dollars"].isna().all()
    assert rows["reason"].unique().tolist() == ["no_spot"]
    day = snapshots(sqlite)
    assert day["pnl"].tolist() == [0, 0, 200, 0, 0]
    assert day["coverage_change"].tolist() == [-1000, 1000, 0, -1200, 0]
    assert day["status"].unique().tolist() == ["partial"]


def test_an_option_below_intrinsic_keeps_its_price_and_takes_the_next_volatility(sqlite: Database, calendar: SessionCalendar) -> None:
    # spot 120, strike 100: a mid of 15 is below 20; the vendor's 31 % serves on Tuesday, on Wednesday it is carried
    quotes = [quote(CALL, TUE, 14, 16, iv=0.31), quote(CALL, WED, 14, 16)]
    market = SmallMarket(DAYS, {"A": [120] * 7}, quotes=quotes)
    add_book(sqlite, [Lot(CALL, 1, 20, MON)], cash=0, as_of=FRI)
    compute(sqlite, calendar, market)
    rows = greeks(sqlite).set_index("session")
    tuesday, wednesday = rows.loc[str(TUE)], rows.loc[str(WED)]
    assert (tuesday["price"], tuesday["price_status"]) == (15.0, "ok")
    assert (tuesday["iv"], tuesday["iv_source"], tuesday["iv_reason"]) == (0.31, "chain", "below_intrinsic")
    assert (wednesday["iv"], wednesday["iv_source"], wednesday["iv_reason"]) == (0.31, "carried", "below_intrinsic")
    assert tuesday["early_exercise_value_bound"] == 5.0
    assert 0.85 < tuesday["delta"] < 1.0


def test_crossed_and_one_sided_quotes_give_no_mid(sqlite: Database, calendar: SessionCalendar) -> None:
    # Tuesday crossed without a trade: the model; Wednesday crossed with a trade at 9: that close; Thursday no bid: the close 8
    quotes = [quote(CALL, MON, 9.5, 10.5), quote(CALL, TUE, 11, 10), quote(CALL, WED, 11, 10, close=9), quote(CALL, THU, 0, 10, close=8)]
    market = SmallMarket(DAYS, {"A": [105] * 7}, quotes=quotes)
    add_book(sqlite, [Lot(CALL, 1, 10, MON)], cash=0, as_of=FRI)
    compute(sqlite, calendar, market)
    rows = greeks(sqlite)
    assert rows["price_status"].tolist() == ["ok", "model", "ok", "ok", "model"]
    assert rows["price_source"].tolist() == ["mid", "model", "close", "close", "model"]
    assert rows["iv_source"].tolist() == ["quote", "carried", "quote", "quote", "carried"]
    assert rows["iv_reason"].tolist() == [None, "no_quote", None, None, "no_quote"]
    assert rows["price"].tolist()[2:4] == [9, 8]


def test_on_its_expiry_day_an_option_settles_at_intrinsic_whatever_is_quoted(sqlite: Database, calendar: SessionCalendar) -> None:
    # expiry on Wednesday at a close of 107: 7 per share, not the quoted 6; +700 into cash, -300 of gain against 10 paid
    symbol = "A220309C00100000"
    market = SmallMarket(DAYS, {"A": [105, 105, 105, 106, 107, 108, 108]}, quotes=[quote(symbol, TUE, 6.4, 6.6), quote(symbol, WED, 5, 7)])
    add_book(sqlite, [Lot(symbol, 1, 10, MON)], cash=700, as_of=FRI)
    compute(sqlite, calendar, market)
    day = snapshots(sqlite)
    assert day["cash"].tolist() == [0, 0, 700, 700, 700]
    assert day["pnl"].tolist()[2:] == pytest.approx([50, 0, 0])  # 700 against the mid of 6.5 the day before
    settled = positions(sqlite, symbol).iloc[-1]
    assert (settled["event"], settled["price"], settled["realized_pnl"]) == ("exercised", 7.0, -300.0)
    row = greeks(sqlite).iloc[-1]
    assert (row["years"], row["delta"], row["gamma"], row["iv_reason"]) == (0.0, 1.0, 0.0, "expired")


def test_an_expiry_without_the_underlyings_close_is_unpriced_and_so_is_cash(sqlite: Database, calendar: SessionCalendar) -> None:
    # U stops long before: the settlement is not known, so neither are cash and NAV from then on, and C0 is
    market = SmallMarket(DAYS, {"A": [10] * 7})
    add_book(sqlite, [Lot("A", 1, 10, BEFORE[0]), Lot("U220309C00100000", 1, 10, MON)], cash=0, as_of=TUE)
    compute(sqlite, calendar, market)
    day = snapshots(sqlite)
    assert day["cash"].isna().tolist() == [False, False, True, True, True]
    assert day["reason"].tolist()[2:] == ["settlement_unpriced"] * 3
    settled = positions(sqlite)[lambda rows: rows["event"].notna()].iloc[0]
    assert settled["event"] == "settled_unpriced"


def test_an_empty_portfolio_has_its_cash_and_nothing_else(sqlite: Database, calendar: SessionCalendar) -> None:
    add_book(sqlite, [], cash=1234.5, as_of=FRI)
    compute(sqlite, calendar, SmallMarket(DAYS, {"A": [10] * 7}))
    day = snapshots(sqlite)
    assert day["nav"].tolist() == [1234.5] * 5
    assert day["pnl"].tolist() == [0.0] * 5
    assert day["market_value_gross"].tolist() == [0.0] * 5
    assert day["coverage"].isna().all()  # there is nothing to cover
    assert day["status"].unique().tolist() == ["ok"]


def test_a_portfolio_entered_at_the_weekend_begins_at_its_as_of_session(sqlite: Database, calendar: SessionCalendar) -> None:
    # stated on Sunday, lots dated Saturday: they belong to Friday, and are worth Friday's close
    market = SmallMarket(DAYS, {"A": [10, 10, 10, 10, 10, 10, 12]})
    saturday, sunday = date(2022, 3, 12), date(2022, 3, 13)
    add_book(sqlite, [Lot("A", 100, 11, saturday), Lot("A", -50, 11, saturday)], cash=300, as_of=sunday)
    compute(sqlite, calendar, market)
    day = snapshots(sqlite)
    assert day["n_positions"].tolist() == [0, 0, 0, 0, 2]
    assert day["cash"].tolist() == [850, 850, 850, 850, 300]
    assert day["pnl"].iloc[-1] == 50.0
    assert day["nav"].tolist() == [850, 850, 850, 850, 900]


def test_a_refused_folder_changes_nothing_that_is_stored(sqlite: Database, calendar: SessionCalendar, tmp_path: Path) -> None:
    good = "symbol,date,close\n" + "".join(f"A,{day},10\nB,{day},5\n" for day in DAYS)
    folder = write(tmp_path, prices_csv=good)
    shop = workshop(sqlite, calendar, provider_of(folder))
    materialize.prices(shop, DAYS)
    before = sqlite.frame(select(prices).order_by(prices.c.session, prices.c.symbol))
    write(tmp_path, prices_csv=good.replace("B,2022-03-11,5", "B,2022-03-11,five") + "A,2022-03-14,11\n")
    with pytest.raises(InvalidData, match=r"prices\.csv:15: close \('five'\) error not_a_number"):
        materialize.prices(shop, DAYS)
    after = sqlite.frame(select(prices).order_by(prices.c.session, prices.c.symbol))
    assert after.equals(before)
    assert shop.provider.first_session() == DAYS[0]  # what can be read still says where the data begin
