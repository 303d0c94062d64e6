"""`demo --reset` deletes what the product made, asks for what is the user's, and leaves what is anybody else's."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from sigmasight_assets.cli.reset import delete_state
from sigmasight_assets.dagster_home import PROJECT
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from tests.support.books import add_book

DEMO = {"demo-book"}


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """A state folder with a database and a home, and with files that are not the product's."""
    home = tmp_path / "dagster"
    (home / "events").mkdir(parents=True)
    shutil.copy(PROJECT / "dagster.yaml", home / "dagster.yaml")
    shutil.copy(sqlite_template, tmp_path / "sigmasight.db")
    for name in ("notes.txt", "sigmasight-notes.db", "sigmasight.before-0002.db"):
        (tmp_path / name).write_text("mine")
    return Settings(state_dir=tmp_path)


def left(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.state_dir.iterdir())


def test_reset_leaves_every_file_that_is_not_its_own(settings: Settings) -> None:
    delete_state(settings, DEMO, yes=False)
    assert left(settings) == ["notes.txt", "sigmasight-notes.db", "sigmasight.before-0002.db"]
    delete_state(settings, DEMO, yes=False)  # nothing is there: nothing to do


def test_reset_asks_before_portfolios_of_the_user_go(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    database = Database(settings.url)
    for name in ("demo-book", "my-own"):
        add_book(database, [], cash=1, as_of=date(2022, 3, 11), name=name)
    database.dispose()
    with pytest.raises(SystemExit):
        delete_state(settings, DEMO, yes=False)
    assert "1 portfolio besides the demo's (my-own)" in capsys.readouterr().err
    assert (settings.state_dir / "sigmasight.db").exists()
    delete_state(settings, DEMO, yes=True)
    assert not (settings.state_dir / "sigmasight.db").exists()


@pytest.mark.parametrize("config", [None, "telemetry:\n  enabled: false\n"])
def test_reset_refuses_a_dagster_folder_of_somebody_else(settings: Settings, config: str | None) -> None:
    file = settings.state_dir / "dagster" / "dagster.yaml"
    file.unlink()
    if config is not None:
        file.write_text(config)
    with pytest.raises(SystemExit):
        delete_state(settings, DEMO, yes=True)
    assert (settings.state_dir / "dagster" / "events").exists()
    assert (settings.state_dir / "sigmasight.db").exists()


def test_reset_refuses_while_the_user_interface_runs(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with FileLock(settings.state_dir / "dagster" / "up.lock"), pytest.raises(SystemExit):
        delete_state(settings, DEMO, yes=True)
    assert "stop it (Ctrl-C)" in capsys.readouterr().err
    assert (settings.state_dir / "sigmasight.db").exists()


def test_reset_never_touches_a_database_server(settings: Settings) -> None:
    for name in ("database_url", "dagster_postgres_url"):
        with pytest.raises(SystemExit):
            delete_state(Settings(state_dir=settings.state_dir, **{name: "postgresql://u@h/x"}), DEMO, yes=True)
    assert (settings.state_dir / "sigmasight.db").exists()
