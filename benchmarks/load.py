"""A load generator for HTTP: connections that each send one request after another, on one core of their own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Load:
    """What a server did under load: requests a second, and milliseconds of the median and of the slowest hundredth."""

    requests_per_second: float
    median: float
    p99: float
    n_failed: int


def pin(core: int) -> None:
    """Keep this process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def unpin() -> None:
    """Let this process, and those that it starts, run on every core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def load(port: int, paths: Sequence[str], token: str, connections: int, seconds: float) -> Load:
    """Send GETs of these paths in turn over so many connections for so long."""
    return asyncio.run(_load(port, paths, token, connections, seconds))


async def _load(port: int, paths: Sequence[str], token: str, connections: int, seconds: float) -> Load:
    requests = [_request(path, token) for path in paths]
    times: list[float] = []
    failed = [0]
    start = time.perf_counter()
    await asyncio.gather(*(_connection(port, requests, i, start + seconds, times, failed) for i in range(connections)))
    spent = time.perf_counter() - start
    milliseconds = np.array(times) * 1000
    return Load(len(times) / spent, float(np.median(milliseconds)), float(np.percentile(milliseconds, 99)), failed[0])


def _request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def _connection(port: int, requests: Sequence[bytes], first: int, end: float, times: list[float], failed: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    number = first
    while time.perf_counter() < end:
        began = time.perf_counter()
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(length)
        times.append(time.perf_counter() - began)
        failed[0] += not head.startswith(b"HTTP/1.1 200")
        number += 1
    writer.close()
    await writer.wait_closed()
