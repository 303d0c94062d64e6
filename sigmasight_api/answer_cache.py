"""Answers that are kept until the database changes, or the files that they were made of do."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.responses import Response

Key = tuple[str, str, str]
"""Credentials, path, query."""
Fingerprint = tuple[int, int, int, int] | None
"""What a file is known by: its node, size and times; None where there is no file."""


def fingerprint(path: Path) -> Fingerprint:
    """Another one after every change of the file, as far as the file system tells."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def entity_tag(body: bytes) -> str:
    """A weak tag: the body may be sent compressed or not."""
    return f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


@dataclass(frozen=True)
class Answer:
    """A body with its entity tag, and what it holds for beside the database's content.

    Attributes
    ----------
    headers : mapping
        Further ones than every answer has.
    files : sequence of (path, fingerprint)
        What it was made of; the fingerprints are from before they were read.
    until : datetime, optional
        When the token that it was asked for with expires.
    route : object
        Of the application, for the log and the metrics.
    """

    body: bytes
    etag: str
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    files: tuple[tuple[Path, Fingerprint], ...] = ()
    until: datetime | None = None
    route: Any = None

    def holds(self, now: datetime) -> bool:
        """Whether the files are as they were, and the token has not expired."""
        return (self.until is None or now < self.until) and all(fingerprint(path) == known for path, known in self.files)

    def response(self, if_none_match: str) -> Response:
        """The answer; without its body where the client has it."""
        headers = {"ETag": self.etag, "Cache-Control": "private, no-cache", "Vary": "Authorization", **self.headers}
        if self.etag in (tag.strip() for tag in if_none_match.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(self.body, headers=headers, media_type=self.media_type)


class AnswerCache:
    """The answers used last, up to a number of bytes, each valid under the token it was made under."""

    def __init__(self, n_bytes: int) -> None:
        self._limit, self._size = n_bytes, 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[str, Answer]] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

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
