"""Progress of long work to whoever watches: the command line sets a watcher, calculations and assets report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[str, int, int], None]
"""Called with (what, done, total)."""

_WATCHER: ContextVar[Watcher | None] = ContextVar("progress_watcher", default=None)


def report_progress(what: str, done: int, total: int) -> None:
    """Tell the watcher, if there is one."""
    watcher = _WATCHER.get()
    if watcher is not None:
        watcher(what, done, total)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Send progress of everything inside to a watcher."""
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)
