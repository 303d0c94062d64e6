"""Checks of written reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date

import jsonschema
from sqlalchemy import select

from sigmasight_assets.calculations.checks.outcome import Outcome, none_allowed
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.reports.json_writer import MAX_BYTES, schema
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.tables import portfolio_reports


def files_hold(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """Every file recorded for the last session exists with the recorded SHA-256."""
    folder = Settings().reports_dir
    wrong = []
    for file in _files(shop, sessions):
        path = folder / file["path"]
        if not path.exists():
            wrong.append(f"{file['path']} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
            wrong.append(f"{file['path']} was changed")
    return none_allowed(wrong, "files")


def json_is_valid(shop: Workshop, sessions: Sequence[date]) -> Outcome:
    """The JSON of the last session validates against the published schema and is small enough to hand to a model."""
    validator = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())
    wrong = []
    for file in _files(shop, sessions):
        path = Settings().reports_dir / file["path"]
        if path.suffix == ".json" and path.exists():
            content = path.read_bytes()
            wrong += [f"{file['path']}: {error.json_path} {error.message[:120]}" for error in validator.iter_errors(json.loads(content))]
            if len(content) > MAX_BYTES:
                wrong.append(f"{file['path']} has {len(content)} bytes, more than {MAX_BYTES}")
    return none_allowed(wrong, "faults")


def _files(shop: Workshop, sessions: Sequence[date]) -> list[dict[str, str]]:
    query = select(portfolio_reports.c.files).where(portfolio_reports.c.session == max(sessions))
    return [file for files in shop.database.frame(query)["files"] if files for file in files.values()]
