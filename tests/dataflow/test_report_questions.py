"""Questions that people ask of a report, answered from its JSON alone by path, and held against the tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.reports import json_writer, markdown
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.tables import (
    factor_exposures,
    market_scenarios,
    pnl_attribution,
    portfolio_snapshots,
    position_values,
    risk_metrics,
    stress_results,
    var_exceptions,
)
from tests.dataflow.risk_demo import HEDGE_FUND, INDIVIDUAL, LAST, WEALTHY, computed_demo, slugs

BOOKS = (INDIVIDUAL, HEDGE_FUND, WEALTHY)


@pytest.fixture(scope="module")
def demo(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Iterator[Workshop]:
    shop = computed_demo(sqlite_template, tmp_path_factory.mktemp("questions"), calendar)
    yield shop
    shop.database.dispose()


@pytest.fixture(scope="module")
def documents(demo: Workshop) -> dict[str, str]:
    """Slug -> the JSON text."""
    return {slug: json_writer.render(collect(demo.database, slug)) for slug in BOOKS}


def at(text: str, path: str) -> Any:
    """The value at a path: names joined by points, rows of a table by `[column=value]` or by `[number]`."""
    found: Any = json.loads(text)["groups"]
    for step in re.findall(r"[^.\[\]]+|\[[^\]]+\]", path):
        if not step.startswith("["):
            found = found[step]
        elif "=" in step:
            name, value = step[1:-1].split("=")
            (found,) = (row for row in found if str(row[name]) == value)
        else:
            found = found[int(step[1:-1])]
    return found


class Stored:
    """One book's rows of the last session."""

    def __init__(self, demo: Workshop, slug: str) -> None:
        self.demo = demo
        self.portfolio = next(portfolio for portfolio, name in slugs(demo).items() if name == slug)

    def rows(self, table: Any, **chosen: object) -> pd.DataFrame:
        rows = self.demo.database.frame(select(table).where(table.c.session == LAST, table.c.portfolio_id == self.portfolio))
        for name, value in chosen.items():
            rows = rows[rows[name] == value]
        return rows

    def one(self, table: Any, name: str, **chosen: object) -> Any:
        (value,) = self.rows(table, **chosen)[name]
        return value

    def position_that_loses_most(self, scenario: str) -> str:
        """By the packed gains, lots of one underlying together."""
        held = self.rows(position_values)
        held = held[held["event"].isna()].sort_values("lot_id", key=lambda ids: ids.map(lambda lot: lot.int))
        packed = self.one(stress_results, "position_pnl", scenario_id=scenario, mode="direct")
        return str(pd.Series(packed, index=held["underlying"].to_list()).groupby(level=0).sum(min_count=1).idxmin())

    def vega_by_expiry(self, year_and_month: str) -> float:
        held = self.rows(position_values)
        held = held[held["event"].isna() & (held["asset_class"] == "option")]
        return float(held[held["symbol"].str[-15:-11] == year_and_month]["vega_per_volpt"].sum())


STRESS, GRID, METRICS = "stress_results.tables.scenarios", "market_scenarios.tables.grid", "risk_metrics.metrics"
QUESTIONS: list[tuple[str, str, str, Callable[[Stored], Any]]] = [
    (
        "What does a market decline of 10 % cost?",
        HEDGE_FUND,
        f"{STRESS}[scenario_id=market_down_10].direct",
        lambda s: s.one(stress_results, "pnl", scenario_id="market_down_10", mode="direct"),
    ),
    (
        "Which position loses most in it?",
        HEDGE_FUND,
        f"{STRESS}[scenario_id=market_down_10].worst_position",
        lambda s: s.position_that_loses_most("market_down_10"),
    ),
    ("How much of the book do betas cover?", WEALTHY, "factor_exposures.coverage", lambda s: s.one(portfolio_snapshots, "factor_coverage")),
    ("Why is coverage 0.47?", WEALTHY, "factor_exposures.tables.uncovered[0].reason", lambda _: "private_asset"),
    (
        "Which scenario is the worst, and what does it cost of NAV?",
        HEDGE_FUND,
        "stress_results.metrics.worst_share",
        lambda s: s.rows(stress_results, mode="direct")["pnl_share"].min(),
    ),
    (
        "What do 100 basis points more cost?",
        INDIVIDUAL,
        f"{GRID}[scenario_id=rates_up_100bp].pnl",
        lambda s: s.one(market_scenarios, "pnl", scenario_id="rates_up_100bp"),
    ),
    ("What is the value at risk of a day at 95 %?", HEDGE_FUND, f"{METRICS}.var_95", lambda s: s.one(risk_metrics, "var_95")),
    (
        "How often was it exceeded?",
        HEDGE_FUND,
        "risk_metrics.tables.exceptions[level=95].n_exceptions",
        lambda s: s.one(var_exceptions, "n_exceptions", level="95"),
    ),
    (
        "How much of the day's gain is the market's?",
        INDIVIDUAL,
        "pnl_attribution.tables.factor[term=market].day",
        lambda s: s.one(pnl_attribution, "factor_market"),
    ),
    (
        "What do the Greeks leave unexplained?",
        HEDGE_FUND,
        "pnl_attribution.metrics.explain_residual",
        lambda s: s.one(pnl_attribution, "explain_residual"),
    ),
    ("What is the market beta?", HEDGE_FUND, "factor_exposures.metrics.beta", lambda s: s.one(factor_exposures, "beta", factor="market")),
    (
        "How much vega expires in March 2023?",
        HEDGE_FUND,
        "option_greeks.tables.by_expiry[expiry=2023-03-17].vega_per_volpt",
        lambda s: s.vega_by_expiry("2303"),
    ),
]


@pytest.mark.parametrize(("slug", "path", "answer"), [case[1:] for case in QUESTIONS], ids=[case[0] for case in QUESTIONS])
def test_a_question_is_answered_by_its_path(
    demo: Workshop, documents: dict[str, str], slug: str, path: str, answer: Callable[[Stored], Any]
) -> None:
    found, expected = at(documents[slug], path), answer(Stored(demo, slug))
    assert found is not None
    assert found == pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else found == expected


def test_the_documents_are_valid_small_and_whole(documents: dict[str, str]) -> None:
    validator = jsonschema.Draft202012Validator(json_writer.schema())
    for text in documents.values():
        document = json.loads(text)
        validator.validate(document)
        assert len(text.encode()) <= json_writer.MAX_BYTES
        assert {group["status"] for group in document["groups"].values()} <= {"ok", "partial"}
        assert len(document["groups"]["stress_results"]["tables"]["scenarios"]) == 19
        assert len(document["groups"]["market_scenarios"]["tables"]["grid"]) == 16


def test_a_reader_is_told_how_the_two_modes_differ(demo: Workshop) -> None:
    text = markdown.render(collect(demo.database, INDIVIDUAL))
    assert "A move of the market alone gives shares the same result both ways" in text
    assert "the two differ through rates, stated styles and what a move of the market does to the curve (gamma) alone" in text


def test_markdown_and_json_show_the_results_of_the_table(demo: Workshop, documents: dict[str, str]) -> None:
    for slug in BOOKS:
        text, stored = markdown.render(collect(demo.database, slug)), Stored(demo, slug)
        for row in json.loads(documents[slug])["groups"]["stress_results"]["tables"]["scenarios"]:
            both = stored.rows(stress_results, scenario_id=row["scenario_id"]).set_index("mode")
            assert (row["direct"], row["correlated"]) == (both.loc["direct", "pnl"], both.loc["correlated", "pnl"])
            assert row["impact_band"] == both.loc["direct", "impact_band"]
            shown = re.escape(markdown.shown(row["direct"], "USD"))
            assert re.search(rf"\| {row['scenario_id']} +\| {row['severity']} +\| +{shown} \|", text)
        worst = json.loads(documents[slug])["groups"]["stress_results"]["metrics"]["worst_scenario"]
        rows = stored.rows(stress_results, mode="direct").sort_values("pnl")
        assert worst == rows["scenario_id"].iloc[0]
        parts = json.loads(documents[slug])["groups"]["stress_results"]["tables"]["worst_parts"]
        assert sum(part["direct"] for part in parts) == pytest.approx(rows["pnl"].iloc[0], abs=0.1)


def test_components_by_underlying_are_sums_of_lots(demo: Workshop, documents: dict[str, str]) -> None:
    row = Stored(demo, INDIVIDUAL).rows(risk_metrics).iloc[0]
    shown = json.loads(documents[INDIVIDUAL])["groups"]["risk_metrics"]["tables"]["components"]
    assert shown[0]["underlying"] == "QUAL"
    lots = Stored(demo, INDIVIDUAL).rows(position_values).set_index("lot_id")
    names = np.array([lots.loc[next(lot for lot in lots.index if lot.hex == text), "underlying"] for text in row["lot_ids"]])
    assert shown[0]["es_95"] == pytest.approx(row["es_95_components"][names == "QUAL"].sum(), rel=1e-12)
