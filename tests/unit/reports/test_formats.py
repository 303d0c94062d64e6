"""Cells and sizes: escaping, rounding, spreadsheet safety, the JSON's limit."""

from __future__ import annotations

import json
import uuid
from datetime import date

import pytest

from sigmasight_assets.reports import csv_writer, json_writer, markdown
from sigmasight_assets.reports.model import Column, Report, Section, Table
from sigmasight_assets.reports.texts import escape, width
from sigmasight_assets.reports.words import explained


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n=", "  =", "\u3000＝", " \t@"])
def test_no_text_cell_can_start_a_formula(sign: str) -> None:
    assert csv_writer.cell(f"{sign}SUM(A1)").startswith("'")


@pytest.mark.parametrize("text", ["\tplain", "\rplain", "a\r\nb", "a\x00b", "a\u2028b"])
def test_a_text_cell_is_one_line_without_control_characters(text: str) -> None:
    assert csv_writer.cell(text) == text.translate(dict.fromkeys(map(ord, "\t\r\n\x00\u2028"), " "))


def test_numbers_keep_every_digit_and_their_sign() -> None:
    assert [csv_writer.cell(value) for value in (-0.1, 1e-17, 140.36000061035156, 3, None)] == [
        "-0.1",
        "1e-17",
        "140.36000061035156",
        "3",
        "",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567.5, "USD", "1,234,568"),
        (-0.4, "USD", "0"),
        (-0.00001, "decimal", "0.00%"),
        (0.12345, "share of NAV", "12.35%"),
        (12.34567, "price", "12.3457"),
        (2270.0, "count", "2,270"),
        (0.5, "count", "0.5"),
        (1.23456, "ratio", "1.235"),
        (-0.000123456, "correlation", "-0.0001235"),
        (123456.7, "USD per day", "123,457"),
        (None, "USD", "N/A"),
        (None, "date", "N/A"),
        (None, "text", ""),
        (date(2022, 12, 28), "date", "2022-12-28"),
    ],
)
def test_markdown_rounds_by_unit(value: float | None, unit: str, text: str) -> None:
    assert markdown.shown(value, unit) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("PRIVATE_EQUITY_FUND", "PRIVATE_EQUITY_FUND"),
        ("_emphasis_", r"\_emphasis\_"),
        ("Johnson & Johnson", "Johnson & Johnson"),
        ("&amp; &#60; &x", r"\&amp; \&#60; &x".replace("#", r"\#")),
        ("<script>", r"\<script\>"),
        ("[a](b)", r"\[a\](b)"),
        ("$x$ ~~y~~", r"\$x\$ \~\~y\~\~"),
        ("two\nlines\u2029here", "two lines here"),
        ("\u202eesrever", "esrever"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_markup_in_names_is_shown_as_it_stands(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_wide_and_combining_signs_count_as_they_are_drawn() -> None:
    assert (width("基金"), width("e\u0301"), width("abc")) == (4, 1, 3)


def test_a_reason_without_words_is_still_readable() -> None:
    assert (explained("stale_spot"), explained("some_new_reason"), explained(None)) == (
        "the underlying's last close is older than the session",
        "some new reason",
        "no reason given",
    )


def report_of(sizes: dict[str, int], of: int | None = None) -> Report:
    """Tables of that many rows, each about 100 bytes."""
    columns = (Column("name", "Name", "text"), Column("value", "Value", "USD"))
    tables = [
        Table(name, name, columns, tuple((f"基金 {i:05d} {'x' * 60}", i / 3.0) for i in range(n)), of and of * n)
        for name, n in sizes.items()
    ]
    sections = tuple(Section(table.name, table.name, "ok", None, date(2022, 12, 28), tables=(table,)) for table in tables)
    return Report(uuid.UUID(int=1), "big", "Big", date(2022, 12, 28), sections)


@pytest.mark.parametrize("sizes", [{"a": 2000}, {"a": 300, "b": 400, "c": 5}, {f"t{i}": 40 for i in range(30)}])
@pytest.mark.parametrize("of", [None, 3])
def test_json_never_exceeds_its_limit_and_says_what_it_left_out(sizes: dict[str, int], of: int | None) -> None:
    text = json_writer.render(report_of(sizes, of))
    assert 0.95 * json_writer.MAX_BYTES < len(text.encode()) <= json_writer.MAX_BYTES
    for name, group in json.loads(text)["groups"].items():
        kept, there = len(group["tables"][name]), sizes[name] * (of or 1)
        assert group["truncated"] == ({} if kept == there else {name: {"rows": kept, "of": there}})
        assert [row["value"] for row in group["tables"][name]] == [i / 3.0 for i in range(kept)]


def test_a_report_within_the_limit_is_given_whole() -> None:
    group = json.loads(json_writer.render(report_of({"a": 200})))["groups"]["a"]
    assert (len(group["tables"]["a"]), group["truncated"]) == (200, {})
