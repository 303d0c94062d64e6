"""Gates: a frame that is not the table stops the write, a row that breaks a rule is quarantined and the others go on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sigmasight_assets.calculations.checks.general import gates_of, schema_of
from sigmasight_assets.calculations.market_panels import read_closes, read_dividends, read_splits
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.errors import GateFailed
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import GATES, broken_rows, check_schema, nav_identity_error
from sigmasight_assets.store.provenance import rolled_up_status
from sigmasight_assets.store.tables import (
    METADATA,
    opening_cash,
    option_greeks,
    portfolio_reports,
    portfolio_snapshots,
    position_values,
    prices,
)
from sigmasight_assets.store.writing import replace
from tests.support.books import workshop
from tests.support.rows import (
    cash_frame,
    computed,
    contents,
    position_frame,
    position_row,
    price_frame,
    price_row,
    records,
    stored,
    typed_frame,
)
from tests.support.small_market import SmallMarket

MON, TUE = date(2022, 3, 7), date(2022, 3, 8)
ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)

Change = Callable[[pd.DataFrame], pd.DataFrame]

FAULTS: dict[str, tuple[Change, str]] = {
    "a missing column": (lambda f: f.drop(columns="source"), "column source is missing"),
    "an unknown column": (lambda f: f.assign(colour="red"), "column colour is unknown"),
    "NULL where a value is required": (lambda f: f.assign(source=[None, "test"]), "source: 1 rows are NULL where a value is required"),
    "a number as text": (lambda f: f.assign(close=["10", "11"]), "close: expected float64, was"),
    "an integer column of floats": (lambda f: f.assign(close=np.array([1, 2])), "close: expected float64, was int64"),
    "a date as text": (lambda f: f.assign(session=["2022-03-07", "2022-03-08"]), "session: expected datetime64"),
    "a number in a text column": (
        lambda f: f.assign(source=pd.Series([1.5, "test"], dtype=object)),
        "source: expected texts, was object of float, str",
    ),
    "an unknown word": (
        lambda f: f.assign(status="fine"),
        "status: expected one of ok, stale, partial, unavailable, quarantined, was fine",
    ),
    "a text that is too long": (lambda f: f.assign(symbol=["A" * 65, "B"]), "symbol: expected at most 64 characters, was 65"),
    "a NUL character": (lambda f: f.assign(symbol=["A\0", "B"]), "symbol: expected no NUL character"),
    "a key twice": (lambda f: f.assign(session=f["session"].iloc[0], symbol="A"), r"1 rows repeat the key \(session, symbol\), first"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_frame_that_is_not_the_table_is_refused_by_name(fault: str) -> None:
    change, message = FAULTS[fault]
    good = price_frame([price_row(MON, "A"), price_row(TUE, "B")])
    check_schema(prices, good)
    with pytest.raises(GateFailed, match=message):
        check_schema(prices, change(good))


def test_all_faults_are_named_at_once() -> None:
    frame = price_frame([price_row(MON, "A")]).assign(status="fine", source=None, close=1)
    with pytest.raises(GateFailed) as refused:
        check_schema(prices, frame)
    for part in ("prices", "status: expected", "source: 1 rows", "close: expected float64", "Nothing was written"):
        assert part in str(refused.value)


def test_other_column_types_are_judged_too() -> None:
    cash = cash_frame([(ONE, MON, Decimal(1), 1.0)])
    with pytest.raises(GateFailed, match="stated_cash: expected Decimal objects, was float64"):
        check_schema(opening_cash, cash.assign(stated_cash=1.0))
    with pytest.raises(GateFailed, match=r"portfolio_id: expected uuid.UUID objects, was object of str"):
        check_schema(opening_cash, cash.assign(portfolio_id=pd.Series([str(ONE)], dtype=object)))
    row = {"session": MON, "portfolio_id": ONE, "sections": {}, "content_hash": "0", "status": "ok"}
    report = typed_frame(portfolio_reports, [row])
    check_schema(portfolio_reports, report)
    with pytest.raises(GateFailed, match="sections: expected dict or list objects"):
        check_schema(portfolio_reports, report.assign(sections=pd.Series(["{}"], dtype=object)))
    snapshot = typed_frame(portfolio_snapshots, [])
    with pytest.raises(GateFailed, match="n_positions: expected integer, was float64"):
        check_schema(portfolio_snapshots, snapshot.assign(n_positions=snapshot["n_positions"].astype(float)))


def test_a_refused_frame_leaves_the_stored_rows(database: Database) -> None:
    replace(database, prices, price_frame([price_row(MON, "A")]), computed(), sessions=[MON])
    before = contents(database, prices), records(database, "prices").to_dict()
    with pytest.raises(GateFailed):
        replace(database, prices, price_frame([price_row(MON, "A", 12.0)]).assign(status="fine"), computed(), sessions=[MON])
    assert (contents(database, prices), records(database, "prices").to_dict()) == before


def test_a_row_that_breaks_a_gate_keeps_its_last_good_row_and_the_others_go_on(database: Database) -> None:
    replace(database, prices, price_frame([price_row(MON, s, 10.0) for s in "ABC"]), computed(), sessions=[MON])
    changed = records(database, "prices")["changed_at"].iloc[0]
    bad = price_frame([price_row(MON, "A", 11.0), price_row(MON, "B", -1.0), price_row(MON, "C", 10.0), price_row(MON, "D", 0.0)])
    done = replace(database, prices, bad, computed(), sessions=[MON])
    rows = stored(database, prices).set_index("symbol")
    assert rows["close"].to_dict() == {"A": 11.0, "B": 10.0, "C": 10.0, "D": 0.0}
    assert rows["status"].to_dict() == {"A": "ok", "B": "ok", "C": "ok", "D": "quarantined"}  # D never had a good row
    assert rows.loc["D", "reason"] == "price_not_positive"
    assert sorted((row["symbol"], row["reason"]) for row in done.quarantined) == [("B", "price_not_positive"), ("D", "price_not_positive")]
    record = records(database, "prices").iloc[0]
    assert (record["status"], record["reason"], record["rows"]) == ("quarantined", "price_not_positive", 4)
    assert record["changed_at"] > changed


def test_a_bad_row_alone_changes_no_content(database: Database) -> None:
    replace(database, prices, price_frame([price_row(MON, "A", 10.0)]), computed(), sessions=[MON])
    before = records(database, "prices").iloc[0]
    done = replace(database, prices, price_frame([price_row(MON, "A", float("inf"))]), computed(), sessions=[MON])
    after = records(database, "prices").iloc[0]
    assert (done.changed, after["changed_at"], after["status"], after["reason"]) == (0, before["changed_at"], "quarantined", "not_finite")
    good = replace(database, prices, price_frame([price_row(MON, "A", 10.0)]), computed(), sessions=[MON])
    assert (good.changed, records(database, "prices").iloc[0]["status"]) == (0, "ok")


def test_a_row_marked_by_its_calculation_is_treated_alike_and_placeholders_do_not_block_a_retry(database: Database) -> None:
    marked = price_row(MON, "A", 500.0, status="quarantined", reason="price_jump")
    replace(database, prices, price_frame([marked]), computed(), sessions=[MON])
    assert stored(database, prices)["status"].tolist() == ["quarantined"]
    replace(database, prices, price_frame([price_row(MON, "A", 50.0)]), computed(), sessions=[MON])  # a later, good answer
    assert stored(database, prices)[["close", "status"]].to_numpy().tolist() == [[50.0, "ok"]]
    replace(database, prices, price_frame([marked]), computed(), sessions=[MON])
    assert stored(database, prices)[["close", "status"]].to_numpy().tolist() == [[50.0, "ok"]]


def test_one_portfolios_bad_row_leaves_the_other_portfolios_record_ok(database: Database) -> None:
    rows = [position_row(MON, ONE, 1, float("inf")), position_row(MON, TWO, 2)]
    replace(database, position_values, position_frame(rows), computed(), sessions=[MON], portfolios=[ONE, TWO])
    assert records(database, "position_values")[["portfolio_id", "status"]].to_numpy().tolist() == [[ONE, "quarantined"], [TWO, "ok"]]


def test_quarantined_rows_are_never_read_as_prices(database: Database, calendar: SessionCalendar) -> None:
    rows = [price_row(MON, "A", 10.0), price_row(TUE, "A", 999.0, dividend=5.0, split_ratio=2.0, status="quarantined", reason="price_jump")]
    replace(database, prices, price_frame(rows), computed(), sessions=[MON, TUE])
    first, last = calendar.position(MON), calendar.position(TUE)
    with reading(database, calendar) as reader:
        closes = read_closes(reader, ["A"], first, last).close[:, 0]
        assert closes[0] == 10.0
        assert np.isnan(closes[1])
        assert read_splits(reader, ["A"]).events == {}
        assert read_dividends(reader, ["A"], first, last).empty


def test_gates_name_the_rule_that_a_row_breaks() -> None:
    def reason(table: str, **cells: object) -> str | None:
        frame = typed_frame(METADATA.tables[table], [dict.fromkeys(METADATA.tables[table].c.keys()) | {"status": "ok"} | cells])
        return broken_rows(METADATA.tables[table], frame).iloc[0]

    whole = {"n_positions": 0, "n_missing": 0, "n_stale": 0}
    assert reason("prices", adj_close=-1.0) == "price_not_positive"
    assert reason("prices", split_ratio=0.0) == "split_not_positive"
    assert reason("prices", dividend=-0.1) == "dividend_negative"
    assert reason("prices", close=float("inf")) == "not_finite"
    assert reason("treasury_yields", par_yield=4.5, tenor_months=12) == "yield_unit"  # percent where a decimal belongs
    assert reason("option_quotes", iv=-0.2) == "quote_negative"
    assert reason("option_greeks", delta=1.01) == "greeks_out_of_bounds"
    assert reason("option_greeks", gamma=-1e-9) == "greeks_out_of_bounds"
    assert reason("portfolio_snapshots", **whole, nav=100.0, nav_previous=90.0, pnl=9.0, flows=0.0, coverage_change=0.0) == "nav_identity"
    assert reason("portfolio_snapshots", **whole, delta_long=2.0, delta_short=-1.0, delta_gross=3.0, delta_net=2.0) == "sums_disagree"
    assert reason("portfolio_snapshots", **whole, nav=100.0, nav_previous=90.0, pnl=9.0, flows=0.0, coverage_change=1.0) is None
    assert reason("option_greeks", delta=-1.0, gamma=0.0) is None


def test_the_nav_identity_is_relative_to_gross_and_null_where_a_nav_is() -> None:
    cells = {"nav": [1e9, 1e9, None], "nav_previous": [1e9 + 0.5, 1e9 + 2.0, 1.0], "market_value_gross": [1e9] * 3}
    frame = pd.DataFrame({**cells, "pnl": 0.0, "flows": 0.0, "coverage_change": 0.0}).astype(float)
    assert nav_identity_error(frame)[:2] == pytest.approx([0.5e-9, 2e-9])
    assert np.isnan(nav_identity_error(frame)[2])
    assert [bool(gate) for gate in GATES["portfolio_snapshots"][1].broken(frame)] == [False, True, False]


@pytest.mark.parametrize(
    ("rows", "whole"),
    [
        ([], "ok"),
        (["ok", "ok"], "ok"),
        (["ok", "stale"], "stale"),
        (["stale", "partial"], "partial"),
        (["ok", "unavailable"], "partial"),
        (["unavailable", "unavailable"], "unavailable"),
        (["ok", "quarantined", "unavailable"], "quarantined"),
    ],
)
def test_a_row_set_is_worth_what_its_rows_are(rows: list[str], whole: str) -> None:
    assert rolled_up_status(rows) == whole


def test_the_reason_of_a_row_set_is_the_most_common_of_its_worst_rows(database: Database) -> None:
    rows = [price_row(MON, f"S{i}", status="stale", reason="old") for i in range(5)]
    rows += [price_row(MON, f"U{i}", None, status="unavailable", reason=why) for i, why in enumerate(["halted", "gone", "gone"])]
    replace(database, prices, price_frame(rows), computed(), sessions=[MON])
    record = records(database, "prices").iloc[0]
    assert (record["status"], record["reason"]) == ("partial", "gone")


def test_checks_name_quarantined_sessions_and_judge_the_schema_of_what_is_stored(database: Database, calendar: SessionCalendar) -> None:
    shop = workshop(database, calendar, SmallMarket([MON, TUE], {}))
    replace(database, prices, price_frame([price_row(MON, "A"), price_row(TUE, "A", -1.0)]), computed(), sessions=[MON, TUE])
    found = gates_of("prices")(shop, [MON, TUE])
    assert (found.passed, found.actual, found.detail) == (False, 1.0, "quarantined row sets: 2022-03-08 price_not_positive")
    assert gates_of("prices")(shop, [MON]).passed
    assert schema_of("prices")(shop, [MON, TUE]).passed  # the bad row is marked, so nobody is misled
    with database.write() as connection:
        connection.execute(prices.update().where(prices.c.session == TUE).values(status="ok"))
    assert schema_of("prices")(shop, [MON, TUE]).detail == "rows that break a gate: price_not_positive"
    with database.write() as connection:
        connection.execute(prices.update().where(prices.c.session == TUE).values(price_basis="guessed"))
    assert "price_basis: expected one of" in schema_of("prices")(shop, [MON, TUE]).detail


def test_checks_of_undated_tables_name_no_session(database: Database, calendar: SessionCalendar) -> None:
    shop = workshop(database, calendar, SmallMarket([MON], {}))
    frame = cash_frame([(ONE, MON, Decimal(1), float("nan"))]).assign(status="quarantined", reason="doubtful")
    replace(database, opening_cash, frame, computed(), portfolios=[ONE])
    assert gates_of("opening_cash")(shop, [MON]).detail == "quarantined row sets: doubtful"
    assert schema_of("opening_cash")(shop, [MON]).passed
    assert schema_of("option_greeks")(shop, [MON]).passed  # no row is no fault
    assert stored(database, option_greeks).empty
