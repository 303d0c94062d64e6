"""Files of the security master: one row per security."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_assets.providers.files.cells import MISSING, symbols_of
from sigmasight_assets.providers.files.configuration import Configuration, FileRule
from sigmasight_assets.providers.files.findings import Findings
from sigmasight_assets.providers.files.headers import is_unused, named_columns
from sigmasight_assets.providers.files.price_rows import refuse_currencies
from sigmasight_assets.providers.files.table_file import TableFile
from sigmasight_assets.providers.protocol import MASTER_COLUMNS, empty, typed

LONGEST = {"name": 200, "asset_class": 32, "sector": 64, "industry": 200, "exchange": 64, "fund_category": 64, "fund_company": 100}
ASSET_CLASSES = {"stock": "equity", "common_stock": "equity", "share": "equity", "cs": "equity", "etf": "fund", "mutualfund": "fund"}
"""Words of vendors -> words here; others stay as they are, in lower case."""


def read_master(table: TableFile, rule: FileRule, configuration: Configuration) -> pd.DataFrame:
    """Rows of `MASTER_COLUMNS`, with `line` and `file`."""
    named = {name: places[0] for name, places in named_columns("security_master", table.headers, rule.columns).items()}
    if "symbol" not in named:
        table.findings.add("missing_column", table.name, column="symbol")
        return empty(MASTER_COLUMNS).assign(line=pd.Series(dtype="int64"), file=pd.Series(dtype=object))
    for place, header in enumerate(table.headers):
        if place not in named.values() and not is_unused(header):
            table.findings.add("ignored_column", table.name, column=header)
    table.load(list(named.values()), [])
    texts = table.texts(named["symbol"])
    symbols, bad = symbols_of(texts)
    table.report("unusable_master_row", named["symbol"], bad, texts)
    refuse_currencies(table, named, "foreign_security")
    label = rule.source or configuration.source or Path(table.name).name.split(".")[0][:40]
    columns: dict[str, object] = {"symbol": np.asarray(symbols, dtype=object)}
    for name, longest in LONGEST.items():
        if name in named:
            cells = [str(cell).strip() for cell in table.texts(named[name])]
            columns[name] = pd.Series([None if cell in MISSING else cell[:longest] for cell in cells], dtype=object)
    if "asset_class" in columns:
        words = [None if cell is None else cell.lower().replace(" ", "_") for cell in columns["asset_class"]]  # type: ignore[attr-defined]
        columns["asset_class"] = pd.Series([ASSET_CLASSES.get(str(word), word) for word in words], dtype=object)
    given = [str(cell).strip()[:64] for cell in table.texts(named["source"])] if "source" in named else [""] * table.n_rows
    columns["source"] = pd.Series([cell or label for cell in given], dtype=object)
    rows = typed(pd.DataFrame(columns), MASTER_COLUMNS)
    rows = rows.assign(line=table.lines(np.arange(table.n_rows)), file=table.name)
    return rows[rows["symbol"].notna()].reset_index(drop=True)


def merge_master(parts: list[pd.DataFrame], findings: Findings) -> pd.DataFrame:
    """One row per symbol, ordered; of several the first file's counts."""
    if not parts:
        return empty(MASTER_COLUMNS)
    rows = pd.concat(parts, ignore_index=True)
    doubled = rows.duplicated("symbol")
    facts = [name for name in MASTER_COLUMNS if name != "source"]
    differs = doubled & ~rows.duplicated(facts)
    for row in rows[differs].head(50).itertuples():
        findings.add("other_master_row", str(row.file), line=int(row.line), value=row.symbol)
    return typed(rows[~doubled], MASTER_COLUMNS).sort_values("symbol", ignore_index=True)
