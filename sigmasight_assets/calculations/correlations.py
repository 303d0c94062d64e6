"""`position_correlations`: how the names of a book move together, by view (docs/conventions.md §7)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.factor_panels import read_return_panel
from sigmasight_assets.calculations.kept_rows import position_rows
from sigmasight_assets.calculations.packing import packed, unpacked
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.valuation import runs_of
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.correlation import MIN_COMMON, Correlations, correlations
from sigmasight_assets.engines.correlation_summary import CLUSTER_AT, CorrelationSummary, average_pair, summarize, upper_triangle
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import lot_tags, lots, position_correlations, security_master, tags
from sigmasight_assets.store.tables.factors import VIEWS

COLUMNS = [(column.name, column.type) for column in position_correlations.columns]
_COLUMNS = ("session", "portfolio_id", "lot_id", "underlying", "asset_class", "event", "delta_dollars")
NAMED_FROM = 0.7
"""A cluster is called by what at least this share of its members have in common."""
BOOKS_PER_FRAME = 1_000
"""Portfolio-sessions whose matrices are in memory at once: a quarter of a gigabyte at 100 names each."""
ABSENT_PAIRS, TOO_FEW = "absent_pairs", "fewer_than_two_names"


@dataclass(frozen=True)
class CorrelationParameters:
    """Which names are looked at, and how: kept is what reaches one of the two sizes."""

    least_share: float = 0.01
    least_dollars: float = 10_000.0
    window: int = 90
    min_common: int = MIN_COMMON
    cluster_at: float = CLUSTER_AT


DEFAULTS = CorrelationParameters()


_Words = dict[str, dict[str, float]]
"""Name -> each of its words with the |delta dollars| of the lots that carry it."""


@dataclass(frozen=True)
class _Groups:
    """What names may share: sector of each underlying, and the owner's tags of each lot."""

    sector: Mapping[str, str]
    tags: Mapping[uuid.UUID, tuple[str, ...]]

    def words_of(self, names: _Names) -> dict[str, _Words]:
        """Words of the names as sectors and as tags; a name's tags are those of its lots."""
        sectors: _Words = {}
        tagged: _Words = {}
        for i, name in enumerate(names.name):
            sectors[name] = {self.sector[name]: abs(float(names.delta[i]))} if name in self.sector else {}
            tagged[name] = {}
            for lot, dollars in names.lots_of(i) if self.tags else ():
                for tag in self.tags.get(lot, ()):
                    tagged[name][tag] = tagged[name].get(tag, 0.0) + abs(dollars)
        return {"sector": sectors, "tag": tagged}


def correlation_frames(
    reader: Reader,
    sessions: Sequence[date],
    portfolio_ids: Sequence[uuid.UUID] | None,
    parameters: CorrelationParameters = DEFAULTS,
) -> tuple[list[uuid.UUID], Iterator[tuple[list[date], pd.DataFrame]]]:
    """Rows of `position_correlations` by chunks of whole sessions, and the portfolios they are of (all when None)."""
    ids = portfolios_of(reader, portfolio_ids)
    return ids, _chunks(reader, np.sort(reader.positions(sessions)), ids, parameters)


def _chunks(
    reader: Reader, position: IntArray, portfolio_ids: Sequence[uuid.UUID], parameters: CorrelationParameters
) -> Iterator[tuple[list[date], pd.DataFrame]]:
    groups = _read_groups(reader, portfolio_ids)
    size = max(1, BOOKS_PER_FRAME // max(1, len(portfolio_ids)))
    for run in runs_of(position):
        for start in range(0, len(run), size):
            part = run[start : start + size]
            held = _read_names(reader, portfolio_ids, part)
            panel = read_return_panel(reader, int(part[0]) + 1 - parameters.window, int(part[-1]), sorted(set(held.name)))
            column = pd.Index(panel.symbols).get_indexer(held.name)
            rows: list[tuple[object, ...]] = []
            for at in part.tolist():
                returns = panel.returns[max(at + 1 - parameters.window - panel.first, 0) : at + 1 - panel.first]
                for portfolio in portfolio_ids:
                    where = held.books.get((at, portfolio), slice(0, 0))
                    key = (reader.day(at), portfolio)
                    rows += [(*key, *row) for row in _views(held.of(where), returns[:, column[where]], groups, parameters)]
            yield [reader.day(at) for at in part.tolist()], columns_to_frame(rows, COLUMNS)


@dataclass(frozen=True)
class _Names:
    """Underlyings of books with netted delta dollars; each of shape (n_names,), but `lot_id` and `lot_delta` of shape (n_lots,).

    The lots of a name are ``lot_id[first:first + n_lots]``; `books` says which names are of a portfolio on a session.
    """

    name: np.ndarray
    delta: Array
    first: IntArray
    n_lots: IntArray
    lot_id: np.ndarray
    lot_delta: Array
    books: Mapping[tuple[int, uuid.UUID], slice]

    def of(self, where: slice | IntArray) -> _Names:
        return _Names(self.name[where], self.delta[where], self.first[where], self.n_lots[where], self.lot_id, self.lot_delta, {})

    def lots_of(self, i: int) -> list[tuple[uuid.UUID, float]]:
        """Ids of a name's lots, and their delta dollars."""
        those = slice(self.first[i], self.first[i] + self.n_lots[i])
        return list(zip(self.lot_id[those], self.lot_delta[those].tolist(), strict=True))


def _read_names(reader: Reader, portfolio_ids: Sequence[uuid.UUID], position: IntArray) -> _Names:
    """Open lots netted by session, portfolio and underlying; private assets and lots without a delta are left out."""
    rows = position_rows(reader, reader.days(position), portfolio_ids, _COLUMNS)
    counts = rows["event"].isna() & (rows["asset_class"] != "private") & rows["delta_dollars"].notna()
    rows = rows[counts.to_numpy()]
    at, owner = reader.positions_of(rows["session"]), rows["portfolio_id"].to_numpy(dtype=object)
    is_next_book = np.ones(len(rows), dtype=bool)
    is_next_book[1:] = (at[1:] != at[:-1]) | (owner[1:] != owner[:-1])
    code, distinct = pd.factorize(rows["underlying"].to_numpy(dtype=object), sort=True)
    order = np.lexsort((code, np.cumsum(is_next_book)))  # lots of one name together, in their own order
    rows, code, name = rows.iloc[order], code[order], distinct[code[order]]
    is_next_name = is_next_book.copy()
    is_next_name[1:] |= code[1:] != code[:-1]
    first = np.flatnonzero(is_next_name)
    book = np.flatnonzero(is_next_book)
    place = np.searchsorted(first, [*book.tolist(), len(rows)])  # of each book's first name
    books = {(int(at[row]), owner[row]): slice(int(place[i]), int(place[i + 1])) for i, row in enumerate(book.tolist())}
    delta = rows["delta_dollars"].to_numpy(dtype=np.float64)
    netted = np.add.reduceat(delta, first) if len(first) else np.zeros(0)
    return _Names(name[first], netted, first, np.diff([*first.tolist(), len(rows)]), rows["lot_id"].to_numpy(dtype=object), delta, books)


def _views(names: _Names, returns: Array, groups: _Groups, parameters: CorrelationParameters) -> list[tuple[object, ...]]:
    """The rows of one portfolio on one session but for their key.

    Parameters
    ----------
    returns : Array of shape (n_sessions, n_names)
    """
    delta = names.delta
    sides = {"portfolio": delta != 0.0, "longs": delta > 0.0, "shorts": delta < 0.0}
    kept = {view: _kept(delta, side, parameters) for view, side in sides.items()}
    order = np.lexsort((names.name.astype(str), -np.abs(delta)))
    needed = order[np.logical_or.reduce(list(kept.values()))[order]]
    found = correlations(returns[:, needed], parameters.min_common)
    out = []
    for view in VIEWS:
        place = np.flatnonzero(kept[view][needed])  # of the names of this view among those needed
        gross = float(np.abs(delta[sides[view]]).sum())
        out.append((view, parameters.window, *_row(names.of(needed[place]), found, place, gross, groups, parameters)))
    return out


def _kept(delta: Array, side: BoolArray, parameters: CorrelationParameters) -> BoolArray:
    """Names of a side that are at least a share of its gross, or that many dollars."""
    size = np.where(side, np.abs(delta), 0.0)
    return side & ((size >= parameters.least_share * size.sum()) | (size >= parameters.least_dollars))


def _row(
    names: _Names, found: Correlations, place: IntArray, gross: float, groups: _Groups, parameters: CorrelationParameters
) -> tuple[object, ...]:
    weight = np.abs(names.delta)
    summary = summarize(found.matrix[np.ix_(place, place)], weight, parameters.cluster_at)
    upper = upper_triangle(len(place))
    pairs = summary.matrix[upper]
    common = found.common[np.ix_(place, place)][upper][~np.isnan(pairs)]
    words = groups.words_of(names) if summary.clusters else {}
    clusters = [_cluster(names, summary, members, weight, words) for members in summary.clusters]
    total = float(weight.sum())
    concentration = sum(float(weight[members].sum()) for members in summary.clusters) / total if total > 0.0 else float("nan")
    absent = bool(np.isnan(pairs).any())
    status, reason = "ok", TOO_FEW if len(place) < 2 else None  # a side without names is nothing that failed
    if absent:
        status, reason = ("unavailable" if np.isnan(pairs).all() else "partial"), ABSENT_PAIRS
    return (
        len(place), int(common.min()) if len(common) else 0,
        summary.average, summary.effective_number, summary.min_eigenvalue, summary.repaired,
        concentration, len(clusters), min(float(weight[summary.complete].sum()) / gross, 1.0) if gross > 0.0 else float("nan"),
        list(names.name), packed(names.delta), packed(pairs), clusters,
        status, reason,
    )  # fmt: skip


def _cluster(
    names: _Names, summary: CorrelationSummary, members: IntArray, weight: Array, words: Mapping[str, _Words]
) -> dict[str, object]:
    symbols = list(names.name[members])
    name, named_by = cluster_name(symbols, words)
    return {
        "name": name,
        "named_by": named_by,
        "members": symbols,
        "share": float(weight[members].sum() / weight.sum()),
        "average_correlation": average_pair(summary.matrix[np.ix_(members, members)]),
    }


def cluster_name(members: Sequence[str], words_of: Mapping[str, _Words]) -> tuple[str, str]:
    """The sector, else the tag, that enough members share, else the largest member.

    Of several words it is the one that the other names share least, then the one whose lots are largest.

    Parameters
    ----------
    words_of : mapping
        `sector` and `tag` -> name of the view -> its words. Names come largest first.
    """
    for kind, words in words_of.items():
        inside = Counter(word for name in members for word in words[name])
        outside = Counter(word for name in words if name not in set(members) for word in words[name])
        shared = [word for word, n in inside.items() if n >= NAMED_FROM * len(members) - 1e-9]
        if shared:
            n_others = max(len(words) - len(members), 1)
            dollars = {word: sum(words[name].get(word, 0.0) for name in members) for word in shared}
            return min(shared, key=lambda word: (outside[word] / n_others - inside[word] / len(members), -dollars[word], word)), kind
    return members[0], "largest"


def _read_groups(reader: Reader, portfolio_ids: Sequence[uuid.UUID]) -> _Groups:
    master = security_master.c
    sector = reader.frame(select(master.symbol, func.coalesce(master.sector, master.fund_category).label("sector")))
    sector = sector[sector["sector"].notna()]
    pairs = select(lot_tags.c.lot_id, tags.c.name).join_from(lot_tags, tags, tags.c.id == lot_tags.c.tag_id)
    named = reader.frame(pairs.join(lots, lots.c.id == lot_tags.c.lot_id).where(lots.c.portfolio_id.in_(list(portfolio_ids))))
    by_lot = named.groupby("lot_id")["name"].agg(tuple).to_dict() if len(named) else {}
    return _Groups(dict(zip(sector["symbol"], sector["sector"], strict=True)), by_lot)


def matrix_of(n_names: int, pairs: Sequence[float | None]) -> Array:
    """A packed upper triangle as a symmetric matrix, NaN for absent pairs; the diagonal is 1."""
    matrix = np.eye(n_names)
    upper = np.triu_indices(n_names, 1)
    matrix[upper] = unpacked(list(pairs))
    matrix.T[upper] = matrix[upper]
    return matrix
