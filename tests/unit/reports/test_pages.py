"""The HTML of reports: it needs nothing, runs nothing, and says what the other formats say."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from sigmasight_assets.reports import html_writer, markdown
from sigmasight_assets.reports.drawings import Series, bars, line
from sigmasight_assets.reports.model import Column, Report, Section, Table
from sigmasight_assets.reports.texts import one_line
from tests.unit.reports.conftest import ODD_NAME, Written

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Elements, attributes and texts of a page; every element that is opened has to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def page_of(book: Written) -> Page:
    return Page(html_writer.render(book.report()))


def test_every_element_is_closed_and_nothing_is_loaded_or_run(any_book: Written) -> None:
    page = page_of(any_book)
    assert page.open == []
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in page.elements}
    named = {name for _, attributes in page.elements for name in attributes}
    assert not any(name.startswith("on") for name in named)
    assert {attributes["href"][0] for tag, attributes in page.elements if tag == "a" and attributes["href"]} == {"#"}
    policy = next(attributes for _, attributes in page.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_it_shows_the_figures_of_the_markdown(any_book: Written) -> None:
    report = any_book.report()
    cells = page_of(any_book).cells
    for section in report.sections:
        for table in section.tables:
            for row in table.rows:
                for cell, column in zip(row, table.columns, strict=True):
                    text = one_line(str(cell)) if column.unit in markdown.TEXTS and cell is not None else markdown.shown(cell, column.unit)
                    assert text in cells, (section.name, table.name, column.name)


def test_every_section_is_there_and_linked(any_book: Written) -> None:
    page, names = page_of(any_book), [section.name for section in any_book.report().sections]
    assert [attributes["id"] for tag, attributes in page.elements if tag == "section"] == names
    assert [attributes["href"] for tag, attributes in page.elements if tag == "a"] == [f"#{name}" for name in names]


def test_names_are_texts_and_no_markup(written_books: dict[str, Written]) -> None:
    page = page_of(written_books["oddly named"])
    assert ODD_NAME in page.words
    assert "b" not in {tag for tag, _ in page.elements}


def test_the_same_rows_give_the_same_bytes(written_books: dict[str, Written]) -> None:
    book = written_books["ordinary"]
    assert html_writer.render(book.report()) == html_writer.render(book.report(book.report().session))


def test_tables_are_drawn_and_a_picture_tells_its_figures(written_books: dict[str, Written]) -> None:
    text = html_writer.render(written_books["ordinary"].report())
    drawings = re.findall(r"<svg.*?</svg>", text)
    labels = [re.search(r'aria-label="([^"]+)"', drawing) for drawing in drawings]
    assert {"Exposures over NAV", "Net over NAV", "Net asset value"} <= {label[1] for label in labels if label}
    families = next(drawing for drawing in drawings if 'aria-label="Exposures over NAV"' in drawing)
    section = next(section for section in written_books["ordinary"].report().sections if section.name == "exposures")
    shares = [row[5] for row in section.tables[0].rows]
    assert all(f">{markdown.shown(share, 'share of NAV')}</text>" in families for share in shares)


def test_bars_grow_with_their_values_from_zero() -> None:
    drawing = bars("Gains", ["a", "b", "c"], [Series("gain", [100.0, -50.0, None])], "USD")
    widths = [float(width) for width in re.findall(r'<rect x="[^"]+" y="[^"]+" width="([^"]+)"', drawing)]
    assert len(widths) == 2  # nothing is drawn of what is missing
    assert widths[0] == pytest.approx(2.0 * widths[1], abs=0.2)


def test_a_line_of_one_value_is_no_line() -> None:
    assert line("NAV", ["a"], Series("NAV", [1.0]), "USD") == ""
    assert "<path" in line("NAV", ["a", "b"], Series("NAV", [1.0, 1.0]), "USD")


def test_labels_are_escaped_in_pictures_too() -> None:
    assert "<b>" not in bars("<b>", ["<b>"], [Series("<b>", [1.0]), Series("x", [2.0])], "USD")


def test_a_section_without_an_engine_is_said_to_have_none(written_books: dict[str, Written]) -> None:
    report = written_books["ordinary"].report()
    table = Table("t", "Rows", (Column("a", "A", "count"),), ((1,),), of=3)
    sections = (Section("none", "None", "not_available", "no engine"), Section("some", "Some", "ok", tables=(table,)))
    text = html_writer.render(Report(report.portfolio_id, report.slug, report.name, report.session, sections))
    assert "N/A: no engine." in text
    assert "The first 1 of 3 rows." in text
