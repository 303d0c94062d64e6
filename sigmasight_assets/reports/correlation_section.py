"""The section of correlations: how diversified the book is, which names move together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.packing import unpacked
from sigmasight_assets.reports.model import Column, Metric, Section, Table
from sigmasight_assets.reports.sections import known, plain, table
from sigmasight_assets.store.tables import position_correlations as correlations_table
from sigmasight_assets.store.tables.factors import VIEWS

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

NAME, TITLE = "position_correlations", "Correlations"
PAIRS = 5
_VIEWS = (
    Column("view", "View", "text"),
    Column("n_names", "Names", "count"),
    Column("average_correlation", "Average correlation", "ratio"),
    Column("effective_number", "Effective number", "ratio"),
    Column("concentration", "In clusters", "share"),
    Column("n_clusters", "Clusters", "count"),
    Column("n_obs", "Sessions", "count"),
    Column("coverage", "Of the view's exposure", "share"),
    Column("reason", "Why not", "text"),
)
_CLUSTERS = (
    Column("name", "Cluster", "text"),
    Column("named_by", "Named by", "text"),
    Column("members", "Members", "text"),
    Column("share", "Of exposure", "share"),
    Column("average_correlation", "Average correlation", "ratio"),
)
_PAIRS = (
    Column("one", "Name", "text"),
    Column("other", "Name", "text"),
    Column("correlation", "Correlation", "ratio"),
)
_METRICS = _VIEWS[2:5]


def position_correlations(inputs: Inputs) -> Section:
    """Figures of the three views, clusters and the most and least correlated pairs of the whole book."""
    c = correlations_table.c
    rows = inputs.read(select(correlations_table).where(c.portfolio_id == inputs.portfolio.id, c.session == inputs.session))
    if rows.empty:
        return Section(NAME, TITLE, "unavailable", "not_materialized", inputs.session)
    rows = rows.set_index("view").reindex([view for view in VIEWS if view in set(rows["view"])]).reset_index()
    whole = rows.iloc[0]
    notes = [
        f"Simple returns of {whole['window']} sessions of the underlyings, options by their delta; private assets are left out. "
        "Clusters are names linked at 0.7 or more.",
    ]
    if whole["repaired"]:
        notes.append("Gaps made the matrix indefinite: it is replaced by the nearest correlation matrix (rule: eigenvalue below -1e-8).")
    metrics = tuple(Metric(column, plain(whole[column.name])) for column in _METRICS)
    tables = (table("views", "By view", _VIEWS, rows), _clusters(whole["clusters"]), *_pairs(whole))
    reason = whole["reason"] if whole["status"] != "ok" else None
    return Section(NAME, TITLE, whole["status"], reason, inputs.session, known(whole["coverage"]), tuple(notes), metrics, tables)


def _clusters(clusters: list[dict[str, Any]]) -> Table:
    found = [{**cluster, "members": ", ".join(cluster["members"])} for cluster in clusters]
    frame = pd.DataFrame(found, columns=[column.name for column in _CLUSTERS])
    return table("clusters", "Clusters of the whole book", _CLUSTERS, frame)


def _pairs(whole: pd.Series) -> list[Table]:
    """The pairs of the whole book that move most, and least, together."""
    pairs = unpacked(whole["correlations"])
    known = np.flatnonzero(~np.isnan(pairs))
    if not len(known):
        return []
    first, second = np.triu_indices(int(whole["n_names"]), 1)
    order = known[np.argsort(-pairs[known], kind="stable")]
    shown = order if len(order) <= 2 * PAIRS else np.concatenate([order[:PAIRS], order[-PAIRS:]])
    names: list[str] = whole["names"]
    frame = pd.DataFrame({"one": [names[i] for i in first[shown]], "other": [names[i] for i in second[shown]], "correlation": pairs[shown]})
    return [table("pairs", "The most and the least correlated pairs", _PAIRS, frame)]
