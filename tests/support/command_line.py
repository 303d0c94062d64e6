"""The command line in this process, or in one of its own, on a state folder of a test."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sigmasight_assets.cli import run

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class CommandLine:
    """`sigmasight …` with its state, reports and files in one folder.

    Commands that load Dagster need `in_child`: its code location belongs to a process.
    """

    def __init__(self, folder: Path, template: Path | None = None, **settings: str) -> None:
        self.folder, self.state, self.reports = folder, folder / "state", folder / "reports"
        self.state.mkdir(parents=True, exist_ok=True)
        if template is not None:
            shutil.copy(template, self.state / "sigmasight.db")
        self.environment = {"SIGMASIGHT_STATE_DIR": str(self.state), "SIGMASIGHT_REPORTS_DIR": str(self.reports), **settings}

    def file(self, name: str, *lines: str) -> str:
        path = self.folder / name
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return str(path)

    def __call__(self, *arguments: str) -> Result:
        """In this process."""
        return self._captured(lambda: run(arguments))

    def module(self, name: str, *arguments: str) -> Result:
        """A module of this process as `python -m` runs it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [name, *arguments])
            return self._captured(lambda: runpy.run_module(name, run_name="__main__"))

    def _captured(self, call: Callable[[], object]) -> Result:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            try:
                ended = call()
            except SystemExit as end:
                ended = end.code
            code = ended if isinstance(ended, int) else 0
        return Result(code, out.getvalue(), err.getvalue())

    def in_child(self, *arguments: str, timeout: float = 600) -> Result:
        done = subprocess.run(
            self.command(*arguments),
            env=self.child_environment(),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-u", "-m", "sigmasight_assets.cli", *arguments]

    def child_environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "100", **self.environment}
