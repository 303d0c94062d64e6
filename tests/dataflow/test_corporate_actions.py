"""Splits, dividends, symbol changes and a delisting, from a folder of files to the portfolio: figures by hand in the comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sigmasight_assets.providers.files.provider import FilesProvider
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import nav_identity_error
from tests.support.books import Lot, add_book, greeks, positions, run_all, snapshots, workshop
from tests.support.folders import provider_of, write

THU_BEFORE, FRI_BEFORE = date(2022, 3, 3), date(2022, 3, 4)
MON, TUE, WED, THU, FRI = WEEK = [date(2022, 3, day) for day in (7, 8, 9, 10, 11)]
DAYS = [THU_BEFORE, FRI_BEFORE, *WEEK]
YIELDS = "DATE,DGS1MO,DGS10\n" + "".join(f"{day},3,3\n" for day in DAYS)


def prices_csv(closes: Mapping[str, Sequence[float | None]], days: Sequence[date] = DAYS) -> str:
    lines = [f"{symbol},{day},{close}" for symbol, line in closes.items() for day, close in zip(days, line, strict=True) if close]
    return "symbol,date,close\n" + "\n".join(lines) + "\n"


def quotes_csv(quotes: Sequence[tuple[str, date, float, float]]) -> str:
    return "symbol,date,bid,ask\n" + "".join(f"{symbol},{day},{bid},{ask}\n" for symbol, day, bid, ask in quotes)


def compute(database: Database, calendar: SessionCalendar, provider: FilesProvider, days: Sequence[date] = DAYS) -> None:
    """Every table from the third session on; the NAV identity holds on each."""
    assert [str(finding) for finding in provider.data().errors] == []
    run_all(workshop(database, calendar, provider), days, days[2:])
    assert np.nanmax(nav_identity_error(snapshots(database).reset_index(drop=True))) <= 1e-12


CALL, CALL_AFTER = "A220617C00400000", "A220617C00100000"
PUT, PUT_AFTER = "A220617P00380000", "A220617P00095000"
FAR_CALL, FAR_CALL_AFTER = "A220617C00420000", "A220617C00105000"


@pytest.fixture
def split_folder(tmp_path: Path) -> FilesProvider:
    """A splits 4:1 on Wednesday: 404 on Tuesday, 101 on Wednesday."""
    quotes = [
        (CALL, MON, 22.0, 24.0), (CALL, TUE, 23.5, 24.5), (CALL_AFTER, WED, 6.0, 6.2), (CALL_AFTER, FRI, 6.4, 6.6), (PUT, TUE, 11.9, 12.1),
    ]  # fmt: skip
    folder = write(
        tmp_path / "data",
        prices_csv=prices_csv({"A": [398, 399, 400, 404, 101, 102, 103]}),
        splits_csv="symbol,date,split_ratio\nA,2022-03-09,4:1\n",
        rates_csv=YIELDS,
        option_quotes_csv=quotes_csv(quotes),
    )
    return provider_of(folder)


def test_a_split_leaves_shares_and_options_worth_what_they_were(
    database: Database, calendar: SessionCalendar, split_folder: FilesProvider
) -> None:
    # 10 shares of 380 become 40 of 95; the short call of strike 400 at 20 becomes four of strike 100 at 5
    add_book(database, [Lot("A", 10, 380, THU_BEFORE), Lot(CALL, -1, 20, MON)], cash=1000, as_of=FRI)
    compute(database, calendar, split_folder)
    share = positions(database, "A")
    assert share["quantity"].tolist() == [10, 10, 40, 40, 40]
    assert share["entry_price"].tolist() == [380, 380, 95, 95, 95]
    assert share["market_value"].tolist() == [4000, 4040, 4040, 4080, 4120]
    assert share["pnl"].tolist() == [10, 40, 0, 40, 40]  # Wednesday: 40 x 101 - 10 x 404
    option = positions(database)[lambda rows: rows["asset_class"] == "option"].reset_index(drop=True)
    assert option["symbol"].tolist() == [CALL, CALL, CALL_AFTER, CALL_AFTER, CALL_AFTER]
    assert option["quantity"].tolist() == [-1, -1, -4, -4, -4]
    assert option["entry_price"].tolist() == [20, 20, 5, 5, 5]
    assert option["cost_basis"].tolist() == [-2000] * 5
    assert option["market_value"].tolist()[:3] == pytest.approx([-2300, -2400, -2440])  # mids 23, 24, 6.10
    assert option["pnl"].tolist()[1:3] == pytest.approx([-100, -40])  # Wednesday: -400 x 6.10 + 100 x 24
    assert option["price_status"].tolist() == ["ok", "ok", "ok", "model", "ok"]
    assert option["market_value"].iloc[4] == pytest.approx(-2600)  # Friday: -400 x 6.50


def test_volatility_is_carried_over_a_split_from_the_series_old_name(
    sqlite: Database, calendar: SessionCalendar, split_folder: FilesProvider
) -> None:
    # the put was quoted as P380 on Tuesday, and nobody quotes P95 on Wednesday or later: its own volatility is carried;
    # the call of strike 420 was never quoted: on Wednesday its neighbour is the quoted call of strike 100 (its new strike is 105)
    add_book(sqlite, [Lot(PUT, 1, 12, MON), Lot(FAR_CALL, 1, 15, MON)], cash=0, as_of=FRI)
    compute(sqlite, calendar, split_folder)
    rows = greeks(sqlite).set_index(["session", "symbol"])
    tuesday, wednesday = (rows.loc[str(day)] for day in (TUE, WED))
    assert tuesday.loc[PUT, "iv_source"] == "quote"
    assert wednesday.loc[PUT_AFTER, "iv_source"] == "carried"
    assert wednesday.loc[PUT_AFTER, "iv"] == tuesday.loc[PUT, "iv"]
    assert wednesday.loc[PUT_AFTER, "iv_date"].date() == TUE
    assert wednesday.loc[FAR_CALL_AFTER, "iv_source"] == "neighbour"
    assert wednesday.loc[FAR_CALL_AFTER, "strike"] == 105.0
    # per share of underlying the put keeps its terms: S and K are both a quarter, so delta is that of a spot 0.25 % lower
    assert wednesday.loc[PUT_AFTER, "delta"] == pytest.approx(tuesday.loc[PUT, "delta"], abs=0.01)
    value = positions(sqlite).set_index(["session", "symbol"])["delta_dollars"]
    assert value[str(WED), PUT_AFTER] == pytest.approx(value[str(TUE), PUT], rel=0.05)


def test_a_reverse_split_of_long_and_short(sqlite: Database, calendar: SessionCalendar, tmp_path: Path) -> None:
    # 1:10 on Wednesday: 1000 shares at 0.40 become 100 at 4.20, the short of 500 becomes 50: +20 and -10
    folder = write(
        tmp_path / "data",
        prices_csv=prices_csv({"A": [0.4, 0.4, 0.4, 0.4, 4.2, 4.2, 4.2]}),
        splits_csv="symbol,date,from_factor,to_factor\nA,2022-03-09,10,1\n",
    )
    add_book(sqlite, [Lot("A", 1000, 0.5, THU_BEFORE), Lot("A", -500, 0.45, MON)], cash=100, as_of=FRI)
    compute(sqlite, calendar, provider_of(folder))
    day = snapshots(sqlite)
    assert day["pnl"].tolist() == pytest.approx([25, 0, 10, 0, 0])  # Monday: the short entered at 0.45 gains 500 x 0.05
    assert day["status"].unique().tolist() == ["ok"]
    rows = positions(sqlite, "A")
    assert sorted(rows["quantity"].unique().tolist()) == [-500, -50, 100, 1000]
    assert rows.loc[rows["quantity"] == 100, "unrealized_pnl"].tolist() == pytest.approx([-80] * 3)  # 100 x 4.2 - 1000 x 0.5


def test_a_dividend_is_paid_to_longs_and_by_shorts_but_not_to_who_buys_on_the_day(
    sqlite: Database, calendar: SessionCalendar, tmp_path: Path
) -> None:
    # 1.50 on Wednesday; long 100 (+150), short 40 (-60), a lot bought on Wednesday (0), a lot sold on Wednesday (30 x 1.5 = 45)
    folder = write(
        tmp_path / "data",
        prices_csv=prices_csv({"A": [100, 100, 100, 100, 99, 99, 99]}),
        dividends_csv="symbol,ex_date,amount\nA,2022-03-09,1.5\n",
    )
    held = [Lot("A", 100, 100, THU_BEFORE), Lot("A", -40, 100, MON), Lot("A", 7, 99, WED), Lot("A", 30, 100, MON, WED, 99)]
    add_book(sqlite, held, cash=5000, as_of=FRI)
    compute(sqlite, calendar, provider_of(folder))
    day = snapshots(sqlite)
    assert day["dividends"].tolist() == [0, 0, 135, 0, 0]
    assert day["pnl"].tolist() == pytest.approx([0, 0, 135 - 100 + 40 + 0 - 30, 0, 0])
    # cash: 5000 on Friday; before the sale (30 x 99), the purchase (7 x 99) and the dividends 135: 5000 - 2970 + 693 - 135
    assert day["cash"].tolist() == pytest.approx([2588, 2588, 5000, 5000, 5000])


def test_a_dividend_on_the_split_day_is_per_new_share(sqlite: Database, calendar: SessionCalendar, tmp_path: Path) -> None:
    # 2:1 and 0.50 per new share on Wednesday: 100 shares at 52 become 200 at 25.75; 200 x 0.5 = 100 of dividends;
    # price gain 200 x 25.75 - 100 x 52 = -50; together +50. Total return 51.5 / (52 - 1) by the vendors' factor
    folder = write(
        tmp_path / "data",
        prices_csv="symbol,date,close,dividend,split_ratio\n"
        + "".join(
            f"A,{day},{close},{dividend},{split}\n"
            for day, close, dividend, split in zip(
                DAYS, [50, 51, 51, 52, 25.75, 26, 26], [0, 0, 0, 0, 0.5, 0, 0], [1, 1, 1, 1, 2, 1, 1], strict=True
            )
        ),
    )
    add_book(sqlite, [Lot("A", 100, 40, THU_BEFORE)], cash=0, as_of=FRI)
    provider = provider_of(folder)
    compute(sqlite, calendar, provider)
    day = snapshots(sqlite)
    assert day["dividends"].tolist() == [0, 0, 100, 0, 0]
    assert day["pnl"].tolist() == pytest.approx([0, 100, 50, 50, 0])
    adjusted = provider.prices([TUE, WED]).frame["adj_close"]
    assert adjusted.iloc[1] / adjusted.iloc[0] == pytest.approx(51.5 / 51)


def test_an_option_held_over_a_split_settles_on_the_new_terms(sqlite: Database, calendar: SessionCalendar, tmp_path: Path) -> None:
    # two calls of strike 400 expire on Thursday, after 4:1 on Wednesday: eight of strike 100, the close is 104:
    # 8 x 100 x 4 = 3200 into cash; a short put of strike 380 (now 95) expires worthless
    folder = write(
        tmp_path / "data",
        prices_csv=prices_csv({"A": [398, 399, 400, 404, 101, 104, 105]}),
        splits_csv="symbol,date,split_ratio\nA,2022-03-09,4\n",
        rates_csv=YIELDS,
    )
    held = [Lot("A220310C00400000", 2, 10, MON), Lot("A220310P00380000", -1, 2, MON)]
    add_book(sqlite, held, cash=3200, as_of=FRI)
    compute(sqlite, calendar, provider_of(folder))
    settled = positions(sqlite)[lambda rows: rows["event"].notna()].set_index("symbol")
    assert settled.index.tolist() == ["A220310C00100000", "A220310P00095000"]
    assert settled["event"].tolist() == ["exercised", "expired_worthless"]
    assert settled["quantity"].tolist() == [8, -4]
    assert settled["price"].tolist() == [4, 0]
    assert settled["realized_pnl"].tolist() == [3200 - 2000, 200]
    day = snapshots(sqlite)
    assert day["cash"].tolist() == [0, 0, 0, 3200, 3200]  # 3200 at the as-of date, the settlement in it
    assert day["n_positions"].tolist() == [2, 2, 2, 0, 0]
    expired = greeks(sqlite)[lambda rows: rows["years"] == 0].set_index("symbol")
    assert expired.loc["A220310C00100000", ["delta", "gamma"]].tolist() == [1, 0]


def test_a_changed_symbol_goes_on_under_the_old_lot(sqlite: Database, calendar: SessionCalendar, tmp_path: Path) -> None:
    # FB trades as META from Wednesday on; the lot and the call of FB are not touched by anybody; a lot of META is bought on Thursday
    quotes = [("FB220617C00200000", TUE, 9.9, 10.1), ("META220617C00200000", WED, 10.9, 11.1)]
    folder = write(
        tmp_path / "data",
        prices_csv=prices_csv({"FB": [190, 192, 194, 196, None, None, None], "META": [None, None, None, None, 198, 200, 199]}),
        symbol_changes_csv="old,new,date\nFB,META,2022-03-09\n",
        rates_csv=YIELDS,
        option_quotes_csv=quotes_csv(quotes),
    )
    held = [Lot("FB", 10, 180, THU_BEFORE), Lot("FB220617C00200000", 1, 8, MON), Lot("META", -5, 200, THU)]
    add_book(sqlite, held, cash=0, as_of=FRI)
    compute(sqlite, calendar, provider_of(folder))
    share = positions(sqlite, "FB")
    assert share["price"].tolist() == [194, 196, 198, 200, 199]
    assert share["price_status"].unique().tolist() == ["ok"]
    assert share["pnl"].tolist() == [20, 20, 20, 20, -10]
    option = positions(sqlite, "FB220617C00200000")
    assert option["market_value"].tolist()[1:3] == pytest.approx([1000, 1100])
    assert option["price_status"].tolist()[1:3] == ["ok", "ok"]
    assert positions(sqlite, "META")["market_value"].tolist() == [-1000, -995]
    rows = greeks(sqlite).set_index("session")
    assert rows.loc[str(THU), "iv_source"] == "carried"


def test_a_delisted_share_is_stale_for_five_sessions_then_missing_until_the_owner_closes_it(
    sqlite: Database, calendar: SessionCalendar, tmp_path: Path
) -> None:
    # D stops at 3 on 8 March; five sessions carry it (9 to 15 March), it is missing on the 16th and 17th; the owner closes the lot
    # on the 18th at 2 (what the merger paid): 100 x 2 come in as coverage, as its loss since the last price is nobody's day
    days = calendar.between(THU_BEFORE, date(2022, 3, 22))
    closes = {"D": [4, 4, 3.5, 3] + [None] * (len(days) - 4), "Z": [10] * len(days)}
    folder = write(tmp_path / "data", prices_csv=prices_csv(closes, days))
    held = [Lot("D", 100, 5, THU_BEFORE, date(2022, 3, 18), 2), Lot("Z", 1, 10, THU_BEFORE)]
    add_book(sqlite, held, cash=1000, as_of=days[-1])
    compute(sqlite, calendar, provider_of(folder), days)
    rows = positions(sqlite, "D").set_index("session")
    assert rows["price_status"].tolist() == ["ok", "ok", *["stale"] * 5, "missing", "missing", "ok"]
    assert rows.loc["2022-03-15", "price_date"].date() == TUE
    assert np.isnan(rows.loc["2022-03-16", "market_value"])
    assert rows.loc["2022-03-16", "reason"] == "no_price"
    day = snapshots(sqlite)
    assert day["coverage_change"][day["coverage_change"] != 0].to_dict() == {
        day.index[day.index == "2022-03-16"][0]: -300.0, day.index[day.index == "2022-03-18"][0]: 200.0,
    }  # fmt: skip
    assert day.loc["2022-03-16", "status"] == "partial"
    assert day.loc["2022-03-16", "coverage"] == pytest.approx(10 / (10 + 500))  # against what was paid for D
    assert day["realized_pnl"].iloc[-1] == -300.0  # 100 x (2 - 5)
    assert day["cash"].tolist()[-3:] == [1000, 1000, 1000]
    assert day["nav"].iloc[-1] == 1010.0
