"""Files of prices, dividends and splits to rows: one per symbol and session and file, what a file does not state being NaN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.providers.files.cells import canonical_symbol, constant, ratios_of, recoded, symbols_of
from sigmasight_assets.providers.files.configuration import Configuration, FileRule
from sigmasight_assets.providers.files.headers import PRICE_FIELDS, field_of_wide, is_unused, named_columns, plain
from sigmasight_assets.providers.files.table_file import TableFile

BASES = ("traded", "split_adjusted", "adjusted_only")


@dataclass(frozen=True)
class PriceTable:
    """The rows of one file.

    Attributes
    ----------
    rows : DataFrame
        `session` (datetime64[s]), `symbol`, the four fields of `PRICE_FIELDS` (float64), `source`, `price_basis` (None where not
        stated), `line`.
    states : frozenset of str
        Fields that the file states at all: an empty dividend cell is then a dividend of 0.
    """

    name: str
    rows: pd.DataFrame
    states: frozenset[str]
    rank: dict[str, int]

    @property
    def is_events(self) -> bool:
        """Only dividends and splits, of whatever symbols have them."""
        return not self.states & {"close", "adj_close"}


def read_prices(table: TableFile, rule: FileRule, configuration: Configuration) -> PriceTable | None:
    """The rows of a file of prices; None (with findings) where it lacks what every row needs."""
    named = named_columns("prices", table.headers, rule.columns)
    if _has_doubles(table, named):
        return None
    if "session" not in named and rule.session is None:
        table.findings.add("missing_column", table.name, column="date")
        return None
    stated = set(named) & {*PRICE_FIELDS, "split_from"}
    is_wide = "symbol" not in named and rule.symbol is None and (rule.field is not None or not stated)
    reader = _read_wide if is_wide else _read_long
    return reader(table, rule, configuration, {name: places[0] for name, places in named.items()})


def _has_doubles(table: TableFile, named: dict[str, list[int]]) -> bool:
    doubles = {name: places for name, places in named.items() if len(places) > 1}
    for name, places in doubles.items():
        table.findings.add("duplicate_column", table.name, column=name, value=", ".join(table.headers[place] for place in places))
    return bool(doubles)


def _read_long(table: TableFile, rule: FileRule, configuration: Configuration, named: dict[str, int]) -> PriceTable | None:
    """A row per symbol and session; without a column of symbols the file is of one, named by the rule or the file."""
    for place, header in enumerate(table.headers):
        if place not in named.values() and not is_unused(header):
            table.findings.add("ignored_column", table.name, column=header)
    prices = [name for name in ("close", "adj_close", "dividend", "split_from", "split_to") if name in named]
    table.load(list(named.values()), [named[name] for name in prices])
    n = table.n_rows
    columns: dict[str, object] = {name: np.full(n, np.nan) for name in PRICE_FIELDS}
    columns["session"] = _sessions(table, rule, configuration, named)
    if "symbol" in named:
        texts = table.texts(named["symbol"])
        columns["symbol"], bad = symbols_of(texts)
        table.report("invalid_symbol", named["symbol"], bad, texts)
    else:
        stem = rule.symbol or Path(table.name).name.split(".")[0]
        symbol = canonical_symbol(stem)
        if symbol is None:
            table.findings.add("missing_column", table.name, column="symbol", detail=f"The file name {stem!r} is no symbol either.")
            return None
        columns["symbol"] = constant(symbol, n)
    columns |= {name: table.numbers(named[name]) for name in ("close", "adj_close", "dividend") if name in named}
    if "split_ratio" in named:
        texts = table.texts(named["split_ratio"])
        columns["split_ratio"], bad = ratios_of(texts)
        table.report("invalid_split", named["split_ratio"], bad, texts)
    elif {"split_from", "split_to"} <= set(named):
        columns["split_ratio"] = _ratio_of_two(table, named)
    columns["price_basis"] = _bases(table, rule, named)
    columns["source"] = _sources(table, rule, configuration, named)
    refuse_currencies(table, named)
    rows = pd.DataFrame({**columns, "line": table.lines(np.arange(n))})
    states = frozenset({"split_ratio" if name.startswith("split") else name for name in named} & set(PRICE_FIELDS))
    return _checked(table, rows, states, named, configuration)


def _read_wide(table: TableFile, rule: FileRule, configuration: Configuration, named: dict[str, int]) -> PriceTable | None:
    """A column per symbol, all of one field."""
    stated = rule.field or field_of_wide(table.name)
    places = [i for i, header in enumerate(table.headers) if i != named.get("session") and header and plain(header) != "unnamed_0"]
    symbols = [canonical_symbol(table.headers[i]) for i in places]
    for place, symbol in zip(places, symbols, strict=True):
        if symbol is None:
            table.findings.add("invalid_symbol", table.name, line=1, column=table.headers[place])
    doubled = sorted({symbol for symbol in symbols if symbol and symbols.count(symbol) > 1})
    for symbol in doubled:
        table.findings.add("duplicate_column", table.name, column=symbol)
    if None in symbols or doubled or not symbols:
        return None
    table.load(([named["session"]] if "session" in named else []) + places, [] if stated == "split_ratio" else places)
    sessions = _sessions(table, rule, configuration, named)
    lines = np.array(table.lines(np.arange(table.n_rows)), dtype=np.int64)
    if stated == "split_ratio":
        cells = []
        for place in places:
            texts = table.texts(place)
            values, bad = ratios_of(texts)
            table.report("invalid_split", place, bad, texts)
            cells.append(values)
    else:
        cells = [table.numbers(place) for place in places]
    n, width = table.n_rows, len(places)
    rows = pd.DataFrame({name: np.full(n * width, np.nan) for name in PRICE_FIELDS})
    rows[stated] = np.concatenate(cells)  # symbol by symbol
    rows["session"] = np.tile(sessions, width)
    rows["symbol"] = pd.Categorical.from_codes(np.repeat(np.arange(width), n), categories=pd.Index(symbols, dtype=object))
    rows["price_basis"] = constant(rule.price_basis, n * width)
    rows["source"] = constant(_label(table, rule, configuration), n * width)
    rows["line"] = np.tile(lines, width)
    column = {"session": named["session"]} if "session" in named else {}
    if stated in ("close", "adj_close"):
        rows = rows[rows[stated].notna()]
    return _checked(table, rows.reset_index(drop=True), frozenset({stated}), column, configuration)


def _sessions(table: TableFile, rule: FileRule, configuration: Configuration, named: dict[str, int]) -> np.ndarray:
    if "session" not in named:
        return np.full(table.n_rows, np.datetime64(rule.session, "D")).astype("datetime64[s]")
    return table.dates(named["session"], rule.date_format or configuration.date_format)


def _ratio_of_two(table: TableFile, named: dict[str, int]) -> Array:
    """Ratio of two columns: `split_to` new shares for `split_from` old ones; 1 where both are empty."""
    before, after = table.numbers(named["split_from"]), table.numbers(named["split_to"])
    bad = np.flatnonzero((before <= 0) | (after <= 0) | (np.isnan(before) != np.isnan(after)))
    table.report("invalid_split", named["split_to"], bad, after)
    return np.where(np.isnan(before), 1.0, after / before)


def _bases(table: TableFile, rule: FileRule, named: dict[str, int]) -> pd.Categorical:
    if "price_basis" not in named:
        return constant(rule.price_basis, table.n_rows)
    texts = table.texts(named["price_basis"])
    words = [plain(str(text)) or None for text in texts.categories]
    unknown = np.array([word not in (*BASES, None) for word in words] + [False], dtype=bool)
    table.report("basis_unknown", named["price_basis"], np.flatnonzero(unknown[np.asarray(texts.codes, dtype=np.int64)]), texts)
    return recoded(texts, words)


def _label(table: TableFile, rule: FileRule, configuration: Configuration) -> str:
    return rule.source or configuration.source or Path(table.name).name.split(".")[0][:40]


def _sources(table: TableFile, rule: FileRule, configuration: Configuration, named: dict[str, int]) -> pd.Categorical:
    label = _label(table, rule, configuration)
    if "source" not in named:
        return constant(label, table.n_rows)
    texts = table.texts(named["source"])
    return recoded(texts, [str(text).strip()[:40] or label for text in texts.categories])


def refuse_currencies(table: TableFile, named: dict[str, int], code: str = "foreign_currency") -> None:
    """A finding for every row in another currency than USD."""
    if "currency" in named:
        texts = table.texts(named["currency"])
        foreign = np.array([str(text).strip().upper() not in ("USD", "US$", "$", "") for text in texts.categories] + [False])
        bad = np.flatnonzero(foreign[np.asarray(texts.codes, dtype=np.int64)])
        table.report(code, named["currency"], bad, texts)


def _checked(
    table: TableFile, rows: pd.DataFrame, states: frozenset[str], named: dict[str, int], configuration: Configuration
) -> PriceTable:
    """Rows without date or symbol are faults unless they are empty altogether; so are prices of 0 or less."""
    no_date, no_symbol = rows["session"].isna().to_numpy(), (rows["symbol"].isna()).to_numpy()
    neutral = {"dividend": 0.0, "split_ratio": 1.0}
    empty = np.logical_and.reduce([(rows[name].isna() | (rows[name] == neutral.get(name))).to_numpy() for name in PRICE_FIELDS])
    lines = rows["line"].to_numpy()
    for name, missing in (("session", no_date), ("symbol", no_symbol)):
        already = {"session": "not_a_date", "symbol": "invalid_symbol"}[name]
        bad = np.flatnonzero(missing & ~empty)
        if len(bad) and name in named and not _reported(table, already):
            table.findings.add_lines("required", table.name, table.headers[named[name]], lines[bad[:50]].tolist(), [""] * 50, len(bad))
    for name in ("close", "adj_close"):
        _refuse(table, rows, name, (rows[name] <= 0).to_numpy(), "price_not_positive")
    _refuse(table, rows, "dividend", (rows["dividend"] < 0).to_numpy(), "negative")
    rows = rows[~no_date & ~no_symbol & ~(empty & (states <= {"dividend", "split_ratio"}))]
    rank = {
        str(source): place
        for source in rows["source"].drop_duplicates()
        if (place := configuration.rank(table.name, str(source))) is not None
    }
    return PriceTable(table.name, rows.reset_index(drop=True), states, rank)


def _reported(table: TableFile, code: str) -> bool:
    return any(finding.code == code and finding.file == table.name for finding in table.findings.listed())


def _refuse(table: TableFile, rows: pd.DataFrame, column: str, bad: np.ndarray, code: str) -> None:
    """Report the values of a column and take them out, so that what follows is arithmetic on legal prices."""
    where = np.flatnonzero(bad)
    if len(where):
        some = rows.iloc[where[:50]]
        shown = [f"{symbol} {value:g}" for symbol, value in zip(some["symbol"], some[column], strict=True)]
        table.findings.add_lines(code, table.name, column, some["line"].tolist(), shown, len(where))
        rows.loc[bad, column] = np.nan
