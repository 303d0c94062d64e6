"""Reports of ordinary and of awkward books: what each format promises, and that the formats agree."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from typing import Any

import jsonschema
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from sqlalchemy import Float, select

from sigmasight_assets.reports import csv_writer, json_writer, markdown
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.model import Column, Metric, Section, Table
from sigmasight_assets.reports.positions import COLUMNS
from sigmasight_assets.reports.texts import one_line
from sigmasight_assets.store.tables import portfolio_snapshots, position_values
from tests.unit.reports.conftest import DAYS, FRI, ODD_NAME, THU, Written

CELL_BORDER = re.compile(r"(?<!\\)\|")


def as_json(book: Written) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json_writer.render(book.report()))
    return loaded


def as_csv(book: Written) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(csv_writer.render(book.report())), keep_default_na=False, na_values=[""])


def test_json_satisfies_its_published_schema(any_book: Written) -> None:
    validator = jsonschema.Draft202012Validator(json_writer.schema(), format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(as_json(any_book))] == []


def test_json_groups_carry_status_date_and_a_unit_for_every_metric(any_book: Written) -> None:
    for name, group in as_json(any_book)["groups"].items():
        assert group["status"] in ("ok", "stale", "partial", "unavailable", "quarantined", "not_available"), name
        assert group["as_of"] == (None if group["status"] == "not_available" else "2022-03-11"), name
        assert set(group["metrics"]) <= set(group["units"]), name
        assert all(not isinstance(value, (dict, list)) for value in group["metrics"].values()), name


def test_markdown_tables_are_well_formed(any_book: Written) -> None:
    lines = markdown.render(any_book.report()).splitlines()
    for above, rule in itertools.pairwise(lines):
        if re.fullmatch(r"\|[-:| ]+\|", rule):
            headings = [cell.strip() for cell in CELL_BORDER.split(above)[1:-1]]
            assert all(headings), above
    tables = [list(group) for group in _runs(lines) if group[0].startswith("|")]
    assert tables
    for table in tables:
        assert len({len(CELL_BORDER.findall(line)) for line in table}) == 1, table
        assert not any(re.search(r"\b(nan|None|inf|NaT)\b", line) for line in table), table


def _runs(lines: list[str]) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("|") != bool(runs[-1] and runs[-1][0].startswith("|")):
            runs.append([])
        runs[-1].append(line)
    return [run for run in runs if run]


def test_markdown_renders_to_the_text_it_means(any_book: Written) -> None:
    """By a CommonMark parser with GitHub's tables: headings, tables and bullets alone, and every name as it stands."""
    report = any_book.report()
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown.render(report))
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_block", "code_block", "fence", "blockquote_open", "hr", "ordered_list_open"}
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "code_inline", "softbreak", "strong_open", "strong_close", "text_special"}
    title = next(tokens[i + 1] for i, token in enumerate(tokens) if token.type == "heading_open")
    assert "".join(child.content for child in title.children or ()) == one_line(report.name)
    texts = ["".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"]
    for row in report.positions[:5]:
        assert row["symbol"] in texts
        assert (
            row["name"] is None
            or row["asset_class"] == "option"
            or any(text.startswith(one_line(row["name"])[:31].rstrip()) for text in texts)
        )


def test_markdown_has_one_title_and_every_section_once(any_book: Written) -> None:
    report = any_book.report()
    text = markdown.render(report)
    assert [line for line in text.splitlines() if line.startswith("# ")] == [f"# {markdown.escape(report.name)}"]
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [section.title for section in report.sections]


def test_the_same_rows_give_the_same_bytes(any_book: Written) -> None:
    again = collect(any_book.database, any_book.slug)
    for render in (markdown.render, json_writer.render, csv_writer.render):
        assert render(again) == render(any_book.report())


def test_csv_has_a_line_per_lot_and_thirty_to_forty_columns(any_book: Written) -> None:
    report = any_book.report()
    lines = list(csv.reader(io.StringIO(csv_writer.render(report))))
    assert lines[0] == list(COLUMNS)
    assert 30 <= len(COLUMNS) <= 40
    assert len(lines) == 1 + len(report.positions)
    assert {len(line) for line in lines} == {len(COLUMNS)}


def test_csv_numbers_are_those_of_the_table_to_the_last_digit(any_book: Written) -> None:
    report = any_book.report()
    p = position_values
    stored = any_book.database.frame(select(p).where(p.c.session == FRI, p.c.portfolio_id == report.portfolio_id))
    stored["lot_id"] = stored["lot_id"].astype(str)
    written = as_csv(any_book)
    both = stored.set_index("lot_id").loc[list(written["lot_id"])].reset_index()
    numbers = [column.name for column in p.columns if isinstance(column.type, Float)]
    assert set(numbers) <= set(COLUMNS)
    for name in numbers:
        pd.testing.assert_series_equal(written[name].astype(float), both[name], check_exact=True)


def test_markdown_json_and_csv_agree_with_the_snapshot(written_books: dict[str, Written]) -> None:
    book = written_books["ordinary"]
    report, groups, positions = book.report(), as_json(book)["groups"], as_csv(book)
    s = portfolio_snapshots
    row = book.database.frame(select(s).where(s.c.session == FRI, s.c.portfolio_id == report.portfolio_id)).iloc[0]
    metrics = groups["portfolio_snapshots"]["metrics"]
    assert {name: None if row[name] != row[name] else row[name] for name in metrics} == metrics
    assert {name: row[name] for name in groups["exposures"]["metrics"]} == groups["exposures"]["metrics"]
    held = positions[positions["event"].isna()]
    assert held["market_value"].sum() == pytest.approx(metrics["market_value_net"], rel=1e-12)
    assert (positions["pnl"].sum() + positions["dividends"].sum()) == pytest.approx(metrics["pnl"], rel=1e-12)
    assert held["weight"].sum() * metrics["nav"] == pytest.approx(metrics["market_value_net"], rel=1e-12)
    assert held["gamma_dollars_per_pct"].sum() == pytest.approx(groups["option_greeks"]["metrics"]["gamma_dollars_per_pct"], rel=1e-12)
    for table in groups["allocation"]["tables"].values():
        invested = [line for line in table if line["group"] != "Cash"]
        assert sum(line["net"] for line in invested) == pytest.approx(metrics["market_value_net"], rel=1e-12)
        assert sum(line["delta_dollars"] for line in invested) == pytest.approx(row["delta_net"], rel=1e-12)
        assert sum(line["lots"] for line in invested) == metrics["n_positions"]
    for by in ("by_underlying", "by_expiry"):
        total = sum(line["vega_per_volpt"] for line in groups["option_greeks"]["tables"][by])
        assert total == pytest.approx(row["vega_per_volpt"], rel=1e-12)
    newest = groups["pnl_history"]["tables"]["history"][0]
    assert (newest["session"], newest["nav"], newest["pnl"]) == ("2022-03-11", metrics["nav"], metrics["pnl"])
    text = markdown.render(report)
    assert re.search(rf"\| Net asset value +\| +{metrics['nav']:,.0f} \|", text)
    assert re.search(rf"\| P&L of the day +\| +{metrics['pnl']:,.0f} \|", text)
    assert re.search(rf"\| Market value \|.* {metrics['market_value_gross'] / metrics['nav']:.2%} \|", text)


def test_holdings_join_the_lots_of_a_symbol_but_not_its_two_sides(written_books: dict[str, Written]) -> None:
    tables = as_json(written_books["ordinary"])["groups"]["position_values"]["tables"]
    share = next(line for line in tables["top_long"] if line["symbol"] == "A")
    assert (share["lots"], share["quantity"], share["market_value"]) == (2, 130.0, 130 * 52.0)
    assert share["gain"] == 130 * (52.0 - 51.0) + 130 * 0.25  # price and dividend: what the day's P&L counts
    assert [line["symbol"] for line in tables["top_short"]] == ["B", "A220617C00050000"]
    assert [(line["symbol"], line["event"], line["realized_pnl"]) for line in tables["ended"]] == [("B", "exited", 2.5)]


def test_funds_and_private_assets_are_no_sectors(written_books: dict[str, Written]) -> None:
    lines = as_json(written_books["ordinary"])["groups"]["allocation"]["tables"]
    assert {line["group"] for line in lines["by_sector"]} == {"Energy", "Funds: Equity Small Cap", "Private assets"}
    assert {line["group"] for line in lines["by_asset_class"]} == {"Shares", "Funds", "Options", "Private assets", "Cash"}


def test_every_price_says_where_it_is_from(written_books: dict[str, Written]) -> None:
    rows = as_csv(written_books["ordinary"]).set_index("symbol")
    assert rows.loc["A", "price_source"].tolist() == ["by hand (traded)"] * 2
    assert rows.loc["A220617C00050000", "price_source"] == "mid"
    assert rows.loc["HOUSE", "price_source"] == "owner's mark"
    assert rows.loc["B", "price_source"].tolist() == ["by hand (traded)", "ledger, exit price"]
    assert rows.loc["A", "tags"].tolist() == ["core, tech"] * 2
    assert rows.loc["A220617P00050000", ["expiry", "strike"]].tolist() == ["2022-06-17", 50.0]


def test_missing_prices_are_named_and_in_no_total(written_books: dict[str, Written]) -> None:
    book = written_books["without prices"]
    groups, text = as_json(book)["groups"], markdown.render(book.report())
    assert groups["portfolio_snapshots"]["status"] == "partial"
    assert groups["portfolio_snapshots"]["metrics"]["market_value_net"] == 520.0
    assert groups["portfolio_snapshots"]["coverage"] == pytest.approx(520 / (520 + 50 + 36))
    assert "**Status: partial**: open lots have no price. The figures cover 85.81% of the book." in text
    assert "- Attention: 2 open lots without a price; their value is in no total" in text
    doubtful = {line["symbol"]: line["reason"] for line in groups["data_quality"]["tables"]["doubtful"]}
    assert doubtful == {"NONE": "unknown_symbol", "GAP": "no_price"}


def test_a_book_of_which_nothing_is_priced_shows_no_zeros(written_books: dict[str, Written]) -> None:
    groups = as_json(written_books["nothing priced"])["groups"]
    assert groups["exposures"]["metrics"]["market_value_gross"] is None
    assert groups["allocation"]["tables"]["by_asset_class"][0]["net"] is None
    assert groups["position_values"]["tables"]["top_long"][0]["market_value"] is None


def test_without_nav_the_report_says_why_and_shows_no_shares_of_it(written_books: dict[str, Written]) -> None:
    book = written_books["without nav"]
    groups, text = as_json(book)["groups"], markdown.render(book.report())
    assert groups["portfolio_snapshots"]["metrics"]["nav"] is None
    assert (groups["portfolio_snapshots"]["status"], groups["portfolio_snapshots"]["reason"]) == ("unavailable", "c0_unresolved")
    assert "- Attention: NAV is not known: the cash of an earlier session cannot be derived" in text
    assert re.search(r"\| Net asset value +\| +N/A \|", text)
    assert {line["weight"] for line in groups["position_values"]["tables"]["top_long"]} == {None}


def test_negative_cash_and_a_nav_below_zero_are_shown(written_books: dict[str, Written]) -> None:
    assert "- Attention: cash is -45,000: the book is on margin" in markdown.render(written_books["on margin"].report())
    groups = as_json(written_books["below zero"])["groups"]
    assert groups["portfolio_snapshots"]["metrics"]["nav"] == 52_000 - 80_000
    assert groups["exposures"]["metrics"]["market_value_gross_share"] is None


def test_an_empty_book_is_reported_as_holding_nothing(written_books: dict[str, Written]) -> None:
    text = markdown.render(written_books["empty"].report())
    assert "- The book holds nothing at the close." in text
    assert re.search(r"\| Net asset value +\| +1,000 \|", text)


def test_odd_names_stay_text_in_every_format(written_books: dict[str, Written]) -> None:
    book = written_books["oddly named"]
    report = book.report()
    assert as_json(book)["portfolio"]["name"] == ODD_NAME
    title = markdown.render(report).splitlines()[0]
    assert title == r"# Zoë's \| \"odd\" \*fund\* \_x\_ \<b\>\&lt; 基金 \$1\$ \#2 \`c\`".replace(r"\"", '"')
    odd = as_csv(book).set_index("symbol").loc["B", "name"]
    assert odd == '\'=HYPERLINK("http://example.com")| A&B second line txet'


def test_an_older_session_is_reported_as_it_was(written_books: dict[str, Written]) -> None:
    report = written_books["ordinary"].report(THU)
    assert report.session == THU
    history = report.sections[5].tables[0]
    assert [row[0] for row in history.rows] == list(reversed(DAYS[2:-1]))


def test_an_engine_to_come_is_not_available_and_says_why(written_books: dict[str, Written]) -> None:
    report = written_books["ordinary"].report()
    to_come = Section("credit_risk", "Credit risk", "not_available", "credit risk is not part of this release")
    grown = type(report)(**{**vars(report), "sections": (*report.sections, to_come)})
    group = json.loads(json_writer.render(grown))["groups"]["credit_risk"]
    assert (group["status"], group["reason"], group["metrics"]) == ("not_available", "credit risk is not part of this release", {})
    assert "## Credit risk\n\nN/A: credit risk is not part of this release." in markdown.render(grown)


def test_engines_that_have_not_run_are_unavailable_and_say_so(written_books: dict[str, Written]) -> None:
    groups, text = as_json(written_books["ordinary"])["groups"], markdown.render(written_books["ordinary"].report())
    for name in ("market_scenarios", "stress_results", "risk_metrics", "pnl_attribution"):
        assert (groups[name]["status"], groups[name]["reason"], groups[name]["metrics"]) == ("unavailable", "not_materialized", {})
    assert "## Stress tests\n\n**Status: unavailable**: not computed." in text


def test_a_new_section_needs_no_change_of_any_writer(written_books: dict[str, Written]) -> None:
    report = written_books["ordinary"].report()
    beta = Metric(Column("beta", "Beta to the market", "ratio"), 1.23456)
    table = Table("factors", "Factors", (Column("factor", "Factor", "text"), Column("x", "Exposure", "USD")), (("value", -1234.5),), 7)
    own = Section("factor_returns", "Factor model", "partial", "missing_betas", THU, 0.75, ("A note.",), (beta,), (table,))
    grown = type(report)(**{**vars(report), "sections": (*report.sections, own)})
    group = json.loads(json_writer.render(grown))["groups"]["factor_returns"]
    assert group["metrics"] == {"beta": 1.23456}
    assert group["tables"]["factors"] == [{"factor": "value", "x": -1234.5}]
    assert group["truncated"] == {"factors": {"rows": 1, "of": 7}}
    text = markdown.render(grown)
    assert "**Status: partial**: missing betas. The figures cover 75.00% of the book." in text
    assert "As of 2022-03-10." in text
    assert "| Beta to the market | 1.235 |" in text
    assert "| value  |   -1,234 |" in text
    assert "The first 1 of 7 rows." in text
