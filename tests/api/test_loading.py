"""What the server loads: calculations and Dagster, with the libraries under them, only where something is computed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from sigmasight_api import tokens
from sigmasight_api.app import PREFIX
from sigmasight_api.examples import examples
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import users
from tests.api.conftest import SECRET
from tests.api.example_requests import described
from tests.support.dagster_ui import CHECKOUT

HEAVY = {
    *("pandas", "pyarrow", "scipy", "statsmodels", "mibian", "exchange_calendars", "matplotlib"),
    *("dagster", "dagster_graphql", "alembic", "typer", "rich"),
}


def run(*arguments: str, sent: str = "", **environment: str) -> Any:
    command, own = [sys.executable, *arguments], {**os.environ, **environment, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, input=sent, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_the_application_loads_neither_calculations_nor_dagster() -> None:
    loaded = run("-c", "import json, sys, sigmasight_api.app; print(json.dumps([name.split('.')[0] for name in sys.modules]))")
    assert "sigmasight_api" in loaded
    assert not HEAVY & set(loaded)


def test_stored_reads_are_answered_without_loading_calculations_or_dagster(demo_state: Path) -> None:
    database = Database(f"sqlite:///{demo_state / 'sigmasight.db'}")
    with database.read() as connection:
        known = {row.email: row.id for row in connection.execute(select(users.c.id, users.c.email))}
    database.dispose()
    asked, expected = [], []
    for path, operations in described()["paths"].items():
        example = examples().get(operations.get("get", {}).get("operationId", ""))
        if example is not None and not path.startswith(f"{PREFIX}/admin"):
            token = tokens.issue(SECRET, known[example.user], utc_now(), 600) if example.user else None
            asked.append([f"{path.format(**example.path)}?{urlencode(example.query, doseq=True)}", token])
            expected.append(example.status)
    place = {"SIGMASIGHT_STATE_DIR": str(demo_state), "SIGMASIGHT_REPORTS_DIR": str(demo_state / "reports")}
    more = {"SIGMASIGHT_JWT_SECRET": SECRET, "SIGMASIGHT_RUN_OPERATIONS": "false", "SIGMASIGHT_WARM_WORKER": "false"}
    found = run("-m", "tests.support.loaded", sent=json.dumps(asked), **place, **more)
    assert len(asked) > 20
    assert found["statuses"] == expected
    assert not HEAVY & set(found["loaded"])
