"""What a process read last, for as long as it is what would be read again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

State = TypeVar("State")
Value = TypeVar("Value")


class Kept(Generic[State, Value]):
    """The last few values, each under the state that it follows from: equal states, equal values."""

    def __init__(self, most: int) -> None:
        self._pairs: deque[tuple[State, Value]] = deque(maxlen=most)

    def at(self, state: State, read: Callable[[], Value]) -> Value:
        """The value kept under a state, else what `read` gives, which is kept from now on; not to be changed by who is given it."""
        for known, value in tuple(self._pairs):
            if known == state:
                return value
        value = read()
        self._pairs.append((state, value))
        return value

    def clear(self) -> None:
        """Keep nothing of what was read so far."""
        self._pairs.clear()
