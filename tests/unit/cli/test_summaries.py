"""The summary of portfolios: a column each, a row per figure, whatever the terminal's width."""

from __future__ import annotations

from datetime import date

import pytest

from sigmasight_assets.cli.console import out, show_table
from sigmasight_assets.cli.desk import Desk
from sigmasight_assets.cli.summaries import show_portfolios
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from tests.support.books import Lot, add_book, run_all, workshop
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7)]
NAMES = ("balanced-individual-investor", "long-short-equity-hedge-fund-style", "one", "sophisticated-high-net-worth", "x" * 40)


@pytest.fixture
def desk(sqlite: Database, calendar: SessionCalendar) -> Desk:
    """Five portfolios of shares, one of them with a lot without a price."""
    market = SmallMarket(DAYS, {"A": [10.0, 10.0, 11.0]})
    for name in NAMES:
        held = [Lot("A", -123456789, 9, DAYS[0])] + [Lot("NONE", 1, 1, DAYS[0])] * (name == "one")
        add_book(sqlite, held, cash=1234567890, as_of=DAYS[-1], name=name)
    run_all(workshop(sqlite, calendar, market), DAYS, DAYS[2:])
    return Desk(Settings(), sqlite, calendar, market, utc_now)


@pytest.mark.parametrize(("width", "a_block"), [(80, 3), (100, 4), (160, 4), (30, 1)])
def test_summary_fits_the_width_and_shows_every_figure_in_full(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, a_block: int
) -> None:
    monkeypatch.setattr(out, "width", width)
    show_portfolios(desk, DAYS[-1])
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= max(width, 35)
    assert not any("…" in line for line in lines)
    labels = (
        "NAV",
        "long",
        "short",
        "gross",
        "net",
        "day P&L",
        "year P&L",
        "delta $",
        "gamma",
        "theta",
        "vega",
        "rho",
        "coverage",
        "status",
    )
    rows = {label: [line for line in lines if line.strip().startswith(label)] for label in labels}
    n_blocks = -(-len(NAMES) // a_block)
    assert all(len(found) >= n_blocks for found in rows.values())
    values = [cell for line in rows["NAV"] for cell in line.split()[1:]]
    assert values == ["-123,456,789"] * len(NAMES)  # 1,234,567,890 of cash less 123,456,789 x 11
    assert "partial" in " ".join(rows["status"])
    assert any("missing prices" in " ".join(line.split()) for line in lines)


def test_summary_of_a_session_without_values_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    show_portfolios(desk, DAYS[0])
    assert capsys.readouterr().out == "No portfolio has values on 2022-03-03.\n"


def test_table_cells_are_texts_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("[/odd]", ["[bold]", "n"], [["[red]x[/blue]", "1"]])
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("[/odd]", "[bold]", "[red]x[/blue]"))
