"""Cells as dates, numbers, split ratios and symbols; what cannot be read is said by its row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import pandas as pd

from sigmasight_assets.engines.arrays import Array, IntArray

MISSING = ("", "NA", "N/A", "n/a", "na", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none", ".", "-", "--", "ND")
"""What stands for a value that is not there."""
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})([T ].*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(\.0)?")
_SLASHED = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")
_SYMBOL = re.compile(r"[A-Z0-9^$][A-Z0-9.^=_&$+/-]{0,31}")
_SHARE_CLASS = re.compile(r"([A-Z0-9]{1,10})[-/ ]([A-Z0-9]{1,4})")
_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*(?::|/|for|-for-)\s*(\d+(?:\.\d+)?)", re.IGNORECASE)


def dates_of(texts: pd.Categorical, date_format: str | None) -> tuple[np.ndarray, IntArray]:
    """Dates as datetime64[s], NaT where there is none, and the rows whose text is no date (an empty cell is none of them).

    Without a format dates are ISO, with or without a time (which is dropped as written), or yyyymmdd. Dates with slashes are read where
    the column leaves one order of day and month possible.
    """
    distinct = [str(text).strip() for text in texts.categories]
    date_format = date_format or _only_order([text for text in distinct if text not in MISSING])
    read = np.array([_date(text, date_format) for text in distinct] + [None], dtype="datetime64[D]").astype("datetime64[s]")
    codes = np.asarray(texts.codes, dtype=np.int64)
    out = read[codes]
    empty = np.array([text in MISSING for text in distinct] + [True], dtype=bool)[codes]
    return out, np.flatnonzero(np.isnat(out) & ~empty)


def is_date(text: str) -> bool:
    """Whether a text is an ISO date, with or without a time."""
    return _ISO.fullmatch(text.strip()) is not None and _date(text.strip(), None) is not None


def _only_order(texts: Sequence[str]) -> str | None:
    """The format of dates with slashes that all of them have, where the other order of day and month makes one of them no date."""
    if not texts or not all(_SLASHED.fullmatch(text) for text in texts):
        return None
    possible = [order for order in ("%m/%d/%Y", "%d/%m/%Y") if all(_date(text, order) is not None for text in texts)]
    return possible[0] if len(possible) == 1 else None


def _date(text: str, date_format: str | None) -> date | None:
    try:
        if date_format:
            return datetime.strptime(text, date_format).date()  # noqa: DTZ007 - a date without a time
        if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return None


def numbers_of(texts: pd.Series) -> tuple[Array, IntArray]:
    """Texts as float64, NaN where there is none, and the rows whose text is no finite number."""
    plain = texts.astype(str).str.strip()
    missing = plain.isin(MISSING).to_numpy()
    values = pd.to_numeric(plain.where(~missing, "nan"), errors="coerce").to_numpy(dtype=np.float64).copy()
    bad = ~missing & ~np.isfinite(values)
    bad |= ~missing & plain.str.contains("_", regex=False).to_numpy()
    values[bad] = np.nan
    return values, np.flatnonzero(bad)


def ratios_of(texts: pd.Categorical) -> tuple[Array, IntArray]:
    """Split ratios, new shares per old share: 4, 4:1, 4-for-1; 1 for an empty cell or 0. And the rows that are none."""
    distinct = [str(text).strip() for text in texts.categories]
    codes = np.asarray(texts.codes, dtype=np.int64)
    values = np.array([_ratio(text) for text in distinct] + [1.0])[codes]
    return values, np.flatnonzero(np.isnan(values))


def _ratio(text: str) -> float:
    if text in MISSING:
        return 1.0
    if match := _RATIO.fullmatch(text):
        return float(match[1]) / float(match[2]) if float(match[2]) > 0 and float(match[1]) > 0 else np.nan
    try:
        value = float(text)
    except ValueError:
        return np.nan
    if value == 0:
        return 1.0  # how some vendors write "no split"
    return value if value > 0 and np.isfinite(value) else np.nan


def canonical_symbol(text: str) -> str | None:
    """A symbol as the ledger writes it: upper case, a class of shares with a point (BRK.B); None for what is no symbol."""
    symbol = text.strip().upper()
    if match := _SHARE_CLASS.fullmatch(symbol):
        symbol = f"{match[1]}.{match[2]}"
    return symbol if _SYMBOL.fullmatch(symbol) else None


def symbols_of(texts: pd.Categorical) -> tuple[pd.Categorical, IntArray]:
    """Symbols (missing for an empty cell), and the rows whose text is none."""
    words = [canonical_symbol(str(text)) for text in texts.categories]
    empty = np.array([not str(text).strip() for text in texts.categories] + [True], dtype=bool)
    symbols = recoded(texts, words)
    return symbols, np.flatnonzero(symbols.isna() & ~empty[np.asarray(texts.codes, dtype=np.int64)])


def recoded(texts: pd.Categorical, words: Sequence[str | None]) -> pd.Categorical:
    """The same rows with each distinct text replaced by its word; missing where that is None."""
    kept = sorted({word for word in words if word is not None})
    place = {word: i for i, word in enumerate(kept)}
    codes = np.array([-1 if word is None else place[word] for word in words] + [-1], dtype=np.int64)
    return pd.Categorical.from_codes(codes[np.asarray(texts.codes, dtype=np.int64)], categories=pd.Index(kept, dtype=object))


def constant(word: str | None, n: int) -> pd.Categorical:
    """`n` rows of one word."""
    codes = np.full(n, -1 if word is None else 0)
    return pd.Categorical.from_codes(codes, categories=pd.Index([] if word is None else [word], dtype=object))
