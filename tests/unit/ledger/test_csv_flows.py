"""Files of flows and of appraisals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sigmasight_assets.ledger.csv_flows import AppraisalFile, FlowFile, read_appraisals, read_flows
from sigmasight_assets.sessions import SessionCalendar

TODAY = date(2023, 3, 1)


def faults(file: FlowFile | AppraisalFile) -> list[tuple[int | None, str | None, str]]:
    return [(found.line, found.column, found.code) for found in file.problems]


def test_flows_are_signed_exact_and_may_have_a_note(calendar: SessionCalendar) -> None:
    file = read_flows(b'Date,Cash Flow,Note\n2022-03-01,25000.01,\n2022-03-05,-100,"tax, 2021"\n', today=TODAY, calendar=calendar)
    assert [(row.line, row.date, row.amount, row.note) for row in file.rows] == [
        (2, date(2022, 3, 1), Decimal("25000.01"), None),
        (3, date(2022, 3, 5), Decimal(-100), "tax, 2021"),
    ]
    assert faults(file) == []


def test_every_fault_of_a_flow_file_comes_at_once(calendar: SessionCalendar) -> None:
    text = f"date,amount,note,currency\n2022-03-01,0,,\n2023-03-02,$5,,\n\n,10,{'n' * 501},\n2022-03-01,5\n2022-03-01,5,,EUR\n"
    assert faults(read_flows(text.encode(), today=TODAY, calendar=calendar)) == [
        (2, "amount", "zero_amount"),
        (3, "date", "date_in_future"),
        (3, "amount", "currency_sign"),
        (5, "date", "required"),
        (5, "note", "note_too_long"),
        (6, None, "wrong_cell_count"),
        (7, "currency", "not_usd"),
    ]


def test_appraisals_are_positive_prices_a_unit(calendar: SessionCalendar) -> None:
    file = read_appraisals(
        b"ticker,date,price_per_unit\nfund,2022-09-30,301200\nfund,2022-09-30,301200.00\n", today=TODAY, calendar=calendar
    )
    assert [(row.symbol, row.date, row.price_per_unit) for row in file.rows] == [("FUND", date(2022, 9, 30), Decimal(301200))]


def test_two_marks_of_one_day_must_agree(calendar: SessionCalendar) -> None:
    text = b"ticker,date,price_per_unit\nfund,2022-09-30,1\nfund,2022-09-30,2\nfund,2022-10-01,0\n,2022-10-01,1\n"
    assert faults(read_appraisals(text, today=TODAY, calendar=calendar)) == [
        (3, "price_per_unit", "duplicate_row"),
        (4, "price_per_unit", "price_not_positive"),
        (5, "ticker", "required"),
    ]
