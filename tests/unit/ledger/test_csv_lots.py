"""Rows of lots: what is accepted, and every fault with its line, column, value and code."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from sigmasight_assets.ledger.csv_lots import LotFile, LotRow, read_lots
from sigmasight_assets.sessions import SessionCalendar

AS_OF, TODAY = date(2022, 12, 28), date(2023, 3, 1)
KNOWN = frozenset({"AAPL", "MSFT", "SPY"})
HEADER = "ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price,asset_class\n"


def read(calendar: SessionCalendar, *rows: str, header: str = HEADER, as_of: date = AS_OF) -> LotFile:
    content = (header + "\n".join(rows) + "\n").encode()
    return read_lots(content, as_of=as_of, today=TODAY, calendar=calendar, known_symbols=KNOWN)


def one(calendar: SessionCalendar, row: str) -> LotRow:
    file = read(calendar, row)
    assert file.problems == ()
    return file.rows[0]


def faults(file: LotFile) -> list[tuple[int | None, str | None, str | None, str]]:
    return [(found.line, found.column, found.value, found.code) for found in file.problems]


def codes(calendar: SessionCalendar, row: str) -> list[str]:
    file = read(calendar, row)
    assert file.rows == ()
    return [found.code for found in file.problems]


def test_row_is_read_exactly(calendar: SessionCalendar) -> None:
    row = one(calendar, 'aapl,-100.5,142.10,2022-03-01,"core, Tech,core",2022-05-18,140,equity')
    assert (row.symbol, row.asset_class, row.quantity, row.entry_price) == ("AAPL", "equity", Decimal("-100.5"), Decimal("142.10"))
    assert (row.entry_date, row.exit_date, row.exit_price) == (date(2022, 3, 1), date(2022, 5, 18), Decimal(140))
    assert (row.tags, row.option, row.line) == (("core", "Tech"), None, 2)


def test_required_columns_alone_make_a_lot(calendar: SessionCalendar) -> None:
    file = read(calendar, "AAPL,1,142.1,2022-03-01", header="Symbol,Qty,Price,Trade Date\n")
    assert [(row.symbol, row.tags, row.exit_date) for row in file.rows] == [("AAPL", (), None)]
    assert (file.problems, file.warnings) == ((), ())


@pytest.mark.parametrize("price", ["142.1", "142.10", "142", "0.01", ".5", "+3.25", "0.000000000001", "142.100000000000000"])
def test_two_decimal_prices_and_finer_ones_are_kept_exactly(calendar: SessionCalendar, price: str) -> None:
    assert one(calendar, f"AAPL,1,{price},2022-03-01,,,,").entry_price == Decimal(price)


def test_option_row_keeps_all_its_columns(calendar: SessionCalendar) -> None:
    row = one(calendar, 'AAPL  230120P00125000,-60,3.84,2022-11-03,"income,strategy:collar",2022-12-01,1.2,option')
    assert row.option is not None
    assert (row.symbol, row.asset_class, row.quantity) == ("AAPL230120P00125000", "option", Decimal(-60))
    assert (row.option.underlying, row.option.expiry, row.option.option_type) == ("AAPL", date(2023, 1, 20), "P")
    assert (row.option.strike, row.option.multiplier, row.option.exercise_style) == (Decimal(125), 100, "american")
    assert (row.exit_date, row.exit_price, row.tags) == (date(2022, 12, 1), Decimal("1.2"), ("income", "strategy:collar"))


def test_broker_form_of_an_option_is_stored_as_osi(calendar: SessionCalendar) -> None:
    assert one(calendar, "-AAPL230120P125,2,3.84,2022-11-03,,,,").symbol == "AAPL230120P00125000"


@pytest.mark.parametrize(("stated", "kept"), [("brk.b", "BRK.B"), ("BRK/B", "BRK.B"), ("BRK-B", "BRK.B"), ("bf.b", "BF.B"), ("A1", "A1")])
def test_share_classes_have_one_spelling(calendar: SessionCalendar, stated: str, kept: str) -> None:
    assert one(calendar, f"{stated},1,1,2022-03-01,,,,").symbol == kept


@pytest.mark.parametrize("asset_class", ["private", "Private", "alternative"])
def test_private_asset_may_have_a_long_name(calendar: SessionCalendar, asset_class: str) -> None:
    name = "N" * 64
    row = one(calendar, f"{name.lower()},1,285000,2021-07-01,,,,{asset_class}")
    assert (row.symbol, row.asset_class) == (name, "private")
    assert codes(calendar, f"{name}N,1,285000,2021-07-01,,,,private") == ["invalid_symbol"]


def test_two_equal_rows_are_two_lots(calendar: SessionCalendar) -> None:
    row = "AAPL,100,142.10,2022-03-01,,,,"
    assert len(read(calendar, row, row).rows) == 2


def test_symbol_that_nobody_knows_is_one_warning_and_no_fault(calendar: SessionCalendar) -> None:
    rows = (
        "ZZZZ,1,1,2022-03-01,,,,",
        "ZZZZ,2,1,2022-03-01,,,,",
        "ZZZZ230120C00010000,2,1,2022-03-01,,,,",
        "AMD1230120C00010000,1,1,2022-03-01,,,,",
    )
    file = read(calendar, *rows, "FUND,1,1,2022-03-01,,,,private")
    assert len(file.rows) == 5
    assert [(found.line, found.value, found.code) for found in file.warnings] == [
        (2, "ZZZZ", "unknown_symbol"),
        (5, "AMD1", "unknown_symbol"),
    ]


def test_all_faults_come_at_once_with_line_column_value_and_code(calendar: SessionCalendar) -> None:
    file = read(
        calendar,
        'AAPL,0,"$1,234.50",2022-13-01,,,,',
        "",
        "MSFT,ten,-5,2022-03-01,bad tag!,2022-02-01,,stock",
        'SPY,1,400,2022-03-01,"two\nlines",,,',
        ",1,1,,,,,",
        "AAPL,1,1",
    )
    assert faults(file) == [
        (2, "quantity", "0", "zero_quantity"),
        (2, "entry_price", "$1,234.50", "currency_sign"),
        (2, "entry_date", "2022-13-01", "not_a_date"),
        (4, "quantity", "ten", "not_a_number"),
        (4, "entry_price", "-5", "price_not_positive"),
        (4, "tags", "bad tag!", "invalid_tag"),
        (4, "exit_price", "", "exit_incomplete"),
        (4, "exit_date", "2022-02-01", "exit_before_entry"),
        (5, "tags", "two\nlines", "invalid_tag"),
        (7, "ticker", "", "required"),
        (7, "entry_date", "", "required"),
        (8, None, "AAPL,1,1", "wrong_cell_count"),
    ]
    assert all(found.message and found.remedy for found in file.problems)


def test_valid_rows_are_there_beside_the_faults(calendar: SessionCalendar) -> None:
    file = read(calendar, "AAPL,0,1,2022-03-01,,,,", "MSFT,5,250,2022-03-01,,,,")
    assert [row.symbol for row in file.rows] == ["MSFT"]
    assert len(file.problems) == 1


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("$12.50", "currency_sign"),
        ("12.50 €", "currency_sign"),
        ("USD 12", "currency_sign"),
        ("12.50usd", "currency_sign"),
        ("-£5", "currency_sign"),
        ("12 CHF", "currency_sign"),
        ('"1,234.50"', "thousands_separator"),
        ('"12,5"', "thousands_separator"),
        ("1'234.50", "thousands_separator"),
        ("1 234", "thousands_separator"),
        ("1\u00a0234", "thousands_separator"),
        ("1.234.567", "thousands_separator"),
        ("1_000", "thousands_separator"),
        ("1e5", "not_a_number"),
        ("NaN", "not_a_number"),
        ("inf", "not_a_number"),
        ("(500)", "not_a_number"),
        ("5%", "not_a_number"),
        ("１２", "not_a_number"),
        ("0x10", "not_a_number"),
        ("--5", "not_a_number"),
        ("1.0000000000001", "too_many_decimals"),
        ("1234567890123456", "number_too_large"),
    ],
)
def test_number_that_is_not_plain_is_refused_with_its_own_hint(calendar: SessionCalendar, number: str, code: str) -> None:
    assert codes(calendar, f"AAPL,1,{number},2022-03-01,,,,") == [code]
    assert codes(calendar, f"AAPL,{number},1,2022-03-01,,,,") == [code]


@pytest.mark.parametrize("price", ["0", "0.00", "-1"])
def test_price_must_be_positive(calendar: SessionCalendar, price: str) -> None:
    assert codes(calendar, f"AAPL,1,{price},2022-03-01,,,,") == ["price_not_positive"]
    assert codes(calendar, f"AAPL,1,1,2022-03-01,,2022-04-01,{price},") == ["price_not_positive"]


@pytest.mark.parametrize("quantity", ["0", "-0", "0.000"])
def test_quantity_must_not_be_zero(calendar: SessionCalendar, quantity: str) -> None:
    assert codes(calendar, f"AAPL,{quantity},1,2022-03-01,,,,") == ["zero_quantity"]


@pytest.mark.parametrize("day", ["2022-02-30", "2022-3-1", "03/01/2022", "20220301", "2022-W09-2", "yesterday", "2022-03-01T00:00"])
def test_date_that_is_none_or_is_ambiguous_is_refused(calendar: SessionCalendar, day: str) -> None:
    assert codes(calendar, f"AAPL,1,1,{day},,,,") == ["not_a_date"]


def test_dates_run_from_the_calendars_first_to_today(calendar: SessionCalendar) -> None:
    assert one(calendar, "AAPL,1,1,2023-03-01,,,,").entry_date == TODAY
    assert codes(calendar, "AAPL,1,1,2023-03-02,,,,") == ["date_in_future"]
    assert codes(calendar, "AAPL,1,1,2022-03-01,,2023-03-02,1,") == ["date_in_future"]
    assert one(calendar, "AAPL,1,1,1990-01-02,,2000-01-03,1,").entry_date == date(1990, 1, 2)
    assert codes(calendar, "AAPL,1,1,1989-12-29,,2000-01-03,1,") == ["date_too_early"]


def test_open_lot_may_be_five_years_old_at_the_as_of_date_and_no_older(calendar: SessionCalendar) -> None:
    assert one(calendar, "AAPL,1,1,2017-12-28,,,,").entry_date == date(2017, 12, 28)
    assert codes(calendar, "AAPL,1,1,2017-12-27,,,,") == ["entry_too_old"]
    assert codes(calendar, "AAPL240119C00195000,1,1,2017-12-27,,,,") == ["entry_too_old"]
    leap = date(2020, 2, 29)
    assert read(calendar, "AAPL,1,1,2015-02-28,,,,", as_of=leap).problems == ()
    assert [found.code for found in read(calendar, "AAPL,1,1,2015-02-27,,,,", as_of=leap).problems] == ["entry_too_old"]


def test_private_assets_and_lots_that_ended_may_be_older(calendar: SessionCalendar) -> None:
    assert one(calendar, "FUND,1,1,2001-01-02,,,,private")
    assert one(calendar, "AAPL,1,1,2001-01-02,,2016-01-04,2,")
    assert one(calendar, "AAPL180119C00195000,1,1,2016-01-04,,,,")  # expired before the as-of date


def test_exit_is_not_before_entry_and_not_after_expiry(calendar: SessionCalendar) -> None:
    assert one(calendar, "AAPL,1,1,2022-03-01,,2022-03-01,2,")
    assert codes(calendar, "AAPL,1,1,2022-03-02,,2022-03-01,2,") == ["exit_before_entry"]
    assert one(calendar, "AAPL221216P00150000,1,1,2022-03-01,,2022-12-16,2,")
    assert codes(calendar, "AAPL221216P00150000,1,1,2022-03-01,,2022-12-17,2,") == ["exit_after_expiry"]
    assert one(calendar, "AAPL221216P00150000,1,1,2022-12-16,,,,")
    assert codes(calendar, "AAPL221216P00150000,1,1,2022-12-17,,,,") == ["entry_after_expiry"]


@pytest.mark.parametrize(("day", "price", "empty"), [("2022-05-02", "", "exit_price"), ("", "5", "exit_date")])
def test_exit_needs_both_its_cells(calendar: SessionCalendar, day: str, price: str, empty: str) -> None:
    found = read(calendar, f"AAPL,1,1,2022-03-01,,{day},{price},").problems
    assert [(fault.column, fault.code) for fault in found] == [(empty, "exit_incomplete")]


@pytest.mark.parametrize(
    ("ticker", "asset_class", "code"),
    [
        ("AAPL240119X00195000", "", "invalid_symbol"),
        ("AAPL240119C195", "", "invalid_symbol"),
        ("VIX240117C00015000", "", "invalid_symbol"),
        ("AAPL", "option", "invalid_symbol"),
        ("PRIVATE_FUND", "", "invalid_symbol"),  # its class must be stated
        ("A$PL", "", "invalid_symbol"),
        ("ſAPL", "", "invalid_symbol"),
        ("AAPL", "bond", "unknown_asset_class"),
        ("AAPL240119C00195000", "equity", "asset_class_mismatch"),
    ],
)
def test_ticker_that_cannot_be_held_is_refused(calendar: SessionCalendar, ticker: str, asset_class: str, code: str) -> None:
    assert codes(calendar, f"{ticker},1,1,2022-03-01,,,,{asset_class}") == [code]


def test_option_terms_in_columns_of_their_own_are_never_dropped(calendar: SessionCalendar) -> None:
    # ten calls read as ten shares would be worse than a refusal
    header = "ticker,quantity,entry_price,entry_date,strike,option type\n"
    file = read(calendar, "AAPL,10,3.84,2022-11-03,125,C", "MSFT,5,250,2022-11-03,,", header=header)
    assert faults(file) == [(2, "strike", "125", "option_terms_apart"), (2, "option_type", "C", "option_terms_apart")]
    assert [row.symbol for row in file.rows] == ["MSFT"]
    told = read(calendar, "AAPL230120P00125000,10,3.84,2022-11-03,125,P", header=header)
    assert [row.symbol for row in told.rows] == ["AAPL230120P00125000"]


def test_another_currency_is_refused(calendar: SessionCalendar) -> None:
    file = read(calendar, "AAPL,1,1,2022-03-01,EUR", "MSFT,1,1,2022-03-01,usd", header="ticker,quantity,entry_price,entry_date,currency\n")
    assert faults(file) == [(2, "currency", "EUR", "not_usd")]


def test_tags_are_letters_digits_and_underscores_at_most_fifty_long_and_twenty_a_lot(calendar: SessionCalendar) -> None:
    assert one(calendar, f'AAPL,1,1,2022-03-01,"{",".join(f"t{i}" for i in range(20))}",,,').tags[19] == "t19"
    assert one(calendar, f"AAPL,1,1,2022-03-01,{'t' * 50},,,").tags == ("t" * 50,)
    assert codes(calendar, f'AAPL,1,1,2022-03-01,"{",".join(f"t{i}" for i in range(21))}",,,') == ["too_many_tags"]
    assert codes(calendar, f"AAPL,1,1,2022-03-01,{'t' * 51},,,") == ["invalid_tag"]
    assert codes(calendar, "AAPL,1,1,2022-03-01,group:x,,,") == ["invalid_tag"]


def test_same_facts_in_another_spelling_have_the_same_hash(calendar: SessionCalendar) -> None:
    first = read(calendar, 'AAPL,100,142.10,2022-03-01,"a,b",,,', "MSFT,5,250,2022-03-01,,,,")
    again = read(calendar, " msft,5.0,250.00,2022-03-01,,,,", 'Aapl,+100,142.1,2022-03-01,"b,a",,,equity')
    other = read(calendar, 'AAPL,100,142.11,2022-03-01,"a,b",,,', "MSFT,5,250,2022-03-01,,,,")
    assert first.content_hash == again.content_hash != other.content_hash
