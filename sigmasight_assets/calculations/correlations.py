"""`position_correlations`: how the names of a book move together, by view (docs/conventions.md §7)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from sigmasight_assets.calculations.factor_panels import ReturnPanel, read_return_panel
from sigmasight_assets.calculations.packing import packed, unpacked
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.valuation import runs_of
from sigmasight_assets.engines import correlation, correlation_summary
from sigmasight_assets.engines.arrays import Array, BoolArray, IntArray
from sigmasight_assets.engines.correlation import MIN_COMMON, Correlations, correlations
from sigmasight_assets.engines.correlation_summary import CLUSTER_AT, CorrelationSummary, summarize
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import lot_tags, lots, position_correlations, position_values, security_master, tags
from sigmasight_assets.store.tables.factors import VIEWS

VERSION = f"1.{correlation.VERSION}.{correlation_summary.VERSION}"
COLUMNS = [(column.name, column.type) for column in position_correlations.columns]
NAMED_FROM = 0.7
"""A cluster is called by what at least this share of its members have in common."""
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


@dataclass(frozen=True)
class _Groups:
    """What names may share: sector of each underlying, and the owner's tags of each lot."""

    sector: Mapping[str, str]
    tags: Mapping[uuid.UUID, tuple[str, ...]]


def correlation_frame(
    reader: Reader,
    sessions: Sequence[date],
    portfolio_ids: Sequence[uuid.UUID] | None,
    parameters: CorrelationParameters = DEFAULTS,
) -> tuple[list[uuid.UUID], pd.DataFrame]:
    """Rows of `position_correlations` of some sessions, and the portfolios they are of (all when None)."""
    ids = portfolios_of(reader, portfolio_ids)
    groups = _read_groups(reader, ids)
    rows: list[tuple[object, ...]] = []
    for run in runs_of(np.sort(reader.positions(sessions))):
        held = _read_names(reader, ids, run)
        panel = read_return_panel(reader, int(run[0]) + 1 - parameters.window, int(run[-1]), sorted(set(held["underlying"])))
        books = dict(list(held.groupby(["position", "portfolio_id"], sort=False)))
        for position in run.tolist():
            for portfolio in ids:
                book = books.get((position, portfolio))
                key = (reader.day(position), portfolio)
                rows += [(*key, *row) for row in _views(held.iloc[:0] if book is None else book, panel, position, groups, parameters)]
    return ids, columns_to_frame(rows, COLUMNS)


def _read_names(reader: Reader, portfolio_ids: Sequence[uuid.UUID], position: IntArray) -> pd.DataFrame:
    """Netted delta dollars of each portfolio's underlyings, private assets aside, with the lots they come from."""
    p = position_values.c
    span = p.session.between(reader.day(int(position[0])), reader.day(int(position[-1])))
    wanted = (p.session, p.portfolio_id, p.underlying, p.lot_id, p.delta_dollars)
    query = select(*wanted).where(
        span, p.portfolio_id.in_(list(portfolio_ids)), p.event.is_(None), p.asset_class != "private", p.delta_dollars.is_not(None)
    )
    rows = reader.frame(query.where(p.status != "quarantined").order_by(p.session, p.portfolio_id, p.underlying, p.lot_id))
    rows = rows.assign(position=reader.positions_of(rows["session"]))
    grouped = rows.groupby(["position", "portfolio_id", "underlying"], sort=False, as_index=False)
    return grouped.agg(delta_dollars=("delta_dollars", "sum"), lots=("lot_id", tuple))


def _views(
    book: pd.DataFrame, panel: ReturnPanel, position: int, groups: _Groups, parameters: CorrelationParameters
) -> list[tuple[object, ...]]:
    """The rows of one portfolio on one session but for their key."""
    delta = book["delta_dollars"].to_numpy(dtype=np.float64)
    names = book["underlying"].to_numpy(dtype=object)
    sides = {"portfolio": delta != 0.0, "longs": delta > 0.0, "shorts": delta < 0.0}
    kept = {view: _kept(delta, side, parameters) for view, side in sides.items()}
    order = np.lexsort((names.astype(str), -np.abs(delta)))
    needed = order[np.logical_or.reduce(list(kept.values()))[order]]
    span = slice(max(position + 1 - parameters.window - panel.first, 0), position + 1 - panel.first)
    column = pd.Index(panel.symbols).get_indexer(names[needed])
    found = correlations(panel.returns[span, column], parameters.min_common)
    out = []
    for view in VIEWS:
        place = np.flatnonzero(kept[view][needed])  # of the names of this view among those needed
        gross = float(np.abs(delta[sides[view]]).sum())
        out.append((view, parameters.window, *_row(book.iloc[needed[place]], found, place, gross, groups, parameters)))
    return out


def _kept(delta: Array, side: BoolArray, parameters: CorrelationParameters) -> BoolArray:
    """Names of a side that are at least a share of its gross, or that many dollars."""
    size = np.where(side, np.abs(delta), 0.0)
    return side & ((size >= parameters.least_share * size.sum()) | (size >= parameters.least_dollars))


def _row(
    book: pd.DataFrame, found: Correlations, place: IntArray, gross: float, groups: _Groups, parameters: CorrelationParameters
) -> tuple[object, ...]:
    delta = book["delta_dollars"].to_numpy(dtype=np.float64)
    weight = np.abs(delta)
    summary = summarize(found.matrix[np.ix_(place, place)], weight, parameters.cluster_at)
    upper = np.triu_indices(len(place), 1)
    pairs = summary.matrix[upper]
    common = found.common[np.ix_(place, place)][upper][~np.isnan(pairs)]
    clusters = [_cluster(book, summary, members, weight, groups) for members in summary.clusters]
    total = float(weight.sum())
    concentration = sum(float(weight[members].sum()) for members in summary.clusters) / total if total > 0.0 else float("nan")
    absent = bool(np.isnan(pairs).any())
    status, reason = "ok", TOO_FEW if len(place) < 2 else None  # a side without names is nothing that failed
    if absent:
        status, reason = ("unavailable" if np.isnan(pairs).all() else "partial"), ABSENT_PAIRS
    return (
        len(place), int(common.min()) if len(common) else 0,
        summary.average, summary.effective_number, summary.min_eigenvalue, summary.repaired,
        concentration, len(clusters), float(weight[summary.complete].sum()) / gross if gross > 0.0 else float("nan"),
        list(book["underlying"]), packed(delta), packed(pairs), clusters,
        status, reason,
    )  # fmt: skip


def _cluster(book: pd.DataFrame, summary: CorrelationSummary, members: IntArray, weight: Array, groups: _Groups) -> dict[str, object]:
    rows = book.iloc[members]
    names = list(rows["underlying"])
    name, named_by = _called(
        names, [sorted({tag for lot in held for tag in groups.tags.get(lot, ())}) for held in rows["lots"]], groups.sector
    )
    inner = summary.matrix[np.ix_(members, members)][np.triu_indices(len(members), 1)]
    return {
        "name": name,
        "named_by": named_by,
        "members": names,
        "share": float(weight[members].sum() / weight.sum()),
        "average_correlation": float(np.nanmean(inner)),
    }


def _called(names: Sequence[str], tags_of: Sequence[Sequence[str]], sector: Mapping[str, str]) -> tuple[str, str]:
    """The sector, else the tag, that enough members share; else the largest member (names come largest first)."""
    sectors = [sector[name] for name in names if name in sector]
    for kind, words in (("sector", sectors), ("tag", [tag for own in tags_of for tag in own])):
        best = min(Counter(words).items(), key=lambda item: (-item[1], item[0]), default=None)
        if best is not None and best[1] >= NAMED_FROM * len(names) - 1e-9:
            return best[0], kind
    return names[0], "largest"


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
