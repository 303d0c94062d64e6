"""Files that are expensive to make: made once for all processes of a test run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def shared_folder(temporary: Path) -> Path:
    """A folder that all processes of the run share.

    `temporary` is a folder of pytest's for one module or test: pytest's own for this process is the one it is in.
    """
    own = temporary.parent
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def shared_file(temporary: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The file `name`, made by the first process that asks for it; nobody may write to it: tests work on copies."""
    path = shared_folder(temporary) / name
    with FileLock(f"{path}.lock"):
        if not path.exists():
            unfinished = path.with_suffix(".unfinished")
            unfinished.unlink(missing_ok=True)
            make(unfinished)
            unfinished.rename(path)
    return path
