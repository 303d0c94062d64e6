"""Looks at something slow that many ask about at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

MOST_KEPT = 64
T = TypeVar("T")


class Looks:
    """Whoever asks while a look is under way shares the next one with all who wait.

    Nobody is told what was true before they asked, unless they say how old it may be.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # one look at a time
        self._seen: dict[Hashable, tuple[float, Any]] = {}

    def at(self, key: Hashable, look: Callable[[], T], age: float = 0.0) -> T:
        """What `look` finds, begun at most `age` seconds before this was asked for; not to be changed by who is given it."""
        asked = time.monotonic() - age
        with self._lock:
            seen = self._seen.get(key)
            if seen is None or seen[0] < asked:
                seen = time.monotonic(), look()
                if len(self._seen) >= MOST_KEPT:
                    self._seen.clear()
                self._seen[key] = seen
            found: T = seen[1]
            return found
