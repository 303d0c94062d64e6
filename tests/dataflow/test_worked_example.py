"""docs/worked-example.md, recomputed from the CSVs with plain arithmetic and none of our engines; the product and the page must agree."""

from __future__ import annotations

import csv
import itertools
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import opening_cash, option_greeks, portfolio_snapshots, portfolios, position_values
from tests.dataflow.demo_books import DEMO, SAMPLE_DATA, demo_workshop, described, market_sessions
from tests.support.books import run_all

PAGE = Path(__file__).parents[2] / "docs" / "worked-example.md"
LOT_DAY, LAST = date(2022, 11, 30), date(2022, 12, 28)
EXPIRY, EXIT, MARKED = date(2022, 12, 16), date(2022, 10, 14), date(2022, 12, 1)
BALANCED, WEALTHY, HEDGED = "balanced-individual-investor", "sophisticated-high-net-worth", "long-short-equity-hedge-fund-style"


# --- the published files, and where each figure stands in them


@dataclass
class Section:
    """Inputs as (file:line, text) and figures, both by the names that the page gives them."""

    inputs: dict[str, tuple[str, str]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def read(self, name: str, file: Path, row: dict[str, str], column: str) -> float:
        """A number of a file, noted with its line."""
        self.inputs[name] = (f"{file.relative_to(SAMPLE_DATA)}:{row['line']}", row[column])
        return float(row[column])


def lines_of(file: Path) -> list[dict[str, str]]:
    """Rows of a CSV with the line that each stands on."""
    with file.open(newline="") as text:
        reader = csv.reader(text)
        header = next(reader)
        return [dict(zip(header, cells, strict=True)) | {"line": str(reader.line_num)} for cells in reader]


ADJUSTED, SPLIT_ADJUSTED = SAMPLE_DATA / "adjusted_closes.csv", SAMPLE_DATA / "split_adjusted_closes.csv"
YIELDS = SAMPLE_DATA / "treasury_yields_pct.csv"
PANEL = {row["session"]: row for row in lines_of(ADJUSTED)}
NVDA = {row["session"]: row for row in lines_of(SPLIT_ADJUSTED) if row["symbol"] == "NVDA"}
CURVES = {row["session"]: row for row in lines_of(YIELDS)}
SESSIONS = sorted(PANEL)


def before(session: date, n: int = 1) -> str:
    return SESSIONS[SESSIONS.index(str(session)) - n]


def lot(slug: str, ticker: str) -> tuple[Path, dict[str, str]]:
    file = DEMO / f"{slug}.csv"
    return file, next(row for row in lines_of(file) if row["ticker"] == ticker)


def nvidia_dividend(session: str) -> float:
    """What the two closes imply (docs/conventions.md §3)."""
    now, last = NVDA[session], NVDA[before(date.fromisoformat(session))]
    ratio_now, ratio_last = (float(row["adj_close"]) / float(row["close"]) for row in (now, last))
    dividend = float(last["close"]) * (1.0 - ratio_last / ratio_now)
    return dividend if dividend > 1e-5 * float(now["close"]) else 0.0


# --- Black-Scholes-Merton with the error function


def normal(x: float) -> float:
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def par_yield(session: str, years: float) -> float:
    """Linear in maturity over the tenors of the session, flat outside; decimal."""
    months = [int(name[1:]) for name in CURVES[session] if name.startswith("m")]
    curve = [(m / 12.0, float(CURVES[session][f"m{m}"]) / 100.0) for m in months]
    if years <= curve[0][0]:
        return curve[0][1]
    for (left, low), (right, high) in itertools.pairwise(curve):
        if years <= right:
            return low + (high - low) * (years - left) / (right - left)
    return curve[-1][1]


def realized_volatility(closes: list[float]) -> tuple[float, float, float]:
    """Mean return, sum of squared deviations and volatility of 63 simple returns."""
    returns = [now / last - 1.0 for last, now in itertools.pairwise(closes)]
    assert len(returns) == 63
    mean = math.fsum(returns) / 63
    squares = math.fsum((value - mean) ** 2 for value in returns)
    return mean, squares, math.sqrt(squares / 62 * 252)


def black_scholes(call: bool, spot: float, strike: float, years: float, rate: float, q: float, sigma: float) -> dict[str, float]:
    """Price and Greeks per share, in the units of docs/conventions.md §5."""
    root = math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate - q + sigma**2 / 2) * years) / (sigma * root)
    d2 = d1 - sigma * root
    sign = 1.0 if call else -1.0
    share, cash = math.exp(-q * years), math.exp(-rate * years)
    price = sign * (spot * share * normal(sign * d1) - strike * cash * normal(sign * d2))
    decay = -spot * share * density(d1) * sigma / (2 * root)
    carry = sign * (q * spot * share * normal(sign * d1) - rate * strike * cash * normal(sign * d2))
    return {
        "d1": d1,
        "d2": d2,
        "price": price,
        "delta": sign * share * normal(sign * d1),
        "gamma": share * density(d1) / (spot * sigma * root),
        "theta_per_day": (decay + carry) / 365,
        "vega_per_volpt": spot * share * density(d1) * root / 100,
        "rho_per_pct": sign * strike * years * cash * normal(sign * d2) / 100,
    }


# --- the five derivations, and NAV


def derive_lot() -> Section:
    """90 NVDA of the balanced portfolio on the ex-session of a dividend."""
    s = Section()
    file, row = lot(BALANCED, "NVDA")
    quantity, entry = s.read("quantity", file, row, "quantity"), s.read("entry price", file, row, "entry_price")
    now, last = NVDA[str(LOT_DAY)], NVDA[before(LOT_DAY)]
    close, close_before = s.read("close", SPLIT_ADJUSTED, now, "close"), s.read("close before", SPLIT_ADJUSTED, last, "close")
    adjusted = s.read("adjusted close", SPLIT_ADJUSTED, now, "adj_close")
    adjusted_before = s.read("adjusted close before", SPLIT_ADJUSTED, last, "adj_close")
    dividend = close_before * (1.0 - (adjusted_before / close_before) / (adjusted / close))
    s.figures = {
        "market value": quantity * close,
        "cost basis": quantity * entry,
        "unrealised P&L": quantity * close - quantity * entry,
        "P&L by price": quantity * close - quantity * close_before,
        "dividend per share": dividend,
        "dividend": quantity * dividend,
    }
    return s


def nvidia_option(session: date, s: Section | None = None) -> dict[str, float]:
    """NVDA 2023-06-16 180 call on a session, every input from the files."""
    spot_row, curve = NVDA[str(session)], CURVES[str(session)]
    spot = s.read("spot", SPLIT_ADJUSTED, spot_row, "close") if s else float(spot_row["close"])
    if s:
        s.read("3-month yield, %", YIELDS, curve, "m3")
        s.read("6-month yield, %", YIELDS, curve, "m6")
    years = (date(2023, 6, 16) - session).days / 365
    par = par_yield(str(session), years)
    at = SESSIONS.index(str(session))
    dividends = math.fsum(nvidia_dividend(day) for day in SESSIONS[at - 251 : at + 1])
    mean, squares, sigma = realized_volatility([float(NVDA[day]["adj_close"]) for day in SESSIONS[at - 63 : at + 1]])
    rate, q = 2 * math.log(1 + par / 2), dividends / spot
    inputs = {"T": years, "par yield": par, "r": rate, "dividends of 252 sessions": dividends, "q": q}
    inputs |= {"mean return": mean, "sum of squared deviations": squares, "σ": sigma}
    return inputs | black_scholes(True, spot, 180.0, years, rate, q, sigma)


def derive_option() -> Section:
    """50 calls on NVDA of the hedge fund on the last session."""
    s = Section()
    file, row = lot(HEDGED, "NVDA230616C00180000")
    units = 100 * s.read("quantity", file, row, "quantity")
    entry = s.read("entry price", file, row, "entry_price")
    value = nvidia_option(LAST, s)
    first = NVDA[before(LAST, 63)]
    s.read("first of the 64 adjusted closes", SPLIT_ADJUSTED, first, "adj_close")
    s.read("last of them", SPLIT_ADJUSTED, NVDA[str(LAST)], "adj_close")
    spot, price_before = float(NVDA[str(LAST)]["close"]), nvidia_option(date.fromisoformat(before(LAST)))["price"]
    s.figures = {
        **value,
        "price before": price_before,
        "market value": units * value["price"],
        "cost basis": units * entry,
        "unrealised P&L": units * value["price"] - units * entry,
        "P&L of the day": units * value["price"] - units * price_before,
        "notional": units * spot,
        "delta dollars": units * value["delta"] * spot,
        "gamma dollars per 1 %": units * value["gamma"] * spot**2 * 0.01,
        "theta, $ a day": units * value["theta_per_day"],
        "vega, $ a point": units * value["vega_per_volpt"],
        "rho, $ per 1 %": units * value["rho_per_pct"],
    }
    return s


def derive_expiry() -> Section:
    """40 short puts on AAPL that expire in the money."""
    s = Section()
    file, row = lot(HEDGED, "AAPL221216P00150000")
    units = 100 * s.read("quantity", file, row, "quantity")
    entry = s.read("entry price", file, row, "entry_price")
    spot = s.read("close", ADJUSTED, PANEL[str(EXPIRY)], "AAPL")
    day_before = before(EXPIRY)
    spot_before = s.read("close before", ADJUSTED, PANEL[day_before], "AAPL")
    s.read("1-month yield before, %", YIELDS, CURVES[day_before], "m1")
    at = SESSIONS.index(day_before)
    _, _, sigma = realized_volatility([float(PANEL[day]["AAPL"]) for day in SESSIONS[at - 63 : at + 1]])
    rate = 2 * math.log(1 + par_yield(day_before, 1 / 365) / 2)
    price_before = black_scholes(False, spot_before, 150.0, 1 / 365, rate, 0.0, sigma)["price"]
    intrinsic = max(0.0, 150.0 - spot)
    s.figures = {
        "settlement price": intrinsic,
        "settlement cash": units * intrinsic,
        "realised P&L": units * (intrinsic - entry),
        "σ before": sigma,
        "r before": rate,
        "price before": price_before,
        "P&L of the day": units * intrinsic - units * price_before,
    }
    return s


def derive_exit() -> Section:
    """900 BAC of the high-net-worth portfolio, sold."""
    s = Section()
    file, row = lot(WEALTHY, "BAC")
    quantity, entry = s.read("quantity", file, row, "quantity"), s.read("entry price", file, row, "entry_price")
    exit_price = s.read("exit price", file, row, "exit_price")
    close_before = s.read("close before", ADJUSTED, PANEL[before(EXIT)], "BAC")
    s.figures = {
        "proceeds": quantity * exit_price,
        "realised P&L": quantity * (exit_price - entry),
        "P&L of the day": quantity * exit_price - quantity * close_before,
        "P&L had it been held": quantity * (float(PANEL[str(EXIT)]["BAC"]) - close_before),
    }
    return s


def derive_private() -> Section:
    """The crypto wallet, marked down on 1 December."""
    s = Section()
    file, row = lot(WEALTHY, "CRYPTO_WALLET")
    quantity, entry = s.read("quantity", file, row, "quantity"), s.read("entry price", file, row, "entry_price")
    text = (DEMO / "portfolios.yaml").read_text().splitlines()
    marks = {mark["date"]: float(mark["price_per_unit"]) for mark in described()["appraisals"] if mark["ticker"] == "CRYPTO_WALLET"}
    for name, day in (("mark of March", date(2022, 3, 31)), ("mark of December", MARKED)):
        line = next(i for i, content in enumerate(text, start=1) if "CRYPTO_WALLET" in content and str(day) in content)
        s.inputs[name] = (f"demo/portfolios.yaml:{line}", f"{marks[day]:g}")
    march, december = marks[date(2022, 3, 31)], marks[MARKED]
    s.figures = {
        "market value before": quantity * march,
        "market value": quantity * december,
        "unrealised P&L": quantity * december - quantity * entry,
        "P&L of the day": quantity * december - quantity * march,
    }
    return s


def derive_nav() -> Section:
    """Cash and NAV of the balanced portfolio on the last session, and its C0."""
    s = Section()
    stated = next(head for head in described()["portfolios"] if head["slug"] == BALANCED)["cash"]
    rows = lines_of(DEMO / f"{BALANCED}.csv")
    last_nvda = {row["symbol"]: float(row["close"]) for row in lines_of(SPLIT_ADJUSTED) if row["session"] == str(LAST)}
    paid = math.fsum(float(row["quantity"]) * float(row["entry_price"]) for row in rows)
    received = math.fsum(float(row["quantity"]) * float(row["exit_price"]) for row in rows if row["exit_price"])
    nvda = next(row for row in rows if row["ticker"] == "NVDA")
    dividends = float(nvda["quantity"]) * math.fsum(nvidia_dividend(day) for day in SESSIONS if day > nvda["entry_date"])
    held = [row for row in rows if not row["exit_price"]]
    value = math.fsum(
        float(row["quantity"]) * (float(PANEL[str(LAST)][row["ticker"]]) if row["ticker"] in PANEL[str(LAST)] else last_nvda[row["ticker"]])
        for row in held
    )
    s.figures = {
        "cash": float(stated),
        "cost of all 16 lots": paid,
        "proceeds of META": received,
        "dividends of NVDA": dividends,
        "C0": stated + paid - received - dividends,
        "market value of the 15 open lots": value,
        "NAV": stated + value,
    }
    return s


DERIVED = {
    "1": derive_lot(),
    "2": derive_option(),
    "3": derive_expiry(),
    "4": derive_exit(),
    "5": derive_private(),
    "6": derive_nav(),
}


# --- the product


@pytest.fixture(scope="module")
def shop(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, calendar: SessionCalendar) -> Iterator[Workshop]:
    """The demo's market data, and the books on the five sessions of the page."""
    path = tmp_path_factory.mktemp("example") / "example.db"
    shutil.copy(sqlite_template, path)
    made = demo_workshop(Database(f"sqlite:///{path}"), calendar)
    run_all(made, market_sessions(made), [EXIT, LOT_DAY, MARKED, EXPIRY, LAST])
    yield made
    made.database.dispose()


def position(shop: Workshop, slug: str, symbol: str, session: date) -> pd.Series:
    p = position_values
    query = select(p).join(portfolios, portfolios.c.id == p.c.portfolio_id)
    rows = shop.database.frame(query.where(portfolios.c.slug == slug, p.c.symbol == symbol, p.c.session == session))
    assert len(rows) == 1
    return rows.iloc[0]


def agree(section: str, row: Any, columns: dict[str, str]) -> None:
    """Figures of the derivation against columns of a stored row, to 1e-9 of their size (of 1 where they are smaller)."""
    for figure, column in columns.items():
        expected = DERIVED[section].figures[figure]
        assert abs(row[column] - expected) <= 1e-9 * max(1.0, abs(expected)), (figure, row[column], expected)


def test_the_lot_is_as_derived(shop: Workshop) -> None:
    row = position(shop, BALANCED, "NVDA", LOT_DAY)
    agree("1", row, {"market value": "market_value", "cost basis": "cost_basis", "unrealised P&L": "unrealized_pnl"})
    agree("1", row, {"P&L by price": "pnl", "dividend": "dividends"})
    assert (row["price_status"], f"{row['price_date']:%Y-%m-%d}", row["status"]) == ("ok", "2022-11-30", "ok")


def test_the_option_is_as_derived(shop: Workshop) -> None:
    row = position(shop, HEDGED, "NVDA230616C00180000", LAST)
    agree("2", row, {"price": "price", "market value": "market_value", "cost basis": "cost_basis", "unrealised P&L": "unrealized_pnl"})
    agree("2", row, {"P&L of the day": "pnl", "notional": "notional_exposure", "delta dollars": "delta_dollars"})
    agree("2", row, {"gamma dollars per 1 %": "gamma_dollars_per_pct", "theta, $ a day": "theta_per_day"})
    agree("2", row, {"vega, $ a point": "vega_per_volpt", "rho, $ per 1 %": "rho_per_pct"})
    g = option_greeks.c
    contract = shop.database.frame(select(option_greeks).where(g.session == LAST, g.symbol == "NVDA230616C00180000")).iloc[0]
    agree("2", contract, {"T": "years", "r": "rate", "q": "dividend_yield", "σ": "iv", "price": "model_price"})
    agree("2", contract, {name: name for name in ("delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct")})
    assert (contract["iv_source"], contract["dividend_yield_source"], row["price_status"]) == ("realized_63", "trailing_252", "model")


def test_the_expiry_is_as_derived(shop: Workshop) -> None:
    row = position(shop, HEDGED, "AAPL221216P00150000", EXPIRY)
    agree("3", row, {"settlement price": "price", "realised P&L": "realized_pnl", "P&L of the day": "pnl"})
    assert row["event"] == "assigned"
    assert math.isnan(row["market_value"])


def test_the_closed_lot_is_as_derived(shop: Workshop) -> None:
    row = position(shop, WEALTHY, "BAC", EXIT)
    agree("4", row, {"realised P&L": "realized_pnl", "P&L of the day": "pnl"})
    assert (row["event"], row["price"], math.isnan(row["market_value"])) == ("exited", 31.07, True)


def test_the_private_asset_is_as_derived(shop: Workshop) -> None:
    row = position(shop, WEALTHY, "CRYPTO_WALLET", MARKED)
    agree("5", row, {"market value": "market_value", "unrealised P&L": "unrealized_pnl", "P&L of the day": "pnl"})
    assert (row["price_status"], f"{row['price_date']:%Y-%m-%d}") == ("appraisal", "2022-12-01")
    later = position(shop, WEALTHY, "CRYPTO_WALLET", LAST)
    assert (later["pnl"], f"{later['price_date']:%Y-%m-%d}") == (0.0, "2022-12-01")


def test_cash_and_nav_are_as_derived(shop: Workshop) -> None:
    s, head = portfolio_snapshots, portfolios.c
    query = select(s).join(portfolios, head.id == s.c.portfolio_id).where(head.slug == BALANCED, s.c.session == LAST)
    row = shop.database.frame(query).iloc[0]
    agree("6", row, {"cash": "cash", "NAV": "nav", "market value of the 15 open lots": "market_value_net"})
    first = shop.database.frame(select(opening_cash).join(portfolios, head.id == opening_cash.c.portfolio_id).where(head.slug == BALANCED))
    agree("6", first.iloc[0], {"C0": "opening_cash"})


# --- the page


def page_tables() -> dict[str, list[list[str]]]:
    """Section number -> cells of its table rows, headings left out."""
    tables: dict[str, list[list[str]]] = {}
    number = ""
    for line in PAGE.read_text().splitlines():
        if found := re.match(r"## (\d)\.", line):
            number = found[1]
        elif line.startswith("| ") and number:
            cells = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
            if cells[0] not in ("input", "figure"):
                tables.setdefault(number, []).append(cells)
    return tables


@pytest.mark.parametrize("number", list(DERIVED))
def test_the_page_prints_these_inputs_and_figures_and_no_others(number: str) -> None:
    derived, rows = DERIVED[number], page_tables()[number]
    inputs = {name: (place, text) for name, place, text in rows if re.fullmatch(r"\S+\.(csv|yaml):\d+", place)}
    assert inputs == derived.inputs
    printed = {name: text for name, _, text in rows if name not in inputs}
    assert list(printed) == list(derived.figures)
    for name, value in derived.figures.items():
        assert abs(float(printed[name]) - value) <= 1e-9 * max(1.0, abs(value)), (name, printed[name], value)
