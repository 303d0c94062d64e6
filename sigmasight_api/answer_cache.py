"""Answers that are kept until the database changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

Key = tuple[str, str, str]
"""User, path, query."""


@dataclass(frozen=True)
class Answer:
    """A body with its entity tag."""

    body: bytes
    etag: str


class AnswerCache:
    """The answers used last, up to a number of bytes, each valid under the token it was made under."""

    def __init__(self, n_bytes: int) -> None:
        self._limit, self._size = n_bytes, 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[str, Answer]] = OrderedDict()

    def get(self, key: Key, token: str | None) -> Answer | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] != token:
                return None
            self._kept.move_to_end(key)
            return kept[1]

    def put(self, key: Key, token: str | None, answer: Answer) -> None:
        if token is None or len(answer.body) > self._limit:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None:
                self._size -= len(before[1].body)
            self._kept[key] = (token, answer)
            self._size += len(answer.body)
            while self._size > self._limit:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._size -= len(dropped.body)
