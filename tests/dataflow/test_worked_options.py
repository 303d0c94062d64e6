"""Worked books of options: expiries, exits, splits and exposures, every figure checked by hand in the comments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest

from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import nav_identity_error
from tests.support.books import Lot, add_book, greeks, positions, run_all, snapshots, workshop
from tests.support.small_market import SmallMarket

MON, TUE, WED, THU, FRI = (date(2022, 3, day) for day in (7, 8, 9, 10, 11))
NEXT_MON = date(2022, 3, 14)
BEFORE = [date(2022, 3, 3), date(2022, 3, 4)]
DAYS = [*BEFORE, MON, TUE, WED, THU, FRI, NEXT_MON]
EXPOSURES = [f"{family}_{side}" for family in ("market_value", "notional", "delta") for side in ("long", "short", "gross", "net")]
GREEKS = ["gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct"]


def quotes(symbol: str, days: Sequence[date], closes: Sequence[float]) -> list[dict[str, object]]:
    """A contract's own closes, without bid and ask."""
    return [{"session": day, "symbol": symbol, "close": close} for day, close in zip(days, closes, strict=True)]


def compute(database: Database, calendar: SessionCalendar, market: SmallMarket, book: Sequence[date] | None = None) -> None:
    run_all(workshop(database, calendar, market), market.sessions, book or market.sessions[2:])
    identity = nav_identity_error(snapshots(database).reset_index(drop=True))
    assert np.nanmax(identity) <= 1e-12


def on(frame: pd.DataFrame, day: date) -> pd.DataFrame:
    return frame[frame["session"] == pd.Timestamp(day)]


def test_expiry_settles_longs_and_shorts_of_every_kind_at_intrinsic_value(database: Database, calendar: SessionCalendar) -> None:
    # A closes at 112 on the expiry: calls 100 / 112 / 120 are worth 12 / 0 / 0, puts 100 / 120 are worth 0 / 8
    series = {"C00100000": (2, 6.0), "C00112000": (1, 1.0), "C00120000": (1, 0.2), "P00100000": (4, 1.0), "P00120000": (18, 15.3)}
    paid_by_tail = {tail: paid for tail, (paid, _) in series.items()}
    until = DAYS[:6]
    listed = [quote for tail, (_, close) in series.items() for quote in quotes(f"A220311{tail}", until, [close] * 6)]
    held = [Lot(f"A220311{tail}", quantity, paid, BEFORE[0]) for tail, paid in paid_by_tail.items() for quantity in (2, -1)]
    market = SmallMarket(DAYS, {"A": [100, 100, 100, 100, 100, 105, 112, 112]}, quotes=listed)
    add_book(database, held, cash=10000, as_of=THU)
    compute(database, calendar, market)

    settled = on(positions(database), FRI)
    facts = {(row.symbol[7:], row.quantity): (row.event, row.price, row.pnl, row.realized_pnl) for row in settled.itertuples()}
    assert facts == {
        ("C00100000", 2): ("exercised", 12, pytest.approx(1200), pytest.approx(2000)),  # 200 x (12 - 6), 200 x (12 - 2)
        ("C00100000", -1): ("assigned", 12, pytest.approx(-600), pytest.approx(-1000)),
        ("C00112000", 2): ("expired_worthless", 0, pytest.approx(-200), pytest.approx(-200)),
        ("C00112000", -1): ("expired_worthless", 0, pytest.approx(100), pytest.approx(100)),
        ("C00120000", 2): ("expired_worthless", 0, pytest.approx(-40), pytest.approx(-200)),
        ("C00120000", -1): ("expired_worthless", 0, pytest.approx(20), pytest.approx(100)),
        ("P00100000", 2): ("expired_worthless", 0, pytest.approx(-200), pytest.approx(-800)),
        ("P00100000", -1): ("expired_worthless", 0, pytest.approx(100), pytest.approx(400)),
        ("P00120000", 2): ("exercised", 8, pytest.approx(-1460), pytest.approx(-2000)),  # 200 x (8 - 15.3), 200 x (8 - 18)
        ("P00120000", -1): ("assigned", 8, pytest.approx(730), pytest.approx(1000)),
    }
    assert settled["market_value"].isna().all()
    assert settled["delta_dollars"].isna().all()
    friday = snapshots(database).loc[pd.Timestamp(FRI)]
    assert friday["cash"] == 10000 + 100 * 12 + 100 * 8  # one contract of each is left after long and short
    assert (friday["nav"], friday["n_positions"]) == (12000, 0)
    assert friday["pnl"] == pytest.approx(-350)
    assert friday["realized_pnl"] == pytest.approx(-600)
    assert friday[EXPOSURES].tolist() == [0.0] * 12  # a settled option is in no total
    assert on(positions(database), NEXT_MON).empty


def test_expiry_day_has_greeks_in_their_limits_and_no_volatility(sqlite: Database, calendar: SessionCalendar) -> None:
    tails = ("C00100000", "C00112000", "C00120000", "P00100000", "P00112000", "P00120000")
    market = SmallMarket(DAYS, {"A": [100, 100, 100, 100, 100, 105, 112, 112]})
    add_book(sqlite, [Lot(f"A220311{tail}", 1, 1, BEFORE[0]) for tail in tails], cash=0, as_of=THU)
    compute(sqlite, calendar, market)
    last = on(greeks(sqlite), FRI)
    assert last["symbol"].str[7:].tolist() == list(tails)
    assert last["years"].tolist() == [0.0] * 6
    assert last["delta"].tolist() == [1.0, 0.5, 0.0, 0.0, -0.5, -1.0]
    assert last["price"].tolist() == [12.0, 0.0, 0.0, 0.0, 0.0, 8.0]
    for name in ("gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct"):
        assert last[name].tolist() == [0.0] * 6
    assert last["iv"].isna().all()
    assert on(greeks(sqlite), NEXT_MON).empty


def test_exit_on_the_expiry_day_wins_over_settlement(sqlite: Database, calendar: SessionCalendar) -> None:
    # sold at 11.5 on the day on which it would settle at 12: 100 x (11.5 - 6)
    symbol = "A220311C00100000"
    market = SmallMarket(DAYS, {"A": [105] * 6 + [112, 112]}, quotes=quotes(symbol, DAYS[:6], [6.0] * 6))
    add_book(sqlite, [Lot(symbol, 1, 2, BEFORE[0], FRI, 11.5)], cash=0, as_of=THU)
    compute(sqlite, calendar, market)
    row = on(positions(sqlite), FRI).iloc[0]
    assert (row["event"], row["price"], row["pnl"], row["realized_pnl"]) == ("exited", 11.5, 550.0, 950.0)
    assert snapshots(sqlite).loc[pd.Timestamp(FRI), "cash"] == 1150.0


def test_expiry_on_good_friday_settles_at_thursdays_close(sqlite: Database, calendar: SessionCalendar) -> None:
    # A closes at 104 on Thursday and at 90 on Easter Monday: the call 100 is worth 4, not 0
    days = [date(2022, 4, day) for day in (11, 12, 13, 14, 18)]
    symbol, thursday = "A220415C00100000", date(2022, 4, 14)
    market = SmallMarket(days, {"A": [100, 100, 101, 104, 90]}, quotes=quotes(symbol, days[:3], [2.0, 2.0, 3.0]))
    add_book(sqlite, [Lot(symbol, 5, 2, days[0])], cash=500, as_of=days[2])
    compute(sqlite, calendar, market)
    settled = on(positions(sqlite), thursday).iloc[0]
    assert (settled["event"], settled["price"], settled["pnl"]) == ("exercised", 4.0, 500.0)  # 5 x 100 x (4 - 3)
    last = on(greeks(sqlite), thursday).iloc[0]
    assert (last["years"], last["delta"]) == (0.0, 1.0)
    assert snapshots(sqlite)["cash"].tolist() == [500.0, 2500.0, 2500.0]
    assert on(positions(sqlite), days[4]).empty


def test_ten_for_one_split_is_no_loss_for_shares_and_options(database: Database, calendar: SessionCalendar) -> None:
    # 10:1 on Wednesday, A from 1000 to 101 (that is 1010). 10 shares become 100: +100. The call 1000 becomes ten calls 100:
    # 10 x 100 x 5.2 against 1 x 100 x 50 is +200. The put 1200 becomes ten puts 120 and settles on Friday at 120 - 101 = 19.
    call, split_call = "A220617C01000000", "A220617C00100000"
    put, split_put = "A220311P01200000", "A220311P00120000"
    listed = quotes(call, DAYS[:4], [50.0] * 4) + quotes(split_call, DAYS[4:6], [5.2, 5.4])
    listed += quotes(put, DAYS[:4], [210.0] * 4) + quotes(split_put, DAYS[4:6], [20.0, 20.0])
    closes = [1000.0, 1000.0, 1000.0, 1000.0, 101.0, 101.0, 101.0, 101.0]
    market = SmallMarket(DAYS, {"A": closes}, splits={("A", WED): 10.0}, quotes=listed)
    held = [Lot("A", 10, 900, BEFORE[0]), Lot(call, 1, 40, BEFORE[0], FRI, 5.5), Lot(put, -1, 210, BEFORE[0])]
    add_book(database, held, cash=0, as_of=THU)
    compute(database, calendar, market)
    rows = positions(database)
    wednesday = on(rows, WED).set_index("symbol")
    assert wednesday["quantity"].to_dict() == {"A": 100.0, split_call: 10.0, split_put: -10.0}
    assert wednesday["entry_price"].to_dict() == {"A": 90.0, split_call: 4.0, split_put: 21.0}
    assert wednesday["pnl"].to_dict() == pytest.approx({"A": 100.0, split_call: 200.0, split_put: 1000.0})
    friday = on(rows, FRI).set_index("symbol")
    assert friday["event"].to_dict() == {"A": None, split_call: "exited", split_put: "assigned"}
    assert friday["realized_pnl"].dropna().to_dict() == pytest.approx({split_call: 1500.0, split_put: 2000.0})  # 1000 x (5.5 - 4)
    assert on(greeks(database), WED).set_index("symbol")["strike"].to_dict() == {split_call: 100.0, split_put: 120.0}
    # cash is 0 on Thursday; on Friday the call brings 10 x 100 x 5.5 and the put costs 10 x 100 x 19
    assert snapshots(database).loc[pd.Timestamp(FRI), "cash"] == pytest.approx(5500.0 - 19000.0)


def normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@pytest.fixture
def mixed_book(sqlite: Database, calendar: SessionCalendar) -> pd.DataFrame:
    """Positions on Wednesday of shares, calls and puts on both sides, A at 100 and the strikes at 100."""
    call, put = "A220617C00100000", "A220617P00100000"
    listed = quotes(call, DAYS, [6.0] * 8) + quotes(put, DAYS, [5.5] * 8)
    market = SmallMarket(DAYS, {"A": [100.0] * 8}, quotes=listed)
    held = [Lot("A", 100, 90, BEFORE[0]), Lot("A", -50, 110, BEFORE[0]), Lot(call, 2, 5, BEFORE[0]), Lot(call, -1, 5, BEFORE[0])]
    held += [Lot(put, 3, 5, BEFORE[0]), Lot(put, -1, 5, BEFORE[0])]
    add_book(sqlite, held, cash=20000, as_of=WED)
    compute(sqlite, calendar, market)
    return on(positions(sqlite), WED).set_index(["position_type", "quantity"]).sort_index()


def test_long_put_is_short_delta_exposure(mixed_book: pd.DataFrame) -> None:
    assert mixed_book.loc[("LP", 3.0), "delta_dollars"] < 0 < mixed_book.loc[("LC", 2.0), "delta_dollars"]
    assert mixed_book.loc[("SC", -1.0), "delta_dollars"] < 0 < mixed_book.loc[("SP", -1.0), "delta_dollars"]


def test_position_greeks_are_formulas_times_quantity_and_multiplier(sqlite: Database, mixed_book: pd.DataFrame) -> None:
    stored = on(greeks(sqlite), WED).set_index("option_type")
    for kind, side in (("C", 1.0), ("P", -1.0)):
        volatility, rate, years = (stored.loc[kind, name] for name in ("iv", "rate", "years"))
        d1 = (rate + volatility**2 / 2) * years / (volatility * math.sqrt(years))  # at the money, no dividends
        delta = normal(d1) if side > 0 else normal(d1) - 1.0
        gamma = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi) / (100.0 * volatility * math.sqrt(years))
        held = mixed_book[mixed_book["symbol"].str[7] == kind].reset_index()
        assert held["delta_dollars"].to_numpy() == pytest.approx(held["quantity"] * 100 * delta * 100.0, rel=1e-12)
        assert held["gamma_dollars_per_pct"].to_numpy() == pytest.approx(held["quantity"] * 100 * gamma * 100.0, rel=1e-12)  # S²/100 = 100
        for name in GREEKS[1:]:
            assert held[name].to_numpy() == pytest.approx(held["quantity"] * 100 * stored.loc[kind, name], rel=1e-12)


def test_exposure_families_are_signed_and_keep_the_multiplier(sqlite: Database, mixed_book: pd.DataFrame) -> None:
    day = snapshots(sqlite).loc[pd.Timestamp(WED)]
    cost = {("LC", 2.0): 1000.0, ("LP", 3.0): 1500.0, ("SC", -1.0): -500.0, ("SP", -1.0): -500.0}
    assert mixed_book["cost_basis"].to_dict() == {**cost, ("LONG", 100.0): 9000.0, ("SHORT", -50.0): -5500.0}
    # values: shares 10000 and -5000, calls 1200 and -600, puts 1650 and -550
    assert day[["market_value_long", "market_value_short", "market_value_gross", "market_value_net"]].tolist() == [
        12850,
        -6150,
        19000,
        6700,
    ]
    # notional: shares as they are; calls 20000 and -10000; puts are short: -30000 and, written, +10000
    assert day[["notional_long", "notional_short", "notional_gross", "notional_net"]].tolist() == [40000, -45000, 85000, -5000]
    deltas = mixed_book["delta_dollars"]
    assert day["delta_long"] == pytest.approx(deltas[deltas > 0].sum())
    assert day["delta_short"] == pytest.approx(deltas[deltas < 0].sum())
    assert day["delta_net"] == pytest.approx(deltas.sum())
    assert day["delta_gross"] == pytest.approx(deltas.abs().sum())
    assert day["nav"] == 26700
    assert day["notional_gross_share"] == pytest.approx(85000 / 26700)
    assert day[GREEKS].to_dict() == pytest.approx(mixed_book[GREEKS].sum().to_dict())
    assert (day["coverage"], day["delta_coverage"]) == (1.0, 1.0)


def test_greeks_that_cannot_be_computed_are_null_with_a_reason_and_never_zero(database: Database, calendar: SessionCalendar) -> None:
    # no quote and no 63 returns: no volatility, so neither a price nor Greeks
    market = SmallMarket(DAYS, {"A": [100.0] * 8})
    add_book(database, [Lot("A220617C00100000", 1, 5, BEFORE[0])], cash=0, as_of=WED)
    compute(database, calendar, market)
    row = on(positions(database), WED).iloc[0]
    assert (row["price_status"], row["status"], row["reason"]) == ("missing", "unavailable", "no_quote")
    assert row[["market_value", "delta_dollars", *GREEKS]].isna().all()
    assert row["notional_exposure"] == 10000.0  # that needs no model
    day = snapshots(database).loc[pd.Timestamp(WED)]
    assert (day["status"], day["reason"], day["coverage"], day["delta_coverage"]) == ("partial", "missing_prices", 0.0, 0.0)
    assert day[["market_value_net", "delta_net", *GREEKS]].isna().all()
