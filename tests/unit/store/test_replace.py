"""`replace`: one transaction, nothing else touched, nothing twice."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert

from sigmasight_assets.errors import GateFailed
from sigmasight_assets.store import writing
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations, opening_cash, portfolio_reports, position_values, prices, treasury_yields
from sigmasight_assets.store.writing import replace
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

MON, TUE, WED = (date(2022, 3, day) for day in (7, 8, 9))
ONE, TWO, THREE = (uuid.UUID(int=n) for n in (1, 2, 3))


def write_prices(database: Database, rows: list[dict[str, object]], sessions: list[date], run_id: str = "test") -> writing.Replaced:
    return replace(database, prices, price_frame(rows), computed(run_id), sessions=sessions)


def write_positions(database: Database, rows: list[dict[str, object]], sessions: list[date], owners: list[uuid.UUID]) -> writing.Replaced:
    return replace(database, position_values, position_frame(rows), computed(), sessions=sessions, portfolios=owners)


def test_writing_the_same_rows_again_changes_neither_rows_nor_changed_at(database: Database) -> None:
    rows = [price_row(MON, "A", 10.0), price_row(MON, "B", None, status="unavailable", reason="no_price"), price_row(TUE, "A", 11.0)]
    first = write_prices(database, rows, [MON, TUE], "first")
    before, recorded = contents(database, prices), records(database, "prices")
    second = write_prices(database, rows[::-1], [TUE, MON], "second")  # any order
    assert (first.rows, first.changed, first.row_sets) == (3, 2, 2)
    assert (second.rows, second.changed, second.row_sets) == (3, 0, 2)
    assert contents(database, prices) == before
    again = records(database, "prices")
    assert again["changed_at"].tolist() == recorded["changed_at"].tolist()
    assert again["content_hash"].tolist() == recorded["content_hash"].tolist()
    assert (again["computed_at"] > recorded["computed_at"]).all()
    assert again["run_id"].tolist() == ["second", "second"]


def test_only_the_changed_session_gets_a_new_moment_of_change(database: Database) -> None:
    write_prices(database, [price_row(MON, "A"), price_row(TUE, "A")], [MON, TUE])
    before = records(database, "prices").set_index("session")["changed_at"]
    done = write_prices(database, [price_row(MON, "A"), price_row(TUE, "A", 10.5)], [MON, TUE])
    after = records(database, "prices").set_index("session")["changed_at"]
    assert done.changed == 1
    assert (after > before).tolist() == [False, True]


def test_other_sessions_and_portfolios_are_not_touched(database: Database) -> None:
    everything = [position_row(day, owner, 1) for day in (MON, TUE, WED) for owner in (ONE, TWO, THREE)]
    write_positions(database, everything, [MON, TUE, WED], [ONE, TWO, THREE])
    before = records(database, "position_values")
    changed = [position_row(day, ONE, 2, 55.0) for day in (MON, WED)]
    write_positions(database, changed, [MON, WED], [ONE, TWO])  # two has no rows any more on these sessions
    rows = stored(database, position_values)
    kept = {(row.session.date(), row.portfolio_id, row.lot_id.int) for row in rows.itertuples()}
    assert kept == {(MON, ONE, 2), (WED, ONE, 2), *((TUE, owner, 1) for owner in (ONE, TWO)), *((day, THREE, 1) for day in (MON, TUE, WED))}
    after = records(database, "position_values")
    same = (after["changed_at"] == before["changed_at"]).tolist()
    assert same == [owner == THREE or day == pd.Timestamp(TUE) for day, owner in zip(after["session"], after["portfolio_id"], strict=True)]
    emptied = after[(after["session"] == pd.Timestamp(MON)) & (after["portfolio_id"] == TWO)].iloc[0]
    assert (emptied["rows"], emptied["status"]) == (0, "ok")


def test_equity_does_not_accumulate_however_often_a_session_is_run(database: Database) -> None:
    # a product added each run's P&L to the stored equity: four reruns turned -6.9 M into +14.2 M
    for _ in range(4):
        write_positions(database, [position_row(MON, ONE, 1, -6.9e6), position_row(MON, ONE, 2, 1.0)], [MON], [ONE])
    assert stored(database, position_values)["market_value"].tolist() == [-6.9e6, 1.0]


def test_an_error_in_the_middle_of_a_write_leaves_the_old_rows(database: Database) -> None:
    write_prices(database, [price_row(MON, "A", 10.0)], [MON])
    before, recorded = contents(database, prices), records(database, "prices")

    class Stop(Exception):
        pass

    with pytest.raises(Stop), database.write() as connection:
        connection.execute(prices.delete())
        connection.execute(insert(prices), price_row(TUE, "A", 99.0) | {"reason": None})
        raise Stop
    assert contents(database, prices) == before
    with pytest.raises(GateFailed):  # the schema gate stands before the transaction, strangers too
        write_prices(database, [price_row(MON, "A", 12.0), price_row(WED, "A", 12.0)], [MON, TUE])
    assert contents(database, prices) == before
    assert records(database, "prices").equals(recorded)


def test_a_failed_insert_takes_the_deletion_and_the_record_back(database: Database) -> None:
    write_prices(database, [price_row(MON, "A", 10.0)], [MON])
    before, recorded = contents(database, prices), records(database, "prices")
    broken = price_frame([price_row(MON, "A", 12.0), price_row(MON, "B", 12.0)])
    cells = {column.name: np.array(broken[column.name].astype(object)) for column in prices.columns}
    cells["source"] = np.array(["test", None], dtype=object)  # NOT NULL: the database itself refuses the second row

    def write() -> None:
        with database.write() as connection:
            connection.execute(prices.delete())
            writing._insert(connection, prices, cells, 2)

    with pytest.raises(Exception, match=r"(?i)not.null|session|type"):
        write()
    assert contents(database, prices) == before
    assert records(database, "prices").equals(recorded)


def test_rows_of_sessions_or_portfolios_that_are_not_replaced_are_refused(database: Database) -> None:
    with pytest.raises(GateFailed, match="session 2022-03-09"):
        write_prices(database, [price_row(MON, "A"), price_row(WED, "A")], [MON, TUE])
    with pytest.raises(GateFailed, match=f"portfolio_id {TWO}"):
        write_positions(database, [position_row(MON, ONE, 1), position_row(MON, TWO, 1)], [MON], [ONE])
    with pytest.raises(GateFailed, match="1 rows and nothing to replace"):
        write_prices(database, [price_row(MON, "A")], [])
    with pytest.raises(ValueError, match="keyed by"):
        replace(database, prices, price_frame([]), computed())
    with pytest.raises(ValueError, match="keyed by"):
        replace(database, prices, price_frame([]), computed(), sessions=[MON], portfolios=[ONE])


def test_nothing_to_replace_changes_nothing(database: Database) -> None:
    assert write_prices(database, [], []).row_sets == 0
    assert write_positions(database, [], [MON], []).row_sets == 0
    assert database.frame(materializations.select()).empty


def test_sessions_and_portfolios_named_twice_count_once(database: Database) -> None:
    done = write_positions(database, [position_row(MON, ONE, 1)], [MON, MON], [ONE, ONE])
    assert (done.rows, done.row_sets) == (1, 1)


def test_row_sets_without_rows_are_recorded_with_status_and_reason(database: Database) -> None:
    # a green run that left nothing behind looks like success: the record says what is (not) there
    replace(database, prices, price_frame([]), computed(), sessions=[MON, TUE], empty=("unavailable", "provider_has_none"))
    found = records(database, "prices")
    assert found[["rows", "status", "reason"]].to_numpy().tolist() == [[0, "unavailable", "provider_has_none"]] * 2
    assert records(database, "prices.actions").empty


def test_a_session_that_loses_its_rows_is_a_change(database: Database) -> None:
    write_prices(database, [price_row(MON, "A")], [MON])
    assert write_prices(database, [], [MON]).changed == 1
    assert stored(database, prices).empty


def test_large_writes_go_in_chunks_of_whole_sessions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_ROWS_PER_TRANSACTION", 5)
    days = [date(2022, 3, day) for day in (1, 2, 3, 4, 7, 8)]
    counts = [3, 3, 2, 7, 1, 4]
    frame = price_frame([price_row(day, f"S{i}") for day, n in zip(days, counts, strict=True) for i in range(n)])
    assert writing._chunks(frame, days) == [days[0:1], days[1:3], days[3:4], days[4:6]]  # 3 | 3 + 2 | 7 | 1 + 4
    done = replace(database, prices, frame, computed(), sessions=days)
    assert (done.rows, done.row_sets, done.changed) == (20, 6, 6)
    assert records(database, "prices")["rows"].tolist() == counts


@pytest.mark.slow
def test_more_rows_than_a_transaction_takes_are_all_there(sqlite: Database) -> None:
    days = [date(2022, 3, day) for day in (1, 2, 3)]
    per_day = 70_001
    n = per_day * len(days)
    tenor = np.tile(np.arange(1, per_day + 1), len(days))
    frame = pd.DataFrame(
        {
            "session": np.repeat(np.array(days, dtype="datetime64[s]"), per_day),
            "tenor_months": tenor,
            "par_yield": tenor / 1e6,
            "source": pd.Series(["test"] * n, dtype=object),
            "status": pd.Series(["ok"] * n, dtype=object),
            "reason": pd.Series([None] * n, dtype=object),
        }
    )
    assert len(writing._chunks(frame, days)) == 2
    done = replace(sqlite, treasury_yields, frame, computed(), sessions=days)
    assert (done.rows, done.changed) == (n, 3)
    assert records(sqlite, "treasury_yields")["rows"].tolist() == [per_day] * 3


def test_every_kind_of_cell_comes_back_as_it_went_in(database: Database) -> None:
    exact = Decimal("12345678901234567890123456.123456789012")
    replace(
        database,
        opening_cash,
        cash_frame([(ONE, MON, exact, None), (TWO, TUE, Decimal("-0.000000000001"), 0.1)]),
        computed(),
        portfolios=[ONE, TWO],
    )
    rows = stored(database, opening_cash)
    assert rows["portfolio_id"].tolist() == [ONE, TWO]
    assert rows["stated_cash"].tolist() == [exact, Decimal("-0.000000000001")]
    assert format(rows["stated_cash"].iloc[0], "f") == "12345678901234567890123456.123456789012"
    assert np.isnan(rows["opening_cash"].iloc[0])
    assert rows["opening_cash"].iloc[1] == 0.1
    assert rows["cash_as_of"].dt.date.tolist() == [MON, TUE]
    assert rows["reason"].tolist() == [None, None]


TEXTS = ("plain", "", "NULL", "None", "\\N", "nan", 'quo"te', "com,ma", "line\nbreak", "car\rriage", "tab\t", "ünï ✓", "'", "\\.", "-")
"""What a careless bulk load takes for NULL, a separator or the end."""


def test_texts_come_back_as_they_went_in(database: Database) -> None:
    rows = [price_row(MON, f"S{i:02d}", source=text, reason=text, status="stale") for i, text in enumerate(TEXTS)]
    write_prices(database, [*rows, price_row(MON, "T")], [MON])
    found = stored(database, prices)
    assert found["source"].tolist() == [*TEXTS, "test"]
    assert found["reason"].tolist() == [*TEXTS, None]


def test_floats_come_back_to_the_last_bit_and_nan_is_null(database: Database) -> None:
    values = [0.1 + 0.2, 1e-300, 1.7976931348623157e308, 5e-324, -1 / 3, float("nan")]
    write_positions(database, [position_row(MON, ONE, i, value) for i, value in enumerate(values)], [MON], [ONE])
    found = stored(database, position_values)["market_value"].tolist()
    assert found[:5] == values[:5]
    assert np.isnan(found[5])
    with database.read() as connection:
        nulls = connection.execute(position_values.select().where(position_values.c.market_value.is_(None))).fetchall()
    assert len(nulls) == 1


def test_json_comes_back_as_it_went_in(database: Database) -> None:
    sections = {"b": {"status": "ok", "reason": None}, "a": [1, 2.5, "ü"]}
    row = {"session": MON, "portfolio_id": ONE, "sections": sections, "files": None, "content_hash": "0", "status": "ok"}
    frame = typed_frame(portfolio_reports, [row])
    replace(database, portfolio_reports, frame, computed(), sessions=[MON], portfolios=[ONE])
    rows = stored(database, portfolio_reports)
    assert rows["sections"].tolist() == [sections]
    assert rows["files"].tolist() == [None]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_refused_wherever_it_stands(database: Database, number: float) -> None:
    row = {"session": MON, "portfolio_id": ONE, "sections": {"a": [None, {"b": number}]}, "files": None, "content_hash": "0"}
    frame = typed_frame(portfolio_reports, [row | {"status": "ok"}])
    with pytest.raises(ValueError, match="JSON has no number"):
        replace(database, portfolio_reports, frame, computed(), sessions=[MON], portfolios=[ONE])


def test_an_empty_result_has_the_types_of_a_full_one(database: Database) -> None:
    empty = stored(database, position_values).dtypes
    write_positions(database, [position_row(MON, ONE, 1)], [MON], [ONE])
    assert empty.equals(stored(database, position_values).dtypes)
