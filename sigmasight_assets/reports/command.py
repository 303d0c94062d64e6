"""Writing reports on request, for `sigmasight report` and `python -m sigmasight_assets.reports`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.writer import WrittenFile, write_report
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import require_revision


def write_for(portfolio: str, session: date | None, formats: Sequence[str]) -> list[WrittenFile]:
    """Collect and write a portfolio's report with this environment's settings."""
    settings = Settings()
    database = Database(settings.url)
    require_revision(database)
    latest = provider_from_settings(settings.provider, settings.data_dir).last_session(utc_now())
    return write_report(collect(database, portfolio, session, latest), settings.reports_dir, formats)
