"""What `sigmasight run` makes of its options: tables with what follows from them, and tags."""

from __future__ import annotations

from datetime import date

import pytest

from sigmasight_assets.calculations.planning import Coverage, plan_range
from sigmasight_assets.cli.arguments import parse_tags
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import MARKET

FIRST, LAST = date(2022, 12, 27), date(2022, 12, 28)


@pytest.fixture
def coverage(calendar: SessionCalendar) -> Coverage:
    return Coverage(calendar, SampleProvider(), LAST, date(2022, 1, 3))


def test_tags_are_names_and_values() -> None:
    assert parse_tags(["evening=yes", "why=a=b", "empty="], "--tag") == {"evening": "yes", "why": "a=b", "empty": ""}


@pytest.mark.parametrize("text", ["evening", "=yes", "dagster/partition=2022-12-28", "sigmasight/portfolios=x"])
def test_tags_without_a_name_or_with_one_that_means_something_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parse_tags([text], "--tag")
    assert refused.value.code == 2
    assert repr(text) in capsys.readouterr().err.replace("\n", " ")


def test_downstream_adds_what_is_made_of_the_tables_and_nothing_else(sqlite: Database, coverage: Coverage) -> None:
    plan = plan_range(sqlite, coverage, FIRST, LAST, ["risk_metrics"], downstream=True)
    assert plan.assets == ("risk_metrics", "var_exceptions", "portfolio_reports")
    assert plan_range(sqlite, coverage, FIRST, LAST, ["risk_metrics"]).assets == ("risk_metrics",)


def test_a_plan_of_the_book_alone_has_no_market_sessions(sqlite: Database, coverage: Coverage) -> None:
    # nothing is stored: the market's sessions before the range are missing, and are the business of who asks for market data
    plan = plan_range(sqlite, coverage, FIRST, LAST, ["position_values"])
    assert (plan.market, plan.book) == ([], [FIRST, LAST])
    whole = plan_range(sqlite, coverage, FIRST, LAST)
    assert (whole.market[0], whole.market[-1]) == (date(2019, 12, 31), LAST)
    assert plan_range(sqlite, coverage, FIRST, LAST, ["prices"]).selected(MARKET) == ["prices"]
