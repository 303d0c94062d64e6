"""`sigmasight doctor`: what is wrong with this deployment, and what to do. It changes nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from sigmasight_assets.calculations.health import NOTE, OK, PROBLEM, WARNING, Diagnosis, provider_health, stale_health, stored_health
from sigmasight_assets.cli.console import Exit, counted, fail, out, show_table
from sigmasight_assets.cli.desk import load_settings, open_database
from sigmasight_assets.dagster_home import prepare_home
from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.sessions import calendar_for, utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database, reporting
from sigmasight_assets.store.schema import current_revision, head_revision, require_revision

FORMATS = ("text", "json")
GIGABYTE = 1e9
LEAST_FREE, LITTLE_FREE = 0.2 * GIGABYTE, 2.0 * GIGABYTE
_NOT_SETTINGS = ("SIGMASIGHT_DAGSTER_EVENTS", "SIGMASIGHT_DAGSTER_POSTGRES_PSYCOPG2_URL", "SIGMASIGHT_TEST_POSTGRES_URL")


def doctor_command(output: Annotated[str, typer.Option("--format", help="text or json")] = "text") -> None:
    """Look at settings, database, market data, Dagster, staleness and disk. Exit code 0: nothing to do; 1: something is."""
    if output not in FORMATS:
        raise fail(f"--format: expected one of {', '.join(FORMATS)}, was {output!r}.", Exit.REFUSED)
    found = diagnose()
    worst = next((state for state in (PROBLEM, WARNING, NOTE, OK) if any(one.state == state for one in found)), OK)
    if output == "json":
        print(json.dumps({"verdict": worst, "diagnoses": [one.as_dict() for one in found]}, indent=1))
    else:
        show_table("SigmaSight's doctor", ["area", "state", "found"], [[one.area, one.state, one.found] for one in found], numeric_from=3)
        for one in found:
            if one.remedy:
                out.print(f"{one.area}: {one.remedy}", markup=False)
        n = sum(one.state in (PROBLEM, WARNING) for one in found)
        out.print("Nothing needs to be done." if not n else f"{counted(n, 'thing')} to look at.")
    if worst in (PROBLEM, WARNING):
        raise typer.Exit(Exit.FAILED)


def diagnose() -> list[Diagnosis]:
    """Everything that is looked at; one area that fails does not hide the others."""
    try:
        settings = load_settings()
    except SigmaSightError as error:
        return [Diagnosis("settings", PROBLEM, str(error), "Correct the environment variable.")]
    found = _settings(settings)
    database = _usable_database(settings, found)
    now = utc_now()
    calendar = calendar_for(now)
    provider: MarketDataProvider | None = None
    try:
        provider = provider_from_settings(settings.provider, settings.data_dir)
        found += provider_health(provider, calendar, now)
    except SigmaSightError as error:
        found.append(Diagnosis("provider", PROBLEM, str(error), "Correct SIGMASIGHT_PROVIDER and SIGMASIGHT_DATA_DIR, or the folder."))
        provider = None
    if database is not None and provider is not None:
        first = settings.first_book_session(provider.first_session(), calendar)
        found += stored_health(database, provider, calendar, first, now)
        found += stale_health(database, provider, calendar)
    if provider is not None:
        found += _looked_at("dagster", lambda: _dagster(settings, database))
    return found + _disk(settings, database)


def _settings(settings: Settings) -> list[Diagnosis]:
    """The settings that are not the default, secrets left out, and variables that look like settings and are none."""
    shown = [f"environment {settings.environment}", f"provider {settings.provider}", f"state {settings.state_dir.resolve()}"]
    shown += [f"data {settings.data_dir}"] if settings.data_dir else []
    shown += [f"book start {settings.book_start}"] if settings.book_start else []
    out_ = [Diagnosis("settings", OK, ", ".join(shown))]
    known = {f"SIGMASIGHT_{name.upper()}" for name in Settings.model_fields} | set(_NOT_SETTINGS)
    for name in sorted(set(os.environ) - known):
        if name.startswith("SIGMASIGHT_"):
            like = get_close_matches(name, known, n=1)
            out_.append(Diagnosis("settings", WARNING, f"{name} is no setting.", f"Did you mean {like[0]}?" if like else "Unset it."))
    return out_


def _usable_database(settings: Settings, found: list[Diagnosis]) -> Database | None:
    """The database where it can be read at this code's revision; what is wrong otherwise is added to `found`."""
    try:
        database = open_database(settings)
        current = current_revision(database)
        require_revision(database)
    except SigmaSightError as error:
        found.append(Diagnosis("database", PROBLEM, str(error), "sigmasight db upgrade" if "upgrade" in str(error) else ""))
        return None
    size = f", {database.sqlite_path.stat().st_size / 1e6:,.1f} MB" if database.sqlite_path else ""
    found.append(Diagnosis("database", OK, f"{database.shown_url} at revision {current} of {head_revision()}{size}"))
    path = database.sqlite_path
    if path is not None and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        found.append(
            Diagnosis("database", PROBLEM, f"{path} cannot be written.", "Give this user write access to the file and its folder.")
        )
    return database


def _looked_at(area: str, look: Callable[[], list[Diagnosis]]) -> list[Diagnosis]:
    try:
        return look()
    except SigmaSightError as error:
        return [Diagnosis(area, PROBLEM, str(error))]


def _dagster(settings: Settings, database: Database | None) -> list[Diagnosis]:
    home = prepare_home(settings)
    from sigmasight_assets.definitions import DagsterInstance, dagster_health

    with reporting(f"Dagster's own, of {home}"), DagsterInstance.get() as instance:
        health = dagster_health(instance, database)
    found = [Diagnosis("dagster", OK, f"home {home}, {counted(len(health.working_runs), 'run')} at work")]
    for run in health.lost_runs:
        found.append(
            Diagnosis("dagster", WARNING, f"The run {run} has lost its process.", "The next sigmasight run or up marks it failed.")
        )
    for run in health.waiting_runs:
        found.append(Diagnosis("dagster", WARNING, f"The run {run} has waited for over an hour.", "Start the daemon: sigmasight up"))
    for job, run in health.failed_runs.items():
        remedy = "Read its log in the Dagster UI (sigmasight up), then sigmasight run --stale"
        found.append(Diagnosis("dagster", WARNING, f"The latest run of {job} failed: {run}.", remedy))
    if health.stopped:
        remedy = "Turn them on in the Dagster UI under Automation."
        found.append(Diagnosis("schedules", WARNING, f"Turned off: {', '.join(health.stopped)}.", remedy))
    if not health.daemon_is_running:
        found.append(Diagnosis("schedules", NOTE, "The daemon does not run: schedules and sensors do nothing.", "sigmasight up"))
    if health.only_in_store or health.only_in_log:
        text = f"{health.only_in_store} row sets of the store are not in Dagster's log, {health.only_in_log} of the log not in the store."
        remedy = "The next sigmasight run tells the log of the former; compute the latter anew."
        found.append(Diagnosis("dagster", WARNING, text, remedy))
    return found


def _disk(settings: Settings, database: Database | None) -> list[Diagnosis]:
    folder = next(path for path in (settings.state_dir.resolve(), *settings.state_dir.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    path = database.sqlite_path if database is not None else None
    size = path.stat().st_size if isinstance(path, Path) and path.exists() else 0
    state = PROBLEM if free < LEAST_FREE else WARNING if free < max(LITTLE_FREE, 2.0 * size) else OK
    remedy = "" if state == OK else "Free space: an upgrade copies the database, and a run writes before it deletes."
    return [Diagnosis("disk", state, f"{free / GIGABYTE:,.1f} GB free at {folder}", remedy)]
