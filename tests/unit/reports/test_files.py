"""Writing files: names, whole replacement, refusals; the index of reports; a book of several hundred lots."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from sigmasight_assets.errors import NotFound, NotMaterialized, SigmaSightError
from sigmasight_assets.reports import csv_writer, json_writer, markdown
from sigmasight_assets.reports.checks import files_hold, json_is_valid
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.index import SOURCES
from sigmasight_assets.reports.materialize import portfolio_reports as write_reports
from sigmasight_assets.reports.writer import parse_formats, write_report
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolio_reports
from tests.support.books import Lot, add_book, run_all, run_risk, workshop
from tests.support.small_market import SmallMarket
from tests.unit.reports.conftest import BOOK, DAYS, FRI, Written

STRESS = ("scenario_shocks", "market_scenarios", "stress_results", "var_exceptions")
ROOT = Path(__file__).parents[3]


def test_files_are_named_by_portfolio_and_session(written_books: dict[str, Written], tmp_path: Path) -> None:
    files = write_report(written_books["ordinary"].report(), tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "ordinary_2022-03-11/ordinary_data_2022-03-11.json",
        "ordinary_2022-03-11/ordinary_positions_2022-03-11.csv",
        "ordinary_2022-03-11/ordinary_report_2022-03-11.html",
        "ordinary_2022-03-11/ordinary_report_2022-03-11.md",
    ]
    assert [file.n_bytes for file in files] == [file.path.stat().st_size for file in files]


def test_a_rewritten_file_is_replaced_whole_while_readers_keep_the_old_one(written_books: dict[str, Written], tmp_path: Path) -> None:
    report = written_books["ordinary"].report()
    path = write_report(report, tmp_path, ["md"])[0].path
    path.write_text("what an older version wrote")
    with path.open() as old:
        before = os.fstat(old.fileno()).st_ino
        write_report(report, tmp_path, ["md"])
        assert old.read() == "what an older version wrote"
    assert path.stat().st_ino != before
    assert path.read_text() == markdown.render(report)


def test_a_file_that_cannot_be_written_leaves_no_debris(written_books: dict[str, Written], tmp_path: Path) -> None:
    report = written_books["ordinary"].report()
    target = tmp_path / report.stem / f"{report.slug}_report_{report.session}.md"
    (target / "occupied").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_report(report, tmp_path, ["md"])
    assert list(target.parent.iterdir()) == [target]


def test_unknown_formats_are_refused_by_name() -> None:
    assert parse_formats("MD, json") == ["md", "json"]
    for text in ("pdf", "md,pdf", "", ","):
        with pytest.raises(SigmaSightError, match="expected some of md, json, csv, html"):
            parse_formats(text)


def test_a_session_that_was_not_computed_names_the_command(written_books: dict[str, Written]) -> None:
    with pytest.raises(NotMaterialized, match=r"no snapshot of 2022-03-04: compute it with `sigmasight run --from 2022-03-04`"):
        written_books["ordinary"].report(date(2022, 3, 4))
    with pytest.raises(NotFound, match="There is no portfolio"):
        collect(written_books["ordinary"].database, "nobody-s")


def test_the_index_has_every_source(
    sqlite_template: Path, tmp_path: Path, calendar: SessionCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGMASIGHT_REPORTS_DIR", str(tmp_path / "reports"))
    shutil.copy(sqlite_template, tmp_path / "book.db")
    database = Database(f"sqlite:///{tmp_path / 'book.db'}")
    market = SmallMarket(DAYS, {"A": [50.0] * len(DAYS)})
    add_book(database, [Lot("A", 10, 40, DAYS[0])], cash=100, as_of=FRI)
    shop = workshop(database, calendar, market)
    run_all(shop, DAYS, BOOK)
    run_risk(shop, BOOK)
    write_reports(shop, BOOK)
    first = database.frame(select(portfolio_reports).order_by(portfolio_reports.c.session))
    written = {path: path.read_bytes() for path in (tmp_path / "reports").rglob("*.*")}
    assert len(written) == 4
    assert [files is not None for files in first["files"]] == [False] * (len(BOOK) - 1) + [True]
    for sections in first["sections"]:
        assert set(sections) == set(SOURCES)
        without_factors = dict.fromkeys(("factor_exposures", "portfolio_factor_risk", *STRESS), "unavailable")
        without_factors |= dict.fromkeys(("factor_returns", "risk_metrics", "pnl_attribution"), "partial")  # a week of returns, no betas
        assert {said["status"] for name, said in sections.items() if name in set(SOURCES) - set(without_factors)} == {"ok"}
        assert {name: sections[name]["status"] for name in without_factors} == without_factors  # this market has no proxies
    assert files_hold(shop, BOOK).passed
    assert json_is_valid(shop, BOOK).passed

    write_reports(shop, BOOK)
    assert {path: path.read_bytes() for path in written} == written  # the same bytes, also where the index now exists
    second = database.frame(select(portfolio_reports).order_by(portfolio_reports.c.session))
    assert second["content_hash"].tolist() == first["content_hash"].tolist()

    next(iter(written)).write_text("edited")
    assert not files_hold(shop, BOOK).passed


def test_a_book_of_six_hundred_lots_fits_the_limits(sqlite: Database, calendar: SessionCalendar) -> None:
    symbols = [f"S{i:03d}" for i in range(300)]
    market = SmallMarket(DAYS, {symbol: [10.0 + i % 7] * len(DAYS) for i, symbol in enumerate(symbols)})
    held = [Lot(symbol, (-1) ** i * (10 + i), 9.5, DAYS[0]) for i, symbol in enumerate(symbols)]
    held += [Lot(f"{symbol}220617{'CP'[i % 2]}00010000", (-1) ** (i // 2) * (1 + i), 0.5, DAYS[0]) for i, symbol in enumerate(symbols)]
    portfolio = add_book(sqlite, held, cash=1_000_000, as_of=FRI)
    run_all(workshop(sqlite, calendar, market), DAYS, BOOK[-1:])
    report = collect(sqlite, portfolio.id)
    assert len(csv_writer.render(report).splitlines()) == 601
    text = json_writer.render(report)
    assert len(text.encode()) <= json_writer.MAX_BYTES
    groups = json.loads(text)["groups"]
    assert groups["position_values"]["truncated"]["top_long"] == {"rows": 10, "of": 300}
    assert groups["option_greeks"]["truncated"]["series"] == {"rows": 20, "of": 300}
    assert "The first 20 of 300 rows." in markdown.render(report)
