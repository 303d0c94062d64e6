"""Which operations are being watched now, and what was seen of each last."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Watched:
    """An operation, when it was looked at, and by how many."""

    document: dict[str, Any]
    looked_at: float
    watchers: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class Streams:
    """What is being watched now, by operation; of one event loop."""

    watched: dict[uuid.UUID, Watched] = field(default_factory=dict)
