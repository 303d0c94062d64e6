"""A folder of market data, read and validated once: every file by its kind, all findings together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_assets.providers.files.configuration import FACTOR_ETFS, FILE_NAME, Configuration, FileRule, read_configuration
from sigmasight_assets.providers.files.findings import ERROR, Finding, Findings
from sigmasight_assets.providers.files.headers import kind_of, named_columns
from sigmasight_assets.providers.files.master import merge_master, read_master
from sigmasight_assets.providers.files.price_basis import with_basis
from sigmasight_assets.providers.files.price_findings import find_gaps, find_jumps, find_proxies
from sigmasight_assets.providers.files.price_merge import CONFIRMS, Merged, merge
from sigmasight_assets.providers.files.price_rows import PriceTable, read_prices
from sigmasight_assets.providers.files.quote_merge import merge_quotes
from sigmasight_assets.providers.files.quotes import QuoteTable, read_quotes
from sigmasight_assets.providers.files.symbol_changes import SymbolChange, link, read_changes
from sigmasight_assets.providers.files.table_file import SUFFIXES, TableFile, open_table
from sigmasight_assets.providers.files.two_level import by_field
from sigmasight_assets.providers.files.yields import merge_yields, read_yields
from sigmasight_assets.providers.protocol import PRICE_COLUMNS, Proxy, empty
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.frames import session_array

Confirmed = frozenset[tuple[date, str]]


@dataclass(frozen=True)
class FolderData:
    """Everything a folder holds.

    Attributes
    ----------
    prices, quotes, master : DataFrame
        Columns of the protocol, ordered by their keys.
    yields : DataFrame
        `session`, `tenor_months`, `par_yield`, `source` of published yields.
    coverage : DataFrame
        By symbol: first, last, closes, gaps, source, price_basis.
    confirmed : frozenset of (session, symbol)
        Closes that a second source or a file of confirmed prices states as well.
    files : dict
        File -> kind.
    findings : tuple of Finding
    """

    configuration: Configuration
    proxies: dict[str, Proxy]
    prices: pd.DataFrame
    yields: pd.DataFrame
    quotes: pd.DataFrame
    master: pd.DataFrame
    coverage: pd.DataFrame
    confirmed: Confirmed
    files: dict[str, str]
    findings: tuple[Finding, ...]
    n_errors: int
    n_warnings: int

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == ERROR)


@dataclass
class _Tables:
    """What the files hold, by kind."""

    prices: list[PriceTable]
    yields: list[pd.DataFrame]
    quotes: list[QuoteTable]
    master: list[pd.DataFrame]
    changes: list[SymbolChange]
    confirmed: list[tuple[date, str, float]]
    kinds: dict[str, str]


def files_of(folder: Path) -> list[Path]:
    """Data files of a folder and its subfolders, in order of name; hidden ones are left out."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith(SUFFIXES)]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of the folder's files: what tells whether it has to be read again."""
    paths = [*files_of(folder), *([folder / FILE_NAME] if (folder / FILE_NAME).exists() else [])]
    return tuple((str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


def read_folder(folder: Path, calendar: SessionCalendar, last_closed: date) -> FolderData:
    """The folder's data, read again only when a file changed; findings do not raise."""
    return _read(folder.resolve(), signature(folder) if folder.is_dir() else (), calendar, last_closed)


@lru_cache(maxsize=2)
def _read(folder: Path, _signature: object, calendar: SessionCalendar, last_closed: date) -> FolderData:
    findings = Findings()
    if not folder.is_dir():
        findings.add("no_folder", value=str(folder))
        return _data(Configuration(), None, _Tables([], [], [], [], [], [], {}), calendar, frozenset(), findings)
    configuration = read_configuration(folder, findings)
    tables = _read_files(folder, configuration, calendar, findings)
    if not any(not table.is_events for table in tables.prices):
        findings.add("no_prices")
        return _data(configuration, None, tables, calendar, frozenset(), findings)
    merged = link(merge(tables.prices, calendar, findings), tables.changes, findings)
    rows = with_basis(merged, findings)
    rows = _until(rows, last_closed, findings)
    jumps = find_jumps(rows, findings)
    confirmed = _confirmed(jumps, merged, tables.confirmed)
    return _data(configuration, rows, tables, calendar, confirmed, findings)


def _read_files(folder: Path, configuration: Configuration, calendar: SessionCalendar, findings: Findings) -> _Tables:
    out = _Tables([], [], [], [], [], [], {})
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix()
        rule = configuration.rule_of(name)
        if rule.kind == "ignore":
            continue
        table = open_table(path, name, findings)
        if table is None:
            continue
        two_level = by_field(table)
        if two_level and rule.kind in (None, "prices"):
            out.kinds[name] = "prices"
            views = [read_prices(view, rule.model_copy(update={"field": field}), configuration) for field, view in two_level]
            out.prices += [view for view in views if view is not None]
            continue
        kind = rule.kind or kind_of(name, table.headers, rule.columns, table.first_row())
        if kind is None:
            findings.add("unrecognised_file", name, detail=f"Columns: {', '.join(table.headers[:12])}.")
            continue
        out.kinds[name] = kind
        if kind == "prices" and (prices := read_prices(table, rule, configuration)) is not None:
            out.prices.append(prices)
        elif kind == "yields":
            out.yields.append(read_yields(table, rule, configuration))
        elif kind == "option_quotes" and (quotes := read_quotes(table, rule, configuration)) is not None:
            out.quotes.append(quotes)
        elif kind == "security_master":
            out.master.append(read_master(table, rule, configuration))
        elif kind == "symbol_changes":
            out.changes += read_changes(table, rule, configuration, calendar)
        elif kind == "confirmed_prices":
            out.confirmed += _read_confirmed(table, rule, configuration)
    return out


def _read_confirmed(table: TableFile, rule: FileRule, configuration: Configuration) -> list[tuple[date, str, float]]:
    """A file of closes that somebody vouches for: rows like those of prices."""
    if "session" not in named_columns("confirmed_prices", table.headers, rule.columns):
        return []
    prices = read_prices(table, rule, configuration)
    rows = prices.rows if prices is not None else pd.DataFrame()
    return [(row.session.date(), str(row.symbol), float(row.close)) for row in rows.itertuples()]


def _until(rows: pd.DataFrame, last_closed: date, findings: Findings) -> pd.DataFrame:
    """Rows up to the last closed session; later ones are reported and not used."""
    late = (rows["session"] > pd.Timestamp(last_closed)).to_numpy()
    if late.any():
        one = rows[late].iloc[0]
        detail = f"{int(late.sum()):,} rows after {last_closed}, {one['symbol']} on {one['session']:%Y-%m-%d}."
        findings.add("in_the_future", str(one["file"]), line=int(one["line"]), value=one["symbol"], detail=detail, count=int(late.sum()))
        rows = rows[~late]
    return rows


def _confirmed(jumps: pd.DataFrame, merged: Merged, stated: list[tuple[date, str, float]]) -> Confirmed:
    """Of the closes that jump, those that a second source or the owner's file states within 1 %."""
    others = pd.concat(
        [merged.second, pd.DataFrame(stated, columns=["session", "symbol", "close"]).astype({"session": "datetime64[s]"})]
        if stated
        else [merged.second]
    )
    both = jumps.assign(symbol=jumps["symbol"].astype(str)).merge(
        others.assign(symbol=others["symbol"].astype(str)), on=["session", "symbol"], suffixes=("", "_other")
    )
    near = (both["close_other"].isna()) | ((both["close"] / both["close_other"] - 1.0).abs() <= CONFIRMS)
    return frozenset((row.session.date(), row.symbol) for row in both[near].itertuples())


def _data(
    configuration: Configuration,
    rows: pd.DataFrame | None,
    tables: _Tables,
    calendar: SessionCalendar,
    confirmed: Confirmed,
    findings: Findings,
) -> FolderData:
    proxies = {factor: Proxy(factor, etf, configuration.proxies.get(factor, etf)) for factor, etf in FACTOR_ETFS.items()}  # type: ignore[call-overload]
    coverage = pd.DataFrame(columns=["first", "last", "closes", "gaps", "source", "price_basis"])
    yields = merge_yields(tables.yields, calendar, findings)
    if rows is not None and len(rows):
        coverage = find_gaps(rows, calendar, rows["session"].max().date(), findings)
        find_proxies(coverage, proxies, findings)
        _find_late_yields(yields, rows, calendar, findings)
    quotes = merge_quotes(tables.quotes, tables.changes, calendar, set(coverage.index), findings)
    return FolderData(
        configuration=configuration,
        proxies=proxies,
        prices=empty(PRICE_COLUMNS) if rows is None else _in_order(rows),
        yields=yields,
        quotes=quotes,
        master=merge_master(tables.master, findings),
        coverage=coverage,
        confirmed=confirmed,
        files=tables.kinds,
        findings=findings.listed(),
        n_errors=findings.n_errors,
        n_warnings=findings.n_warnings,
    )


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """`PRICE_COLUMNS` ordered by session and symbol, texts as objects."""
    order = np.lexsort((rows["symbol"].cat.codes.to_numpy(), rows["session"].to_numpy()))
    columns = {}
    for name, kind in PRICE_COLUMNS.items():
        values = rows[name].array
        if kind == "object":
            words = np.array([*values.categories, None], dtype=object)
            columns[name] = pd.Series(words[values.codes[order]], dtype=object)
        else:
            columns[name] = pd.Series(values.to_numpy()[order]).astype(kind)
    return pd.DataFrame(columns)


def _find_late_yields(yields: pd.DataFrame, prices: pd.DataFrame, calendar: SessionCalendar, findings: Findings) -> None:
    """Sessions with prices that no curve of the last six sessions serves."""
    if yields.empty:
        findings.add("no_yields")
        return
    days = session_array(calendar.between(prices["session"].min().date(), prices["session"].max().date()))
    known = np.unique(yields["session"].to_numpy())
    last = np.searchsorted(known, days, side="right") - 1
    age = np.searchsorted(days, days) - np.searchsorted(days, known[np.maximum(last, 0)])
    old = days[(last < 0) | (age > 5)]
    if len(old):
        shown = [str(day.astype("datetime64[D]")) for day in (old[0], old[-1])]
        findings.add("yields_late", detail=f"{len(old)} sessions from {shown[0]} to {shown[1]}.", count=len(old))
