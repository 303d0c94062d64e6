"""Content hashes: the same for the same rows, whatever their order or company; different for any other cell."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.frames import to_driver
from sigmasight_assets.store.provenance import NO_ROWS, content_hashes
from sigmasight_assets.store.tables import position_values, prices
from sigmasight_assets.store.writing import replace
from tests.support.rows import computed, position_frame, position_row, price_frame, price_row, records

MON, TUE, WED = (date(2022, 3, day) for day in (7, 8, 9))
ONE = uuid.UUID(int=1)

numbers = st.none() | st.floats(allow_nan=False, width=64)
texts = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(["None", "nan", "NULL"])
price_rows = st.fixed_dictionaries(
    {"close": numbers, "adj_close": numbers, "dividend": numbers, "split_ratio": numbers, "source": texts, "reason": st.none() | texts}
)


def hashes(frame: pd.DataFrame, name: str = "prices", days: tuple[date, ...] = (MON, TUE, WED)) -> list[str]:
    """Hash of each session's rows."""
    cells = {column.name: to_driver(frame[column.name], column.type) for column in prices.columns}
    group = np.array([days.index(day.date()) for day in frame["session"]], dtype=np.intp)
    return [digest[name] for digest in content_hashes(prices, cells, [(day, None) for day in days], group)]


def frame_of(rows: list[dict[str, Any]], day: date = MON) -> pd.DataFrame:
    return price_frame([price_row(day, f"S{i}") | row for i, row in enumerate(rows)])


@settings(max_examples=25)
@given(st.lists(price_rows, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], random: Any) -> None:
    frame = frame_of(rows)
    order = list(range(len(frame)))
    random.shuffle(order)
    assert hashes(frame) == hashes(frame.iloc[order].reset_index(drop=True))


@settings(max_examples=25)
@given(st.lists(price_rows, min_size=1, max_size=4), st.data())
def test_any_other_cell_is_another_hash(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(list(rows[0])))
    value = data.draw(price_rows)[name]
    assume(value != rows[place][name])
    other = [dict(row) for row in rows]
    other[place][name] = value
    assert hashes(frame_of(rows))[0] != hashes(frame_of(other))[0]


@settings(max_examples=25)
@given(st.lists(price_rows, min_size=1, max_size=3), st.lists(price_rows, max_size=3))
def test_a_row_sets_hash_does_not_depend_on_what_is_written_with_it(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    alone = frame_of(rows)
    together = pd.concat([frame_of(others, TUE), alone], ignore_index=True) if others else alone
    assert hashes(alone)[0] == hashes(together)[0]
    assert hashes(alone, "prices.actions")[0] == hashes(together, "prices.actions")[0]


def test_a_number_that_is_missing_everywhere_is_the_same_missing_number() -> None:
    # a column of nothing but NULL is another kind of array than a column of numbers and NULL: the hash must not see that
    alone = frame_of([{"dividend": None}])
    together = pd.concat([alone, frame_of([{"dividend": 1.0}], TUE)], ignore_index=True)
    assert hashes(alone)[0] == hashes(together)[0]


def test_minus_zero_is_zero_and_null_is_no_text() -> None:
    assert hashes(frame_of([{"close": 0.0}])) == hashes(frame_of([{"close": -0.0}]))
    reasons = [None, "None", "nan", ""]
    assert len({hashes(frame_of([{"reason": reason}]))[0] for reason in reasons}) == len(reasons)


def test_rows_that_cancel_nothing_out() -> None:
    twice = price_frame([price_row(MON, "A"), price_row(MON, "B")])
    assert len({hashes(twice)[0], hashes(twice.iloc[:1])[0], hashes(twice.iloc[1:])[0], NO_ROWS}) == 4
    assert hashes(twice)[1] == NO_ROWS


def test_prices_actions_change_with_dividends_and_splits_alone() -> None:
    base = [price_row(MON, "A", 10.0), price_row(MON, "B", 20.0, dividend=0.5)]
    same = [price_row(MON, "A", 11.0), price_row(MON, "B", None, dividend=0.5), price_row(MON, "C", 1.0)]
    split = [*base[1:], price_row(MON, "A", 10.0, split_ratio=2.0)]
    hidden = [base[0], price_row(MON, "B", 20.0, dividend=0.5, status="quarantined", reason="price_jump")]
    found = [hashes(price_frame(rows), "prices.actions")[0] for rows in (base, same, split, hidden)]
    assert found[0] == found[1]
    assert found[2] not in (found[0], NO_ROWS)
    assert found[3] == NO_ROWS  # a quarantined row's dividend is not paid: when it is released, that is a change


def test_facets_are_recorded_from_the_first_row_on_and_then_for_good(database: Database) -> None:
    def write(rows: list[dict[str, object]]) -> pd.DataFrame:
        replace(database, prices, price_frame(rows), computed(), sessions=[MON, TUE])
        return records(database, "prices.actions")

    assert write([price_row(MON, "A"), price_row(TUE, "A")]).empty
    paid = write([price_row(MON, "A", dividend=0.5), price_row(TUE, "A")])
    assert paid["session"].tolist() == [pd.Timestamp(MON)]
    again = write([price_row(MON, "A", 12.0, dividend=0.5), price_row(TUE, "A")])
    assert again["changed_at"].tolist() == paid["changed_at"].tolist()
    taken_back = write([price_row(MON, "A"), price_row(TUE, "A")])
    assert taken_back["content_hash"].tolist() == [NO_ROWS]
    assert (taken_back["changed_at"] > paid["changed_at"]).all()


def test_ended_lots_are_a_facet_of_position_values(database: Database) -> None:
    def write(*rows: dict[str, object]) -> list[str]:
        replace(database, position_values, position_frame(rows), computed(), sessions=[MON], portfolios=[ONE])
        return records(database, "position_values.ended")["content_hash"].tolist()

    assert write(position_row(MON, ONE, 1)) == []
    exited = position_row(MON, ONE, 1, None, event="exited", realized_pnl=10.0)
    first = write(exited)
    assert len(first) == 1
    assert write(exited, position_row(MON, ONE, 2, 77.0)) == first
    assert write(exited | {"realized_pnl": 11.0}) != first
