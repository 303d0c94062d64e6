"""Dagster's home: a folder with our dagster.yaml, and the variables that every run process needs."""

import os
import shutil
from pathlib import Path

from sigmasight_assets.errors import SigmaSightError
from sigmasight_assets.settings import Settings

PROJECT = Path(__file__).parents[2]


def prepare_home(settings: Settings) -> Path:
    """Make DAGSTER_HOME and set the environment of this process, so that its children inherit it.

    The two event variables let a run of many partitions write its events in batches.
    """
    postgres = settings.dagster_postgres_url.get_secret_value()
    source = PROJECT / ("deploy/postgres/dagster.yaml" if postgres else "dagster.yaml")
    if not source.exists():
        raise SigmaSightError(f"{source} is missing: SigmaSight runs from its checkout; install it with `pip install -e .` there.")
    home = (settings.state_dir / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    target = home / "dagster.yaml"
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)
    os.environ |= {
        "DAGSTER_HOME": str(home),
        "SIGMASIGHT_DAGSTER_EVENTS": str(home / "events"),
        "SIGMASIGHT_STATE_DIR": str(settings.state_dir.resolve()),
        "SIGMASIGHT_REPORTS_DIR": str(settings.reports_dir.resolve()),
        "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    if postgres:
        os.environ["SIGMASIGHT_DAGSTER_POSTGRES_PSYCOPG2_URL"] = "postgresql+psycopg2://" + postgres.split("://", 1)[1]
    return home
