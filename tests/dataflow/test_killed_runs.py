"""A run killed with SIGKILL at any moment, or out of disk, and started again leaves the tables of an undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.killed_runs import (
    BOOK,
    SPINE,
    Place,
    command_and_kill,
    command_with_small_files,
    dagster_state,
    prepare,
    run_and_kill,
    run_command,
    run_to_the_end,
)
from tests.support.rows import state

KILLS = (1, 1, 1, 1, 4, 4, 4, 4)
"""Before each run of `make test` that goes to its end: twenty in all."""
SOAK_KILLS = int(os.environ.get("SIGMASIGHT_KILLS", "200"))
SHARE_OF_EVERY_TABLE = 0.1
"""Of the soak's cycles; the others compute the spine, in a fifth of the time."""
COLD_KILLS = 5
SEED = int(os.environ.get("SIGMASIGHT_SEED", "0")) or random.randrange(1, 10**6)
DAYS = [day.isoformat() for day in BOOK]


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbs: its tables, the seconds it takes, and what it is repeated from."""

    prepared: Place
    assets: tuple[str, ...]
    tables: dict[str, list[list[object]]]
    seconds: float


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepare(tmp_path_factory.mktemp("killed") / "prepared")


@pytest.fixture(scope="module")
def undisturbed(prepared: Place, tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Undisturbed]:
    known: dict[tuple[str, ...], Undisturbed] = {}

    def of(assets: tuple[str, ...]) -> Undisturbed:
        if assets not in known:
            place = prepared.copy_to(tmp_path_factory.mktemp("undisturbed") / "place")
            seconds = run_to_the_end(place, assets)
            known[assets] = Undisturbed(prepared, assets, state(place.database), seconds)
        return known[assets]

    return of


def assert_as_undisturbed(wanted: Undisturbed, place: Place, told: str, environment: pytest.MonkeyPatch) -> None:
    """The tables are those of an undisturbed run, no run is left unfinished, and Dagster knows every session."""
    found = state(place.database)
    for table, rows in wanted.tables.items():
        assert found[table] == rows, f"{table}: {told}"
    known = dagster_state(place, wanted.assets, environment)
    assert known.unfinished == [], told
    assert known.succeeded >= 1
    assert known.materialized == dict.fromkeys(known.materialized, DAYS), told
    assert all(known.undated.values()), told
    assert known.last_checks <= {"SUCCEEDED", "FAILED"}, told


def kill_and_run_again(wanted: Undisturbed, folder: Path, kills: int, dice: random.Random, environment: pytest.MonkeyPatch) -> int:
    """Kill a run at random moments, run it to its end and compare; how many kills met it at work."""
    place = wanted.prepared.copy_to(folder)
    moments = [dice.uniform(0.0, wanted.seconds) for _ in range(kills)]
    killed = [run_and_kill(place, wanted.assets, moment) for moment in moments]
    run_to_the_end(place, wanted.assets)
    assert_as_undisturbed(wanted, place, f"killed after {moments} s ({killed}), seed {SEED}", environment)
    shutil.rmtree(folder)
    return sum(killed)


@pytest.mark.parametrize(("cycle", "kills"), enumerate(KILLS))
def test_a_killed_run_started_again_leaves_the_tables_of_an_undisturbed_one(
    undisturbed: Callable[[tuple[str, ...]], Undisturbed], tmp_path: Path, cycle: int, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice, landed = random.Random(SEED + cycle), 0
    while landed < kills:
        landed += kill_and_run_again(undisturbed(SPINE), tmp_path / str(landed), kills - landed, dice, monkeypatch)


@pytest.mark.parametrize("max_bytes", [100_000, 700_000])
def test_a_command_that_fills_the_disk_says_so_and_started_again_leaves_the_tables_of_an_undisturbed_one(
    undisturbed: Callable[[tuple[str, ...]], Undisturbed], tmp_path: Path, max_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a run could not be made, or its log not be written: both ended in forty lines of traceback
    wanted = undisturbed(SPINE)
    place = wanted.prepared.copy_to(tmp_path / "place")
    code, said = command_with_small_files(place, SPINE, max_bytes)
    assert code == 4
    assert "Free space, then run the same command again; nothing was half written. Database: Dagster's own" in said
    assert "Traceback" not in said
    run_to_the_end(place, SPINE)
    assert_as_undisturbed(wanted, place, f"files of {max_bytes} bytes", monkeypatch)


@pytest.mark.slow
def test_many_killed_runs_leave_the_tables_of_an_undisturbed_one(
    undisturbed: Callable[[tuple[str, ...]], Undisturbed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice, landed = random.Random(SEED), 0
    while landed < SOAK_KILLS:
        wanted = undisturbed(() if dice.random() < SHARE_OF_EVERY_TABLE else SPINE)
        kills = min(dice.choice((1, 2, 3)), SOAK_KILLS - landed)
        landed += kill_and_run_again(wanted, tmp_path / "place", kills, dice, monkeypatch)
        print(f"{landed} of {SOAK_KILLS} kills, seed {SEED}", flush=True)


@pytest.mark.slow
def test_killed_commands_on_a_home_that_is_not_made_yet_leave_the_tables_of_an_undisturbed_one(
    undisturbed: Callable[[tuple[str, ...]], Undisturbed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, dice, landed = undisturbed(SPINE), random.Random(SEED), 0

    def cold() -> Place:
        place = wanted.prepared.copy_to(tmp_path / "place")
        shutil.rmtree(place.folder / "state" / "dagster")
        return place

    seconds = run_command(cold(), SPINE)
    while landed < COLD_KILLS:
        shutil.rmtree(tmp_path / "place")
        place = cold()
        moment = dice.uniform(0.0, seconds)
        landed += command_and_kill(place, SPINE, moment)
        run_command(place, SPINE)
        assert_as_undisturbed(wanted, place, f"command killed after {moment} s, seed {SEED}", monkeypatch)
        print(f"{landed} of {COLD_KILLS} commands killed, seed {SEED}", flush=True)
