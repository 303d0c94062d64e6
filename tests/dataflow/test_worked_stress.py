"""docs/worked-example-stress.md, recomputed from the CSVs with plain arithmetic and none of our engines; product and page must agree."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import fsum, log, sqrt
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.tables import position_values
from tests.dataflow.demo_books import DEMO, SAMPLE_DATA
from tests.dataflow.risk_demo import HEDGE_FUND, INDIVIDUAL, LAST, WEALTHY, computed_demo, results, shocks
from tests.dataflow.test_worked_example import PANEL, SESSIONS, black_scholes, lines_of, par_yield, realized_volatility

PAGE = Path(__file__).parents[2] / "docs" / "worked-example-stress.md"
SCENARIO, SHOCK, IV_CHANGE, WINDOW = "market_crash_35", -0.35, 1.0, 252
BOOKS = {"1": INDIVIDUAL, "2": HEDGE_FUND, "3": WEALTHY}
CURVE_BP = 30.94637173
DAYS = SESSIONS[SESSIONS.index(str(LAST)) - WINDOW : SESSIONS.index(str(LAST)) + 1]
OPTION = re.compile(r"([A-Z]+)(\d{6})([CP])(\d{8})")


# --- closes, betas and yields from the published files


@cache
def split_adjusted() -> dict[str, dict[str, dict[str, str]]]:
    out: dict[str, dict[str, dict[str, str]]] = {}
    for row in lines_of(SAMPLE_DATA / "split_adjusted_closes.csv"):
        out.setdefault(row["symbol"], {})[row["session"]] = row
    return out


def close(symbol: str) -> float:
    day = str(LAST)
    return float(PANEL[day][symbol]) if symbol in PANEL[day] else float(split_adjusted()[symbol][day]["close"])


def adjusted(symbol: str, days: list[str]) -> list[float]:
    """Closes with dividends reinvested."""
    return [float(PANEL[day][symbol]) if symbol in PANEL[day] else float(split_adjusted()[symbol][day]["adj_close"]) for day in days]


def returns(symbol: str) -> list[float]:
    return [now / last - 1.0 for last, now in itertools.pairwise(adjusted(symbol, DAYS))]


def products(one: list[float], other: list[float]) -> float:
    """Sum of the products of deviations from the means."""
    first, second = fsum(one) / len(one), fsum(other) / len(other)
    return fsum((a - first) * (b - second) for a, b in zip(one, other, strict=True))


@cache
def market_slope(symbol: str) -> float:
    """Market beta: the styles are orthogonal to the market, so that the other six do not matter (docs/conventions.md §6)."""
    return products(returns("SP500"), returns(symbol)) / products(returns("SP500"), returns("SP500"))


def dividends(symbol: str) -> float:
    """Per share over 252 sessions, as two closes imply them; none is known of series that are adjusted only (§3)."""
    if symbol in PANEL[str(LAST)]:
        return 0.0
    rows, total = split_adjusted()[symbol], 0.0
    for last, now in itertools.pairwise(DAYS):
        ratio, ratio_last = (float(rows[day]["adj_close"]) / float(rows[day]["close"]) for day in (now, last))
        paid = float(rows[last]["close"]) * (1.0 - ratio_last / ratio)
        total += paid if paid > 1e-5 * float(rows[now]["close"]) else 0.0
    return total


# --- the positions


@dataclass(frozen=True)
class Line:
    """A lot, or a private asset without a move."""

    symbol: str
    quantity: float
    value: float
    beta: float
    move: float
    gain: float


@dataclass(frozen=True)
class OptionLine(Line):
    """An option, model values per share before and after."""

    days: int
    volatility: float
    volatility_after: float
    spot_after: float
    before: float
    after: float
    linear: float
    curve: float
    """Gain by full revaluation that the curve of the correlated mode adds."""


def lots(slug: str) -> list[dict[str, str]]:
    """Lots open after the last session."""
    held = [row for row in lines_of(DEMO / f"{slug}.csv") if not row["exit_date"]]
    return [row for row in held if not (found := OPTION.fullmatch(row["ticker"])) or expiry_of(found) > LAST]


def expiry_of(symbol: re.Match[str]) -> date:
    return date(2000 + int(symbol[2][:2]), int(symbol[2][2:4]), int(symbol[2][4:]))


def share_line(row: dict[str, str]) -> Line:
    quantity, beta = float(row["quantity"]), market_slope(row["ticker"])
    value, move = quantity * close(row["ticker"]), max(-1.0, SHOCK * beta)
    return Line(row["ticker"], quantity, value, beta, move, value * move)


def option_line(row: dict[str, str]) -> OptionLine:
    found = OPTION.fullmatch(row["ticker"])
    assert found
    underlying, call, strike = found[1], found[3] == "C", int(found[4]) / 1000
    days = (expiry_of(found) - LAST).days
    years, spot, units = days / 365, close(underlying), 100 * float(row["quantity"])
    rate = 2 * log(1 + par_yield(str(LAST), years) / 2)
    q = dividends(underlying) / spot
    _, _, sigma = realized_volatility(adjusted(underlying, DAYS[-64:]))
    beta = market_slope(underlying)
    move, risen = max(-1.0, SHOCK * beta), sigma * (1 + IV_CHANGE * sqrt(30 / max(30, days)))
    base = black_scholes(call, spot, strike, years, rate, q, sigma)
    after = black_scholes(call, spot * (1 + move), strike, years, rate, q, risen)["price"]
    curve = black_scholes(call, spot * (1 + move), strike, years, rate + CURVE_BP / 10_000, q, risen)["price"] - after
    linear = units * (base["delta"] * spot * move + base["vega_per_volpt"] * 100 * (risen - sigma))
    return OptionLine(
        row["ticker"], float(row["quantity"]), units * base["price"], beta, move, units * (after - base["price"]),
        days, sigma, risen, spot * (1 + move), base["price"], after, linear, units * curve,
    )  # fmt: skip


@cache
def lines(slug: str) -> tuple[list[Line], list[OptionLine], list[str]]:
    """Shares, options and private assets of a book."""
    rows = lots(slug)
    private = [row["ticker"] for row in rows if row["asset_class"] == "private"]
    options = [option_line(row) for row in rows if OPTION.fullmatch(row["ticker"])]
    shares = [share_line(row) for row in rows if row["asset_class"] != "private" and not OPTION.fullmatch(row["ticker"])]
    return shares, options, private


def totals(slug: str) -> dict[str, float]:
    """What the page sums up."""
    shares, options, _ = lines(slug)
    of_shares, of_options = fsum(one.gain for one in shares), fsum(one.gain for one in options)
    linear = of_shares + fsum(one.linear for one in options)
    curve = fsum(one.curve for one in options)
    out = {"shares": of_shares, "options": of_options, "direct": of_shares + of_options, "direct, linear": linear}
    return out | {"the curve, correlated": curve, "correlated": of_shares + of_options + curve}


# --- the product


@pytest.fixture(scope="module")
def shop(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Iterator[Workshop]:
    made = computed_demo(sqlite_template, tmp_path_factory.mktemp("worked"), calendar)
    yield made
    made.database.dispose()


def stored_gains(shop: Workshop, row: pd.Series) -> list[tuple[str, float, float]]:
    """Symbol, quantity and gain of each open lot with a gain, sorted."""
    p = position_values.c
    query = select(p.lot_id, p.symbol, p.quantity).where(p.session == LAST, p.portfolio_id == row["portfolio_id"], p.event.is_(None))
    held = shop.database.frame(query)
    held = held.iloc[sorted(range(len(held)), key=lambda i: held["lot_id"].iloc[i].int)].assign(gain=row["position_pnl"])
    return sorted(held.loc[held["gain"].notna(), ["symbol", "quantity", "gain"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("slug", list(BOOKS.values()))
def test_the_stored_rows_are_as_derived(shop: Workshop, slug: str) -> None:
    stored, expected = results(shop), totals(slug)
    direct, correlated = (stored.loc[(slug, SCENARIO, mode)] for mode in ("direct", "correlated"))
    for figure, value in {
        "shares": direct["pnl_equity"],
        "options": direct["pnl_option"],
        "direct": direct["pnl"],
        "direct, linear": direct["pnl_linear"],
        "correlated": correlated["pnl"],
    }.items():
        assert value == pytest.approx(expected[figure], rel=1e-8, abs=1e-6), figure
    shares, options, _ = lines(slug)
    derived = sorted((one.symbol, one.quantity, one.gain) for one in (*shares, *options))
    for found, line in zip(stored_gains(shop, direct), derived, strict=True):
        assert found[:2] == line[:2]
        assert found[2] == pytest.approx(line[2], rel=1e-9)


def test_the_correlated_mode_moves_rates_alone_and_by_the_figure_of_the_page(shop: Workshop) -> None:
    row = shocks(shop).loc[(SCENARIO, "correlated")]
    assert row["rates_bp"] == pytest.approx(CURVE_BP, abs=5e-9)
    others = row[["value", "growth", "momentum", "quality", "size", "low_volatility", "rates_surprise"]].to_numpy(dtype=float)
    assert abs(others).max() < 1e-12
    assert f"{CURVE_BP:.5f} bp" in PAGE.read_text()


def test_what_is_left_out_is_as_the_page_says(shop: Workshop) -> None:
    row = results(shop).loc[(WEALTHY, SCENARIO, "direct")]
    assert f"`uncovered` says {row['uncovered']:.0f}, `coverage`\n{row['coverage']:.6f}" in PAGE.read_text()
    assert (row["n_uncovered"], row["status"]) == (len(lines(WEALTHY)[2]), "partial")


# --- the page


def page_tables(number: str) -> list[list[str]]:
    """Cells of a section's table rows, headings left out."""
    section = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[int(number)]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [cells for line in rows if (cells := [cell.strip() for cell in line.strip("|").split("|")])[0] not in ("lot", "sum")]


def printed(value: float, text: str) -> bool:
    """Whether a figure rounds to what the page prints."""
    digits = len(text.partition(".")[2])
    return abs(value - float(text)) <= 0.5 * 10.0**-digits * (1 + 1e-6)


@pytest.mark.parametrize(("number", "slug"), list(BOOKS.items()))
def test_the_page_prints_these_lots_and_sums_and_no_others(number: str, slug: str) -> None:
    shares, options, _ = lines(slug)
    expected: list[tuple[str, list[float]]] = [(one.symbol, [one.quantity, one.value, one.beta, one.move, one.gain]) for one in shares]
    expected += [
        (
            one.symbol,
            [one.quantity, one.days, one.move, one.spot_after, one.volatility, one.volatility_after, one.before, one.after, one.gain,
             one.linear, one.curve],
        )
        for one in options
    ]  # fmt: skip
    expected += [(name, [value]) for name, value in totals(slug).items()]
    for (name, values), cells in zip(expected, page_tables(number), strict=True):
        assert cells[0] == name
        for value, text in zip(values, cells[1:], strict=True):
            assert printed(value, text), (name, value, text)


@pytest.mark.parametrize(("slug", "band"), [(INDIVIDUAL, "severe"), (HEDGE_FUND, "extreme"), (WEALTHY, "moderate")])
def test_shares_of_nav_on_the_page_are_the_stored_ones(shop: Workshop, slug: str, band: str) -> None:
    row = results(shop).loc[(slug, SCENARIO, "direct")]
    nav = row["pnl"] / row["pnl_share"]
    said = f"The loss is {-row['pnl_share']:.2%} of the NAV of {nav:.2f}".replace("%", " %")
    assert f"{said}: band `{band}`" in PAGE.read_text()
    assert row["impact_band"] == band
