"""Folders of market data, written by hand for a test."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pandas as pd

from sigmasight_assets.providers.files.findings import Finding
from sigmasight_assets.providers.files.folder import FolderData
from sigmasight_assets.providers.files.provider import FilesProvider

NOW = datetime(2023, 3, 1, 12, tzinfo=UTC)


def write(folder: Path, **files: str) -> Path:
    """Write text files; a name's last underscore before the ending stands for the point (`prices_csv` is prices.csv)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def provider_of(folder: Path) -> FilesProvider:
    return FilesProvider(folder, clock=lambda: NOW)


def read(folder: Path, **files: str) -> FolderData:
    """The data of a folder with these files."""
    return provider_of(write(folder, **files)).data()


def found(data: FolderData, code: str) -> list[Finding]:
    return [finding for finding in data.findings if finding.code == code]


def series(data: FolderData, symbol: str) -> pd.DataFrame:
    """A symbol's price rows, indexed by ISO date."""
    rows = data.prices[data.prices["symbol"] == symbol]
    return rows.set_index(rows["session"].dt.strftime("%Y-%m-%d")).drop(columns=["session", "symbol"])
