"""What a materialization says of itself: rows, changes, what was quarantined, a preview and a picture, on the last partition only."""

import base64
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.progress import report_progress
from sigmasight_assets.sessions import as_dates
from sigmasight_assets.store.lineage import UNDATED
from sigmasight_assets.store.tables import METADATA
from sigmasight_assets.store.writing import Replaced

PREVIEW_ROWS = 8
NUMBERS_ONLY_TAG = "sigmasight/numbers_only"
"""Run tag: somebody waits for the numbers, so nothing is drawn."""
Picture = Callable[[Workshop, Sequence[date]], bytes | None]


def materialize_and_describe(
    context: dg.AssetExecutionContext, shop: Workshop, compute: Callable[..., Replaced], picture: Picture | None = None
) -> dg.MaterializeResult:
    """Run one table's calculation for the run's partitions and describe the result."""
    table = context.asset_key.path[-1]
    sessions = None if table in UNDATED else as_dates(context.partition_keys)
    report_progress(table, 0, len(sessions or [1]))
    start = time.perf_counter()
    done = compute(shop) if sessions is None else compute(shop, sessions)
    seconds = time.perf_counter() - start
    report_progress(table, len(sessions or [1]), len(sessions or [1]))
    context.log.info(f"{table}: {done.rows} rows, {done.changed} of {done.row_sets} row sets changed, {seconds:.2f} s")
    drawn = None if NUMBERS_ONLY_TAG in context.run.tags else picture
    metadata = _metadata(shop, table, done, seconds, sessions, drawn)
    if sessions is None:
        return dg.MaterializeResult(metadata=metadata)
    context.add_asset_metadata(metadata, partition_key=context.partition_keys[-1])
    return dg.MaterializeResult()


def _metadata(
    shop: Workshop, table: str, done: Replaced, seconds: float, sessions: Sequence[date] | None, picture: Picture | None
) -> dict[str, Any]:
    out: dict[str, Any] = {
        "dagster/row_count": done.rows,
        "rows_of_run": done.rows,
        "row_sets": done.row_sets,
        "row_sets_changed": done.changed,
        "quarantined": len(done.quarantined),
        "seconds": round(seconds, 3),
        "preview": dg.MetadataValue.md(_preview(shop, table, sessions)),
    }
    if done.quarantined:
        out["quarantined_rows"] = dg.MetadataValue.md(pd.DataFrame(done.quarantined[:50]).to_markdown(index=False))
    png = picture(shop, sessions or []) if picture else None
    if png is not None:
        out["picture"] = dg.MetadataValue.md(f"![{table}](data:image/png;base64,{base64.b64encode(png).decode()})")
    return out


def _preview(shop: Workshop, table: str, sessions: Sequence[date] | None) -> str:
    """The first rows of the last session, as Markdown."""
    query = select(METADATA.tables[table])
    if sessions:
        query = query.where(METADATA.tables[table].c.session == sessions[-1])
    rows = shop.database.frame(query.limit(PREVIEW_ROWS))
    return rows.map(_short).to_markdown(index=False) if len(rows) else "No rows on the last session."


def _short(cell: Any) -> Any:
    """A packed array as how many numbers it holds: its digits would fill the page."""
    return f"{len(cell)} values" if isinstance(cell, (np.ndarray, list)) else cell
