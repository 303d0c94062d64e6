"""The worked position of docs/factor-model.md: each figure from the file with plain Python, on the page, and in the tables."""

from __future__ import annotations

import csv
import itertools
import re
from math import fsum, sqrt
from pathlib import Path

import pytest

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.store.tables import factor_betas, factor_covariance, factor_loadings, portfolio_factor_risk
from tests.dataflow.demo_books import SAMPLE_DATA
from tests.support.factor_market import LAST, of_portfolio, rows_of

PAGE = (Path(__file__).parents[2] / "docs" / "factor-model.md").read_text()
ROWS = list(csv.DictReader((SAMPLE_DATA / "adjusted_closes.csv").read_text().splitlines()))
SHARES = 210


def returns(symbol: str) -> list[float]:
    closes = [float(row[symbol]) for row in ROWS[-253:]]
    return [now / before - 1.0 for before, now in itertools.pairwise(closes)]


def sum_of_products(one: list[float], other: list[float]) -> float:
    first, second = fsum(one) / len(one), fsum(other) / len(other)
    return fsum((a - first) * (b - second) for a, b in zip(one, other, strict=True))


MARKET, KO, VALUE = returns("SP500"), returns("KO"), returns("VLUE")
S_MM = sum_of_products(MARKET, MARKET)
BETA = sum_of_products(MARKET, KO) / S_MM
LOADING = sum_of_products(MARKET, VALUE) / S_MM
DOLLARS = SHARES * float(ROWS[-1]["KO"])


def on_page(figure: str) -> list[float]:
    """The numbers in the last cell of a figure's line."""
    (cell,) = re.findall(rf"^\| {re.escape(figure)} \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
    return [float(number) for number in cell.split(", ")]


@pytest.mark.parametrize(
    ("figure", "value", "tolerance"),
    [
        ("S_mm", S_MM, 5e-9),
        ("S_mk", sum_of_products(MARKET, KO), 5e-9),
        ("market beta of KO", BETA, 5e-7),
        ("S_mv", sum_of_products(MARKET, VALUE), 5e-9),
        ("market loading of value", LOADING, 5e-7),
        ("value factor of the day", VALUE[-1] - LOADING * MARKET[-1], 5e-7),
        ("variance of the market", S_MM / 251, 5e-10),
        ("delta dollars", DOLLARS, 5e-3),
        ("market exposure", BETA * DOLLARS, 5e-3),
        ("market part of the lot's own annual variance", 252 * S_MM / 251 * (BETA * DOLLARS) ** 2, 30.0),
    ],
)
def test_figures_on_the_page_follow_from_the_file(figure: str, value: float, tolerance: float) -> None:
    assert on_page(figure) == [pytest.approx(value, abs=tolerance)]


def test_the_files_lines_and_returns_are_those_named() -> None:
    assert (ROWS[504 - 2]["session"], ROWS[756 - 2]["session"]) == ("2021-12-28", "2022-12-28")
    assert on_page("first and last return of KO") == [pytest.approx(KO[0], abs=5e-9), pytest.approx(KO[-1], abs=5e-9)]


def test_the_tables_hold_the_same_figures(demo: Workshop) -> None:
    betas = rows_of(demo.database, factor_betas, session=LAST, symbol="KO").set_index("factor")
    assert betas.loc["market", "beta"] == pytest.approx(BETA, abs=1e-12)
    residual_vol = betas.loc["market", "residual_vol"]
    assert on_page("residual volatility of KO") == [pytest.approx(residual_vol, abs=5e-7)]
    error = residual_vol / sqrt(252) / sqrt(S_MM)
    assert on_page("standard error of the market beta") == [pytest.approx(error, abs=5e-7)]
    assert betas.loc["market", "std_error"] == pytest.approx(error, rel=1e-12)
    assert on_page("its standard error") == [pytest.approx(error * DOLLARS, abs=5e-3)]
    specific = (DOLLARS * betas.loc["rates", "residual_vol"]) ** 2
    assert on_page("specific part") == [pytest.approx(specific, abs=30.0)]
    loading = rows_of(demo.database, factor_loadings, session=LAST, factor="value")["market_loading"].iloc[0]
    assert loading == pytest.approx(LOADING, abs=1e-12)
    covariance = unpacked(rows_of(demo.database, factor_covariance, session=LAST)["covariance"].iloc[0])
    assert covariance[0, 0] == pytest.approx(S_MM / 251, rel=1e-12)
    row = of_portfolio(demo.database, portfolio_factor_risk, "balanced").iloc[0]
    lot = row["symbols"].index("KO")
    assert row["delta_dollars"][lot] == pytest.approx(DOLLARS, rel=1e-12)
    assert row["dollars"][lot][row["factors"].index("market")] == pytest.approx(BETA * DOLLARS, rel=1e-12)
