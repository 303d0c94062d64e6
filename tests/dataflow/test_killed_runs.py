"""A run killed with SIGKILL at any moment and started again leaves the tables of an undisturbed run, and Dagster knows them all."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.support.killed_runs import BOOK, Place, dagster_state, prepare, run_and_kill, run_to_the_end
from tests.support.rows import state

ROUNDS = (2, 4)
"""Kills before each undisturbed run of `make test`: six in all."""
SOAK_KILLS = int(os.environ.get("SIGMASIGHT_KILLS", "200"))
SEED = int(os.environ.get("SIGMASIGHT_SEED", "0")) or random.randrange(1, 10**6)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepare(tmp_path_factory.mktemp("killed") / "prepared")


@pytest.fixture(scope="module")
def undisturbed(prepared: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[list[object]]], float]:
    """The tables of a run that nobody disturbs, and the seconds it takes."""
    place = prepared.copy_to(tmp_path_factory.mktemp("undisturbed") / "place")
    seconds = run_to_the_end(place)
    return state(place.database), seconds


def kill_and_run_again(
    prepared: Place,
    undisturbed: tuple[dict[str, list[list[object]]], float],
    folder: Path,
    kills: int,
    dice: random.Random,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted, seconds = undisturbed
    place = prepared.copy_to(folder)
    moments = [dice.uniform(0.0, seconds) for _ in range(kills)]
    killed = [run_and_kill(place, moment) for moment in moments]
    run_to_the_end(place)
    told = f"killed after {moments} s ({killed}), seed {SEED}"
    found = state(place.database)
    for table, rows in wanted.items():
        assert found[table] == rows, f"{table}: {told}"
    known = dagster_state(place, monkeypatch)
    assert known.unfinished == [], told
    assert known.succeeded >= 1
    assert known.materialized == {table: [day.isoformat() for day in BOOK] for table in known.materialized}, told
    assert all(known.undated.values()), told
    assert known.last_checks <= {"SUCCEEDED", "FAILED"}, told


@pytest.mark.parametrize("kills", ROUNDS)
def test_a_killed_run_started_again_leaves_the_tables_of_an_undisturbed_one(
    prepared: Place, undisturbed: tuple[dict[str, list[list[object]]], float], tmp_path: Path, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_and_run_again(prepared, undisturbed, tmp_path / "place", kills, random.Random(SEED + kills), monkeypatch)


@pytest.mark.slow
def test_many_killed_runs_leave_the_tables_of_an_undisturbed_one(
    prepared: Place, undisturbed: tuple[dict[str, list[list[object]]], float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(SEED)
    done = 0
    while done < SOAK_KILLS:
        kills = min(dice.choice((1, 2, 3)), SOAK_KILLS - done)
        kill_and_run_again(prepared, undisturbed, tmp_path / str(done), kills, dice, monkeypatch)
        done += kills
