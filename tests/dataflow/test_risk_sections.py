"""Reports of the factor model and of correlations: the tables' own figures, with their history, and what is missing said."""

from __future__ import annotations

import jsonschema
import numpy as np
import pytest
from sqlalchemy import insert, select, update

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.engines.factor_names import MODEL_FACTORS
from sigmasight_assets.reports import json_writer, markdown
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.model import Section, Table
from sigmasight_assets.store.tables import factor_exposures, portfolio_factor_risk, position_correlations
from tests.support.factor_market import LAST, last_sessions, of_portfolio

HNW, HEDGE_FUND = "sophisticated-high-net-worth", "long-short-equity-hedge-fund-style"


def section(shop: Workshop, slug: str, name: str) -> Section:
    return next(part for part in collect(shop.database, slug).sections if part.name == name)


def cells(table: Table, column: str) -> list[object]:
    place = [one.name for one in table.columns].index(column)
    return [row[place] for row in table.rows]


def named(part: Section, name: str) -> Table:
    return next(table for table in part.tables if table.name == name)


def test_exposures_in_a_report_are_the_tables_own_in_the_order_of_the_model(demo: Workshop) -> None:
    shown = named(section(demo, HEDGE_FUND, "factor_exposures"), "exposures")
    stored = of_portfolio(demo.database, factor_exposures, HEDGE_FUND).set_index("factor").loc[list(MODEL_FACTORS)]
    assert cells(shown, "factor") == list(MODEL_FACTORS)
    for column in ("exposure_long", "exposure_short", "exposure_net", "beta", "std_error", "volatility_contribution", "variance_share"):
        assert cells(shown, column) == stored[column].tolist()
    assert set(cells(shown, "percentile")) == {None}  # three sessions are no history


def test_percentile_stands_against_the_portfolios_own_last_year(demo: Workshop) -> None:
    today = of_portfolio(demo.database, factor_exposures, HEDGE_FUND)
    e = factor_exposures.c
    earlier = last_sessions(demo.calendar, 43)[:40]
    market = today.set_index("factor").loc["market"]
    rows = [
        {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in market.items()}
        | {"factor": "market", "session": day, "beta": market["beta"] + (0.1 if k < 10 else -0.1)}
        for k, day in enumerate(earlier)
    ]
    with demo.database.write() as connection:
        connection.execute(insert(factor_exposures), rows)
        own = update(factor_exposures).where(e.portfolio_id == market["portfolio_id"], e.session < LAST, e.session > earlier[-1])
        connection.execute(own.where(e.factor == "market").values(beta=None))
    shown = named(section(demo, HEDGE_FUND, "factor_exposures"), "exposures")
    percentile = dict(zip(cells(shown, "factor"), cells(shown, "percentile"), strict=True))
    assert percentile["market"] == pytest.approx(31 / 41)  # thirty lower ones and today's
    assert percentile["size"] is None


def test_contributors_are_underlyings_and_the_figures_say_what_they_cover(demo: Workshop) -> None:
    part = section(demo, HNW, "factor_exposures")
    risk = of_portfolio(demo.database, portfolio_factor_risk, HNW).iloc[0]
    assert (part.status, part.reason, part.coverage) == ("partial", "uncovered_positions", risk["coverage"])
    assert any("9 of 27 lots have no betas" in note for note in part.notes)
    assert "Stand-ins: SP500 for SPY (market), VLUE for VTV (value), GROWTH_BASKET for VUG (growth)." in part.notes
    contributors = named(part, "contributors")
    sizes = np.abs(np.array(cells(contributors, "volatility_contribution"), dtype=float))
    assert np.all(np.diff(sizes) <= 0)
    names, parts = np.array(risk["underlyings"]), unpacked(risk["volatility_contributions"])
    for underlying, contribution in zip(cells(contributors, "underlying"), cells(contributors, "volatility_contribution"), strict=True):
        assert contribution == pytest.approx(np.nansum(parts[names == underlying]))
    uncovered = named(part, "uncovered")
    assert cells(uncovered, "symbol")[:2] == ["HOME_EQUITY", "PRIVATE_EQUITY_FUND"]
    assert set(cells(uncovered, "reason")) == {"private_asset"}
    assert len(uncovered.rows) == 9


def test_correlations_in_a_report_are_the_tables_own(demo: Workshop) -> None:
    part = section(demo, HEDGE_FUND, "position_correlations")
    stored = of_portfolio(demo.database, position_correlations, HEDGE_FUND).set_index("view").loc[["portfolio", "longs", "shorts"]]
    views = named(part, "views")
    for column in ("n_names", "average_correlation", "effective_number", "concentration", "n_clusters", "coverage"):
        assert cells(views, column) == stored[column].tolist()
    assert cells(named(part, "clusters"), "name") == [cluster["name"] for cluster in stored.loc["portfolio", "clusters"]]
    shown = np.array(cells(named(part, "pairs"), "correlation"), dtype=float)
    known = np.sort(unpacked(stored.loc["portfolio", "correlations"]))[::-1]
    np.testing.assert_array_equal(shown, np.concatenate([known[:5], known[-5:]]))


def test_json_of_the_risk_sections_is_valid_and_markdown_shows_them(demo: Workshop) -> None:
    for slug in (HNW, HEDGE_FUND, "balanced-individual-investor"):
        report = collect(demo.database, slug)
        document = json_writer.document(report)
        jsonschema.Draft202012Validator(json_writer.schema()).validate(document)
        assert document["groups"]["factor_exposures"]["units"]["exposures.beta"] == "ratio"
        text = markdown.render(report)
        beta = document["groups"]["portfolio_snapshots"]["metrics"]["beta"]
        assert f"{beta:.4g}" in text
        assert "## Factor exposures" in text
        assert "## Correlations" in text


def test_what_was_not_computed_is_said_and_breaks_nothing(demo: Workshop) -> None:
    with demo.database.write() as connection:
        for table in (portfolio_factor_risk, factor_exposures, position_correlations):
            connection.execute(table.delete())
    for name in ("factor_exposures", "position_correlations"):
        part = section(demo, HNW, name)
        assert (part.status, part.reason, part.tables) == ("unavailable", "not_materialized", ())


def test_a_matrix_that_was_repaired_says_so(demo: Workshop) -> None:
    with demo.database.write() as connection:
        connection.execute(update(position_correlations).values(repaired=True))
        assert connection.execute(select(position_correlations.c.repaired).limit(1)).scalar_one() is True
    assert any("nearest correlation matrix" in note for note in section(demo, HNW, "position_correlations").notes)
