"""`sigmasight demo --reset`: delete what the product made in its state folder, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import select

from sigmasight_assets.cli.console import Exit, counted, fail
from sigmasight_assets.errors import DatabaseUnavailable
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolios

DATABASE_FILES = ("sigmasight.db", "sigmasight.db-wal", "sigmasight.db-shm")
OUR_MARK = "sigmasight_assets.event_log"
"""In every dagster.yaml that the product wrote."""


def delete_state(settings: Settings, demo_slugs: Collection[str], *, yes: bool) -> None:
    """Delete the embedded database and Dagster's home. Copies made by `db upgrade`, reports and strange files stay.

    Parameters
    ----------
    demo_slugs : collection of str
        Portfolios that may go unasked; others only with `yes`.
    """
    if settings.database_url.get_secret_value() or settings.dagster_postgres_url.get_secret_value():
        raise fail(
            "--reset deletes only the embedded databases: drop those of SIGMASIGHT_DATABASE_URL "
            "and SIGMASIGHT_DAGSTER_POSTGRES_URL yourself.",
            Exit.REFUSED,
        )
    home = settings.state_dir / "dagster"
    _refuse_strange_home(home)
    others = [] if yes else _other_portfolios(settings, demo_slugs)
    if others:
        raise fail(
            f"--reset would delete {counted(len(others), 'portfolio')} besides the demo's "
            f"({', '.join(others[:5])}{' …' * (len(others) > 5)}): repeat the command with --yes if that is meant.",
            Exit.REFUSED,
        )
    if home.exists():
        try:
            with FileLock(home / "up.lock", timeout=0):
                pass
        except Timeout:
            raise fail(f"`sigmasight up` works on {home}: stop it (Ctrl-C) before --reset.", Exit.REFUSED) from None
        shutil.rmtree(home)
    for name in DATABASE_FILES:
        (settings.state_dir / name).unlink(missing_ok=True)


def _refuse_strange_home(home: Path) -> None:
    """A folder `dagster` that the product did not make is somebody else's."""
    if not home.exists() or (not home.is_symlink() and home.is_dir() and not any(home.iterdir())):
        return
    config = home / "dagster.yaml"
    if home.is_symlink() or not config.is_file() or OUR_MARK not in config.read_text(encoding="utf-8", errors="replace"):
        raise fail(f"{home} was not made by SigmaSight: remove it yourself, or choose another SIGMASIGHT_STATE_DIR.", Exit.REFUSED)


def _other_portfolios(settings: Settings, demo_slugs: Collection[str]) -> list[str]:
    """Slugs of portfolios that are not the demo's; none where the database cannot be read: then there is nothing to lose."""
    if not (settings.state_dir / DATABASE_FILES[0]).exists():
        return []
    database = Database(settings.url)
    try:
        with database.read() as connection:
            return [slug for slug in connection.execute(select(portfolios.c.slug)).scalars() if slug not in demo_slugs]
    except DatabaseUnavailable:
        return []
    finally:
        database.dispose()
