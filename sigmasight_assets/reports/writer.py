"""Writing a report's files: whole or not at all."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.reports import csv_writer, html_writer, json_writer, markdown
from sigmasight_assets.reports.model import Report

FORMATS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "md": ("{slug}_report_{session}.md", markdown.render),
    "json": ("{slug}_data_{session}.json", json_writer.render),
    "csv": ("{slug}_positions_{session}.csv", csv_writer.render),
    "html": ("{slug}_report_{session}.html", html_writer.render),
}
"""Format -> (file name, writer)."""


@dataclass(frozen=True)
class WrittenFile:
    """A file of a report."""

    format: str
    path: Path
    n_bytes: int
    sha256: str


def parse_formats(text: str) -> list[str]:
    """Formats out of a comma-separated list.

    Raises
    ------
    SigmaSightError
        For an unknown one.
    """
    wanted = [part.strip().lower() for part in text.split(",") if part.strip()]
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown or not wanted:
        raise SigmaSightError(f"--format: expected some of {', '.join(FORMATS)}, was {text!r}.")
    return wanted


def write_report(report: Report, directory: Path, formats: Sequence[str] = tuple(FORMATS)) -> list[WrittenFile]:
    """Write a report into `directory/{slug}_{session}/`, every file or none; each replaces its predecessor at once."""
    folder = directory / report.stem
    contents = {name: FORMATS[name][1](report).encode() for name in formats}  # all are made before any is written
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in contents.items():
        path = folder / FORMATS[name][0].format(slug=report.slug, session=report.session)
        unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        written.append(WrittenFile(name, path, len(content), hashlib.sha256(content).hexdigest()))
    return written
