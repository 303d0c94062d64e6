"""Written reports: which files there are, their bytes where they are the recorded ones, and the same made from the tables."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sigmasight_api.answer_cache import Fingerprint, fingerprint
from sigmasight_assets.errors import NotMaterialized
from sigmasight_assets.store.database import Database

MEDIA_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
_NAMES = {"md": "{}_report_{}.md", "json": "{}_data_{}.json", "csv": "{}_positions_{}.csv", "html": "{}_report_{}.html"}
"""Format -> name of the file; a test holds them against those of the writer."""
_ID = re.compile(r"(?P<slug>[a-z0-9][a-z0-9-]{0,99})_(?P<session>\d{4}-\d{2}-\d{2})")


def parse_id(text: str) -> tuple[str, date] | None:
    """Slug and session of a report's id; None for what is none."""
    found = _ID.fullmatch(text)
    try:
        return (found["slug"], date.fromisoformat(found["session"])) if found else None
    except ValueError:
        return None


def report_id(slug: str, session: date) -> str:
    return f"{slug}_{session}"


def file_name(kind: str, slug: str, session: date) -> str:
    return _NAMES[kind].format(slug, session)


def file_items(recorded: Mapping[str, Any] | None, slug: str, session: date) -> list[dict[str, Any]]:
    """One item a format, of what a row of `portfolio_reports` records."""
    written = recorded or {}
    return [
        {
            "format": kind,
            "file_name": file_name(kind, slug, session),
            "media_type": media_type,
            "is_written": kind in written,
            "n_bytes": written[kind]["bytes"] if kind in written else None,
            "sha256": written[kind]["sha256"] if kind in written else None,
        }
        for kind, media_type in MEDIA_TYPES.items()
    ]


def recorded_path(folder: Path, recorded: Mapping[str, Any] | None, kind: str) -> Path | None:
    """Where a recorded file should be; None where none is recorded, or not below the folder."""
    entry = (recorded or {}).get(kind)
    if entry is None:
        return None
    root = folder.resolve()
    path = (root / str(entry["path"])).resolve()
    return path if path.is_relative_to(root) else None


def stored_file(folder: Path, recorded: Mapping[str, Any] | None, kind: str) -> bytes | None:
    """The bytes of a recorded file; None where it is not below the folder, is gone, or is not what was recorded."""
    path = recorded_path(folder, recorded, kind)
    if recorded is None or path is None or not path.is_file() or path.stat().st_size != recorded[kind]["bytes"]:
        return None
    content = path.read_bytes()
    return content if hashlib.sha256(content).hexdigest() == recorded[kind]["sha256"] else None


def fingerprints(folder: Path, recorded: Mapping[str, Any] | None, kinds: Iterable[str]) -> tuple[tuple[Path, Fingerprint], ...]:
    """What the recorded files are known by: taken before they are read, so that an answer made of them holds as long as they do."""
    paths = (recorded_path(folder, recorded, kind) for kind in kinds)
    return tuple((path, fingerprint(path)) for path in paths if path is not None)


def rendered(database: Database, portfolio_id: uuid.UUID, session: date, kind: str) -> bytes | None:
    """The report in one format from the tables as they are now; None where the session is not computed."""
    from sigmasight_assets.reports.collector import collect  # the engines are loaded when a report is asked for
    from sigmasight_assets.reports.writer import FORMATS

    try:
        report = collect(database, portfolio_id, session)
    except NotMaterialized:
        return None
    return FORMATS[kind][1](report).encode()
