"""What close, adjusted close, dividend and split of a series mean, and what is derived where a file does not state it (§3).

- Only one of the two closes, and neither dividends nor splits: `adjusted_only`.
- Closes that move by the stated splits: `traded`. Closes without stated splits, or that splits are adjusted for already: `split_adjusted`.
- No adjusted close, but dividends or splits: derived forward from the first close by the vendors' factor,
  ``adj_t / adj_{t-1} = s·close_t / (close_{t-1} - s·dividend_t)``: a later dividend leaves the rows before it alone.
- No dividends, but both closes: derived from them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.providers.derived_dividends import implied_dividends
from sigmasight_assets.providers.files.findings import Findings
from sigmasight_assets.providers.files.price_merge import Merged

TELLS_BASIS = 1.28
"""A split ratio of at least this (or its inverse) shows in the closes whether they are adjusted for it."""
LARGEST_DERIVED = 1.0 / 6.0
"""A dividend above this share of the close is not derived from adjusted closes: it looks like a split."""
INCONSISTENT = 5e-3
CONTRADICTS_SPLIT = 0.2


class _Series:
    """All series, one after the other: arrays of shape (n_rows,), and the rows on which each symbol begins."""

    def __init__(self, merged: Merged) -> None:
        rows = merged.rows
        self.frame = rows
        self.symbols = [str(symbol) for symbol in rows["symbol"].cat.categories]
        self.code: IntArray = rows["symbol"].cat.codes.to_numpy().astype(np.int64)
        self.close, self.adj, self.dividend, self.split = (
            rows[name].to_numpy(dtype=np.float64, copy=True) for name in ("close", "adj_close", "dividend", "split_ratio")
        )
        self.dividend, self.split = np.nan_to_num(self.dividend), np.where(np.isnan(self.split), 1.0, self.split)
        self.starts = np.ones(len(rows), dtype=bool)
        self.starts[1:] = self.code[1:] != self.code[:-1]
        self.n = len(self.symbols)
        self.derived_adj = np.zeros(len(rows), dtype=bool)
        self.derived_dividend = np.zeros(len(rows), dtype=bool)

    def by_symbol(self, where: BoolArray) -> BoolArray:
        """Whether any row of each symbol is True, shape (n_symbols,)."""
        return np.bincount(self.code, weights=where, minlength=self.n) > 0

    def of(self, symbols: set[str]) -> BoolArray:
        return np.array([symbol in symbols for symbol in self.symbols], dtype=bool)

    def before(self, values: Array) -> Array:
        """The symbol's last known value before each row; NaN where there is none."""
        out = np.full(len(values), np.nan)
        row = np.where(np.isnan(values), -1, np.arange(len(values)))
        last = np.maximum.accumulate(row)
        out[1:] = np.where(last[:-1] >= 0, values[last[:-1]], np.nan)
        begins = np.maximum.accumulate(np.where(self.starts, np.arange(len(values)), 0))
        out[1:][last[:-1] < begins[1:]] = np.nan
        return out


def with_basis(merged: Merged, findings: Findings) -> pd.DataFrame:
    """Rows with the columns of `PRICE_COLUMNS` (texts as categories), `line` and `file`, ordered by symbol and session."""
    series = _Series(merged)
    basis = _bases(series, merged, findings)
    _drop_halves(series, basis, findings)
    only = (basis == "adjusted_only")[series.code]
    one = np.where(np.isnan(series.adj), series.close, series.adj)
    series.close[only], series.adj[only], series.dividend[only], series.split[only] = one[only], one[only], 0.0, 1.0
    adjusted = (basis == "split_adjusted")[series.code]
    series.split[adjusted] = 1.0
    _drop_events_without_price(series, findings)
    has_adj = series.by_symbol(~np.isnan(series.adj))
    contradicted = _contradicts_splits(series, has_adj & (basis == "traded"), findings)
    states_dividend = series.of(merged.states["dividend"])
    _derive_dividends(series, has_adj & ~states_dividend & ~contradicted & (basis != "adjusted_only"), findings)
    _check_adjustment(series, has_adj & states_dividend & ~contradicted & (basis != "adjusted_only"), findings)
    _derive_adjusted(series, (~has_adj | contradicted) & (basis != "adjusted_only"), findings)
    return _frame(series, basis)


def _bases(series: _Series, merged: Merged, findings: Findings) -> np.ndarray:
    """The basis of each symbol, shape (n_symbols,) of texts."""
    stated = np.array([merged.basis.get(symbol) for symbol in series.symbols], dtype=object)
    has_close, has_adj = series.by_symbol(~np.isnan(series.close)), series.by_symbol(~np.isnan(series.adj))
    says_dividend, says_split = series.of(merged.states["dividend"]), series.of(merged.states["split_ratio"])
    in_close = _splits_in_close(series)
    says_adjusted = (stated == "split_adjusted") & series.by_symbol(series.split != 1)
    for j in np.flatnonzero((in_close & (stated == None)) | says_adjusted).tolist():  # noqa: E711 - elementwise
        findings.add("split_already_in_close", value=series.symbols[j], detail=f"{series.symbols[j]}.")
    one_close = ~(has_close & has_adj) & ~(has_close & (says_dividend | says_split))
    found = np.select([one_close, in_close, says_split], ["adjusted_only", "split_adjusted", "traded"], "split_adjusted")
    return np.where(stated == None, found, stated)  # noqa: E711


def _splits_in_close(series: _Series) -> BoolArray:
    """Symbols whose closes move by less over their splits than the splits say: they are adjusted for them already."""
    last = series.before(series.close)
    tells = (np.abs(np.log(series.split)) >= np.log(TELLS_BASIS)) & ~np.isnan(series.close) & ~np.isnan(last)
    with np.errstate(invalid="ignore"):
        as_traded = np.abs(np.log(series.close * series.split / last))
        as_adjusted = np.abs(np.log(series.close / last))
    against = np.bincount(series.code, weights=tells & (as_adjusted < as_traded), minlength=series.n)
    events = np.bincount(series.code, weights=tells, minlength=series.n)
    return (events > 0) & (against == events)


def _drop_halves(series: _Series, basis: np.ndarray, findings: Findings) -> None:
    """Of a symbol with closes, a row with an adjusted close alone has no price."""
    half = np.isnan(series.close) & ~np.isnan(series.adj) & (basis != "adjusted_only")[series.code]
    _tell(series, "close_missing", half, findings)
    series.adj[half] = np.nan
    bare = ~np.isnan(series.close) & np.isnan(series.adj) & series.by_symbol(~np.isnan(series.adj))[series.code]
    _tell(series, "adj_close_missing", bare & (basis != "adjusted_only")[series.code], findings)


def _drop_events_without_price(series: _Series, findings: Findings) -> None:
    """Events before a symbol's first price, or of a symbol without any, have nothing to act on."""
    event = (series.dividend != 0) | (series.split != 1)
    started = ~np.isnan(series.close) | ~np.isnan(series.before(series.close))
    _tell(series, "event_without_price", event & ~started, findings)
    series.dividend[~started], series.split[~started] = 0.0, 1.0


def _factors(series: _Series) -> tuple[Array, Array, Array]:
    """(implied, stated, rounding): growth of adj/close over each row by the adjusted closes, and as dividends and splits say.

    A split or dividend on a row without close counts on the next row with one. `rounding` is what the adjusted closes' decimals allow.
    """
    ratio = series.adj / series.close
    split, dividend = _carried_events(series)
    last_close, last_ratio, last_adj = series.before(series.close), series.before(ratio), series.before(series.adj)
    stated = split / (1.0 - split * dividend / last_close)
    rounding = _half_unit(series)[series.code] * (1.0 / series.adj + 1.0 / last_adj)
    return ratio / last_ratio, stated, rounding


def _carried_events(series: _Series) -> tuple[Array, Array]:
    split, dividend = series.split.copy(), series.dividend.copy()
    unpriced = np.isnan(series.close)
    for i in np.flatnonzero(unpriced & ((split != 1) | (dividend != 0))).tolist():
        if i + 1 < len(split) and not series.starts[i + 1]:
            dividend[i + 1] += dividend[i] / split[i + 1]
            split[i + 1] *= split[i]
        split[i], dividend[i] = 1.0, 0.0
    return split, dividend


def _half_unit(series: _Series) -> Array:
    """Half a unit of the last decimal of each symbol's adjusted closes, shape (n_symbols,); 0 where they carry seven or more."""
    out = np.zeros(series.n)
    undecided = np.ones(series.n, dtype=bool)
    known = ~np.isnan(series.adj)
    for decimals in range(7):
        scaled = series.adj * 10.0**decimals
        off = known & (np.abs(scaled - np.round(scaled)) > 1e-6 * np.maximum(scaled, 1.0))
        fits = undecided & ~series.by_symbol(off)
        out[fits] = 0.5 * 10.0**-decimals
        undecided &= ~fits
    return out


def _contradicts_splits(series: _Series, wanted: BoolArray, findings: Findings) -> BoolArray:
    """Symbols whose adjusted closes do not follow their stated splits: the adjusted closes are derived anew."""
    implied, stated, _ = _factors(series)
    split, _ = _carried_events(series)
    off = wanted[series.code] & (split != 1) & (np.abs(implied / stated - 1.0) > CONTRADICTS_SPLIT)
    _tell(series, "adj_close_ignores_split", off, findings)
    return series.by_symbol(off)


def _derive_dividends(series: _Series, wanted: BoolArray, findings: Findings) -> None:
    implied, _, rounding = _factors(series)
    split, _ = _carried_events(series)
    last_ratio = series.before(series.adj / series.close)
    dividend = implied_dividends(series.close, series.adj, split, series.before(series.close), last_ratio, rounding)
    with np.errstate(invalid="ignore"):
        strange = wanted[series.code] & (
            (dividend > LARGEST_DERIVED * series.before(series.close)) | (implied / split < 1.0 - INCONSISTENT - rounding)
        )
    _tell(series, "unexplained_adjustment", strange, findings)
    taken = wanted[series.code] & ~strange & (dividend > 0)
    series.dividend[taken] = dividend[taken]
    series.derived_dividend = taken


def _check_adjustment(series: _Series, wanted: BoolArray, findings: Findings) -> None:
    implied, stated, rounding = _factors(series)
    with np.errstate(invalid="ignore"):
        off = wanted[series.code] & (np.abs(implied / stated - 1.0) > INCONSISTENT + rounding)
    _tell(series, "adj_close_inconsistent", off, findings)


def _derive_adjusted(series: _Series, wanted: BoolArray, findings: Findings) -> None:
    split, dividend = _carried_events(series)
    last = series.before(series.close)
    with np.errstate(invalid="ignore"):
        absurd = wanted[series.code] & (split * dividend >= last)
    _tell(series, "dividend_above_close", absurd, findings)
    step = np.where(absurd | np.isnan(last), 1.0, split / (1.0 - split * np.where(absurd, 0.0, dividend) / last))
    growth = np.ones(len(step))
    begins = np.append(np.flatnonzero(series.starts), len(step))
    for j in np.flatnonzero(np.add.reduceat(step != 1.0, begins[:-1]) > 0).tolist() if len(step) else []:
        part = slice(begins[j], begins[j + 1])
        growth[part] = np.cumprod(step[part])
    mine = wanted[series.code]
    series.adj[mine] = (series.close * growth)[mine]
    series.derived_adj = mine & (growth != 1.0)


def _frame(series: _Series, basis: np.ndarray) -> pd.DataFrame:
    event = (series.dividend != 0) | (series.split != 1)
    kept = ~np.isnan(series.close) | event
    bases = sorted(set(basis))
    place = np.array([bases.index(word) for word in basis], dtype=np.int64)
    return pd.DataFrame(
        {
            "session": series.frame["session"].array[kept],
            "symbol": series.frame["symbol"].array[kept],
            "close": series.close[kept],
            "adj_close": series.adj[kept],
            "dividend": series.dividend[kept],
            "split_ratio": series.split[kept],
            "source": _sources(series)[kept],
            "price_basis": pd.Categorical.from_codes(place[series.code[kept]], categories=pd.Index(bases, dtype=object)),
            "line": series.frame["line"].to_numpy()[kept],
            "file": series.frame["file"].array[kept],
        }
    )


def _sources(series: _Series) -> pd.Categorical:
    """The rows' sources, with what was derived on a row said in it."""
    given = series.frame["source"].array
    words = [str(word) for word in given.categories]
    names = [*words, *(f"{word}, adj_close derived" for word in words), *(f"{word}, dividend derived" for word in words)]
    distinct = sorted(set(names))
    codes = given.codes.astype(np.int64)
    codes = np.select([series.derived_dividend, series.derived_adj], [codes + 2 * len(words), codes + len(words)], codes)
    place = np.array([distinct.index(name) for name in names], dtype=np.int64)
    return pd.Categorical.from_codes(place[codes], categories=pd.Index(distinct, dtype=object))


def _tell(series: _Series, code: str, where: BoolArray, findings: Findings) -> None:
    """One finding per symbol, with the first session and how many there are."""
    rows = np.flatnonzero(where)
    if not len(rows):
        return
    symbols, first, count = np.unique(series.code[rows], return_index=True, return_counts=True)
    for symbol, at, n in zip(symbols.tolist(), first.tolist(), count.tolist(), strict=True):
        row = series.frame.iloc[rows[at]]
        more = f" and {n - 1} more sessions" if n > 1 else ""
        detail = f"{series.symbols[symbol]} on {row['session']:%Y-%m-%d}{more}."
        findings.add(code, str(row["file"]), line=int(row["line"]), value=series.symbols[symbol], detail=detail, count=n)
