"""The table `portfolio_reports`: index rows for every session, files for the last one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.errors import NotFound
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.index import report_index
from sigmasight_assets.reports.writer import write_report
from sigmasight_assets.settings import Settings
from sigmasight_assets.store import tables
from sigmasight_assets.store.writing import Replaced, replace


def portfolio_reports(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    """Write the last session's files and replace the index rows of all sessions."""
    computation = shop.computation("portfolio_reports")
    last = max(sessions)
    chosen, frame = report_index(shop.database, sessions, shop.portfolios, {})
    materialized = {portfolio for portfolio, status in zip(frame["portfolio_id"], frame["sections"], strict=True) if _has_snapshot(status)}
    files = {}
    for portfolio in (one for one in chosen if one in materialized):
        with suppress(NotFound):  # it has been deleted meanwhile
            files[last, portfolio] = _written(shop, portfolio, last)
    chosen, frame = report_index(shop.database, sessions, shop.portfolios, files)
    return replace(shop.database, tables.portfolio_reports, frame, computation, sessions=sessions, portfolios=chosen, standing=True)


def _has_snapshot(sections: dict[str, dict[str, Any]]) -> bool:
    return sections["portfolio_snapshots"]["reason"] != "not_materialized"


def _written(shop: Workshop, portfolio: uuid.UUID, session: date) -> dict[str, Any]:
    """Format -> path below the reports folder, bytes and SHA-256."""
    folder = Settings().reports_dir
    files = write_report(collect(shop.database, portfolio, session), folder)
    return {file.format: {"path": str(file.path.relative_to(folder)), "bytes": file.n_bytes, "sha256": file.sha256} for file in files}
