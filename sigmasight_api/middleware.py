"""Around every request: its id, the time that its body may take, one line of log, and the metrics."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sigmasight_api.errors import Problem, problem_response

LOG = logging.getLogger("sigmasight_api.requests")
BODY_SECONDS = 20.0
"""How long a client may take to send a body."""
_GIVEN_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class RequestMetrics:
    """Counters by method, route and status; a route is named by its template, so that ids do not multiply them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("sigmasight_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "sigmasight_request_seconds", "Time until the answer began", labels[:2], buckets=_BUCKETS, registry=self.registry
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)


class RequestMiddleware:
    """Request id in and out, `RateLimit-*` headers, log and metrics; bodies that are too large or too slow are refused."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics, largest_body: int) -> None:
        self.app, self.metrics, self.largest_body = app, metrics, largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        scope["request_id"] = request_id = _request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
        answered: dict[str, Any] = {"status": 500, "seconds": 0.0}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                out["X-Request-ID"] = request_id
                out["X-Content-Type-Options"] = "nosniff"
                for name, value in scope.get("rate_limit", {}).items():
                    out.setdefault(name, value)
                answered.update(status=message["status"], seconds=time.perf_counter() - started)
            await send(message)

        try:
            stated = headers.get(b"content-length", b"0")
            if stated.isdigit() and int(stated) > self.largest_body:
                await problem_response(Request(scope), self._too_large())(scope, receive, sending)
            else:
                await self._measured(scope, receive, sending)
        finally:
            self._note(scope, answered["status"], answered["seconds"])

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, deadline = 0, time.monotonic() + BODY_SECONDS
        is_complete = False

        async def receiving() -> Message:
            nonlocal size, is_complete
            if is_complete:
                return await receive()  # waits for the client to go away
            try:
                message = await asyncio.wait_for(receive(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise Problem(408, "request_timeout", f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from None
            size += len(message.get("body", b""))
            if size > self.largest_body:
                raise self._too_large()
            is_complete = not message.get("more_body", False)
            return message

        await self.app(scope, receiving, send)

    def _too_large(self) -> Problem:
        return Problem(413, "body_too_large", f"Expected a body of at most {self.largest_body:,} bytes.")

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        self.metrics.note(scope["method"], route, status, seconds)
        LOG.info(
            "request",
            extra={
                "request_id": scope["request_id"],
                "method": scope["method"],
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 2),
                "user_id": scope.get("user_id"),
            },
        )


def _request_id(given: str) -> str:
    return given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
