"""Files as text: encodings, headers, lines."""

from __future__ import annotations

import pytest

from sigmasight_assets.ledger.csv_problems import MAX_BYTES, MAX_ROWS, PROBLEMS
from sigmasight_assets.ledger.csv_table import CsvTable, read_table

LEGACY = {"symbol": "ticker", "security": "ticker"}


def read(text: str | bytes) -> CsvTable:
    content = text if isinstance(text, bytes) else text.encode()
    return read_table(content, ("ticker", "quantity"), ("tags",), LEGACY, ("currency",))


def codes(table: CsvTable) -> list[tuple[int | None, str]]:
    return [(found.line, found.code) for found in table.problems]


@pytest.mark.parametrize("content", [b"ticker,quantity\nA,1\n", b"\xef\xbb\xbfticker,quantity\r\nA,1\r\n", b"ticker,quantity\rA,1"])
def test_byte_order_mark_and_any_line_ending_are_accepted(content: bytes) -> None:
    assert read(content).rows == ((2, {"ticker": "A", "quantity": "1"}),)


def test_header_is_read_in_any_case_and_order_with_blanks_or_dashes() -> None:
    assert read(" Quantity ,TICKER\n1,A\n").rows == ((2, {"quantity": "1", "ticker": "A"}),)
    table = read_table(b"Entry-Date,Entry Price\n2022-01-03,5\n", ("entry_date", "entry_price"), (), {})
    assert table.rows == ((2, {"entry_date": "2022-01-03", "entry_price": "5"}),)


def test_legacy_name_counts_only_where_the_real_one_is_missing() -> None:
    assert read("symbol,quantity\nA,1\n").rows == ((2, {"ticker": "A", "quantity": "1"}),)
    both = read("Symbol,ticker,quantity\nApple Inc.,A,1\n")
    assert both.rows == ((2, {"ticker": "A", "quantity": "1"}),)
    assert [(found.code, found.column) for found in both.warnings] == [("ignored_column", "Symbol")]


def test_two_headers_of_one_column_are_refused() -> None:
    assert codes(read("ticker,TICKER,quantity\nA,B,1\n")) == [(1, "duplicate_column")]
    assert codes(read("symbol,security,quantity\nA,B,1\n")) == [(1, "duplicate_column")]


def test_other_columns_are_ignored_with_a_warning() -> None:
    table = read("ticker,sector,quantity,Currency\nA,Tech,1,USD\n")
    assert [(found.line, found.column, found.code) for found in table.warnings] == [
        (1, "sector", "ignored_column"),
        (1, "Currency", "ignored_column"),
    ]
    assert table.rows == ((2, {"ticker": "A", "quantity": "1", "currency": "USD"}),)


def test_every_missing_column_is_named() -> None:
    table = read("sector\nTech\n")
    assert [(found.code, found.column) for found in table.problems] == [("missing_column", "ticker"), ("missing_column", "quantity")]


def test_lines_are_the_files_own_with_quoted_line_breaks_and_blank_lines() -> None:
    text = '\nticker,quantity,tags\n\nA,1,"x,\ny"\n\n  ,,\nB,2,z\nC,3\n'  # lines 1, 3, 6 and 7 are blank; A takes 4 and 5
    table = read(text)
    assert [line for line, _ in table.rows] == [4, 8]
    assert codes(table) == [(9, "wrong_cell_count")]


def test_blank_cells_beyond_the_header_are_no_fault_but_filled_ones_are() -> None:
    table = read("ticker,quantity\nA,1,,\nB,2,3\n")
    assert [line for line, _ in table.rows] == [2]
    assert codes(table) == [(3, "wrong_cell_count")]


def test_quotes_that_do_not_match_are_named_with_their_line_and_the_rest_is_still_read() -> None:
    table = read('ticker,quantity,tags\nA,1,"x"y\nB,2,"a ""b"""\nC,,\nD,4,"open\nE,5,\n')
    assert [line for line, _ in table.rows] == [3, 4]
    assert table.rows[0][1]["tags"] == 'a "b"'
    assert codes(table) == [(2, "broken_quotes"), (5, "broken_quotes")]
    assert codes(read(b'"ticker')) == [(1, "broken_quotes")]
    assert codes(read("ticker,quantity\n" + '"' + "x" * 200_000 + '",1\n')) == [(2, "broken_quotes")]  # csv's own limit


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\n\n ,,\n", "empty_file"),
        ("ticker,quantity\nM\xfcller,1\n".encode("latin-1"), "not_utf8"),
        ("ticker,quantity\n".encode("utf-16"), "not_utf8"),
        (b"ticker,quantity\nA\x00,1\n", "not_utf8"),
        (b"ticker;quantity\nA;1\n", "wrong_separator"),
        (b"ticker\tquantity\nA\t1\n", "wrong_separator"),
    ],
)
def test_files_that_are_no_csv_are_refused_as_a_whole(content: bytes, code: str) -> None:
    table = read(content)
    assert [found.code for found in table.problems] == [code]
    assert table.rows == ()


def test_ten_megabytes_are_accepted_and_one_byte_more_is_not() -> None:
    row = "A,1," + "x" * 100_000 + "\n"
    text = "ticker,quantity,tags\n" + row * (MAX_BYTES // len(row))
    text += " " * (MAX_BYTES - len(text))
    assert len(text) == 10 * 1024 * 1024
    assert read(text).problems == ()
    assert codes(read(text + " ")) == [(None, "file_too_large")]


def test_ten_thousand_rows_are_accepted_and_one_more_is_not() -> None:
    head, row = "ticker,quantity\n", "A,1\n\n"
    assert len(read(head + row * MAX_ROWS).rows) == 10_000
    assert codes(read(head + row * (MAX_ROWS + 1))) == [(None, "too_many_rows")]


def test_file_with_a_header_alone_has_no_rows_and_a_warning() -> None:
    table = read("ticker,quantity\n\n")
    assert (table.rows, table.problems, [found.code for found in table.warnings]) == ((), (), ["no_rows"])


def test_every_problem_says_what_is_wrong_and_what_to_do() -> None:
    for code, (message, remedy) in PROBLEMS.items():
        assert code == code.lower()
        assert message.endswith("."), code
        assert remedy.endswith((".", "`")), code
