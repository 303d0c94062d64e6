"""Column types mean the same on both databases: exact decimals, moments in UTC, ids."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Date, Float, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError

from sigmasight_assets.store.columns import DECIMALS, DIGITS, ExactDecimal, PackedFloats, UtcDateTime, decimal_text, pack
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.frames import columns_to_frame, copy_text, session_array, to_driver
from sigmasight_assets.store.tables import users

PROBE = Table(
    "probe",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("amount", ExactDecimal),
    Column("moment", UtcDateTime),
    Column("flag", Boolean),
    Column("n", Integer),
    Column("packed", PackedFloats),
)


@pytest.fixture
def probe(database: Database) -> Database:
    with database.write() as connection:
        PROBE.create(connection)
    return database


def put(database: Database, **cells: object) -> None:
    with database.write() as connection:
        connection.execute(insert(PROBE), dict.fromkeys(PROBE.c.keys()) | {"id": 1} | cells)


AMOUNTS = [
    "0",
    "-0.00",
    "1",
    "1.10",
    "-2.5",
    "1E+3",
    "0.000000000001",
    "12345678901234567890123456.123456789012",
    "99999999999999999999999999",
]


def test_decimals_are_exact_to_38_digits(probe: Database) -> None:
    values = [Decimal(text) for text in AMOUNTS]
    with probe.write() as connection:
        connection.execute(insert(PROBE), [{"id": i, "amount": value} for i, value in enumerate(values)])
    with probe.read() as connection:
        read = list(connection.execute(select(PROBE.c.amount).order_by(PROBE.c.id)).scalars())
    framed = probe.frame(select(PROBE.c.amount, PROBE.c.id).order_by(PROBE.c.id))["amount"].tolist()
    assert read == framed == values
    assert str(read[-2]) == AMOUNTS[-2]
    assert [str(read[i]) for i in (1, 3, 5)] == ["0", "1.1", "1000"]  # one form on both databases


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Decimal("0.0000000000001"), "at most 12 decimals"),
        (Decimal("1E+26"), "below 1e26"),
        (Decimal("1E+999999"), "below 1e26"),
        (Decimal("NaN"), "finite"),
        (Decimal("-Infinity"), "finite"),
    ],
)
def test_decimals_that_one_database_would_round_are_refused_by_both(probe: Database, value: Decimal, message: str) -> None:
    with pytest.raises(StatementError, match=message):
        put(probe, amount=value)


def test_a_float_is_no_exact_decimal(probe: Database) -> None:
    with pytest.raises(StatementError, match="expected a Decimal, was float"):
        put(probe, amount=1.5)


@settings(max_examples=50)
@given(st.decimals(min_value=Decimal("-1e25"), max_value=Decimal("1e25"), places=DECIMALS, allow_nan=False, allow_infinity=False))
def test_a_decimals_text_is_the_same_number_in_its_one_plain_form(value: Decimal) -> None:
    text = decimal_text(value)
    assert Decimal(text) == value
    assert text == decimal_text(Decimal(text))
    assert "E" not in text
    assert len(text.lstrip("-").replace(".", "")) <= DIGITS


def test_moments_are_kept_in_utc_to_the_microsecond(probe: Database) -> None:
    moment = datetime(2022, 3, 7, 23, 30, 15, 123456, tzinfo=timezone(timedelta(hours=-5)))
    put(probe, moment=moment)
    with probe.read() as connection:
        read = connection.execute(select(PROBE.c.moment)).scalar_one()
    assert read == moment
    assert read.tzinfo == UTC
    assert (read.day, read.hour) == (8, 4)
    framed = probe.frame(select(PROBE.c.moment))["moment"]
    assert framed.dtype == "datetime64[us, UTC]"
    assert framed.iloc[0] == moment


def test_a_naive_moment_is_refused(probe: Database) -> None:
    with pytest.raises(StatementError, match="time zone"):
        put(probe, moment=datetime(2022, 3, 7))  # noqa: DTZ001


def test_ids_are_uuids_from_the_row_to_the_frame(database: Database) -> None:
    row = {"id": uuid.uuid4(), "email": "a@example.com", "role": "user", "created_at": datetime(2022, 1, 1, tzinfo=UTC)}
    with database.write() as connection:
        connection.execute(insert(users), row)
    with database.read() as connection:
        assert connection.execute(select(users.c.id)).scalar_one() == row["id"]
    assert database.frame(select(users.c.id))["id"].tolist() == [row["id"]]


def test_a_missing_flag_is_not_false(probe: Database) -> None:
    with probe.write() as connection:
        connection.execute(insert(PROBE), [{"id": i, "flag": flag} for i, flag in enumerate([True, False, None])])
    rows = probe.frame(select(PROBE.c.id, PROBE.c.flag).order_by(PROBE.c.id))["flag"]
    assert rows.tolist() == [True, False, None]
    assert probe.frame(select(PROBE.c.flag).where(PROBE.c.flag.is_not(None)))["flag"].dtype == bool


def test_a_missing_count_is_nan_and_whole_counts_are_integers(probe: Database) -> None:
    put(probe, n=None)
    assert np.isnan(probe.frame(select(PROBE.c.n))["n"].iloc[0])
    assert probe.frame(select(PROBE.c.id))["id"].dtype == np.int64
    assert probe.frame(select(PROBE.c.moment))["moment"].isna().all()


def test_packed_arrays_come_back_to_the_last_bit(probe: Database) -> None:
    values = np.array([[0.1 + 0.2, np.nan, -1e-300], [np.inf, 5e-324, 0.0]])
    with probe.write() as connection:
        connection.execute(insert(PROBE), [{"id": 1, "packed": values}, {"id": 2, "packed": np.zeros(0)}, {"id": 3, "packed": None}])
    framed = probe.frame(select(PROBE.c.id, PROBE.c.packed).order_by(PROBE.c.id))["packed"].tolist()
    with probe.read() as connection:
        read = list(connection.execute(select(PROBE.c.packed).order_by(PROBE.c.id)).scalars())
    for found in (framed, read):
        np.testing.assert_array_equal(found[0], values.ravel())
        assert (len(found[1]), found[2]) == (0, None)


def test_equal_arrays_are_packed_alike() -> None:
    # a processor makes NaN with and without a sign, and zeros of both: the content hash must not see which
    minus_nan = np.frombuffer(np.uint64(0xFFF8000000000001).tobytes(), dtype="<f8")[0]
    assert np.isnan(minus_nan)
    assert pack([minus_nan, -0.0, 1.0]) == pack(np.array([np.nan, 0.0, 1.0]))
    assert pack(np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])) == pack([1.0, 2.0, 3.0, 4.0])


def test_driver_cells_are_plain_values() -> None:
    assert to_driver(pd.Series([1.5, np.nan]), Float()).tolist() == [1.5, None]
    assert to_driver(pd.Series([True, None], dtype=object), Boolean()).tolist() == [True, None]
    assert to_driver(pd.Series([1, 2]), Integer()).tolist() == [1, 2]
    assert to_driver(pd.Series([2.0, np.nan]), Integer()).tolist() == [2, None]
    assert to_driver(pd.Series([Decimal("1.50"), None], dtype=object), ExactDecimal()).tolist() == ["1.5", None]
    days = pd.Series([pd.Timestamp("2022-03-07"), pd.NaT, pd.Timestamp("2022-03-07")])
    assert to_driver(days, Date()).tolist() == ["2022-03-07", None, "2022-03-07"]
    assert to_driver(pd.Series([date(2022, 3, 7), None], dtype=object), Date()).tolist() == ["2022-03-07", None]


def test_copy_text_escapes_what_means_something_to_the_server() -> None:
    cells = [np.array(values, dtype=object) for values in (["a\tb", None, "\\N"], [0.1, None, float("inf")], [1, 2, True])]
    assert copy_text(cells) == "a\\tb\t0.1\t1\n\\N\t\\N\t2\n\\\\N\tinf\tTrue\n"
    assert copy_text([np.array([], dtype=object)]) == ""


def test_frames_without_rows_are_typed() -> None:
    frame = columns_to_frame([], [(column.name, column.type) for column in PROBE.columns])
    assert frame.dtypes.astype(str).to_dict() == {
        "id": "int64",
        "amount": "object",
        "moment": "datetime64[us, UTC]",
        "flag": "bool",
        "n": "int64",
        "packed": "object",
    }
    assert session_array([date(2022, 3, 7)]).dtype == "datetime64[s]"
