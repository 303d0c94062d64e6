"""The application: middleware, routes and their one service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware

from sigmasight_api import errors
from sigmasight_api.answers import add_problem_schema
from sigmasight_api.examples import add_examples
from sigmasight_api.kept_answers import KeptAnswers
from sigmasight_api.middleware import RequestMetrics, RequestMiddleware
from sigmasight_api.routes import ROUTERS, health
from sigmasight_api.service import Service, open_service
from sigmasight_api.settings import ApiSettings
from sigmasight_assets.sessions import utc_now

PREFIX = "/api/v1"
SMALLEST_COMPRESSED = 1024
DESCRIPTION = """Portfolio risk for long/short equity and listed-option books.

Money is USD; rates, volatilities, returns and shares are decimals (0.05 is 5 %); names carry other units (`rates_bp`, `theta_per_day`). A
number that is missing is null, and `status` and `reason` say why. On analytic reads `meta` says of which session the numbers are, who
computed them when, how much of the book they cover, and whether they are stale. Errors are `application/problem+json`.

Log in with `POST /api/v1/auth/token`, then send `Authorization: Bearer …`.
"""


def create_app(settings: ApiSettings | None = None, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application of a deployment; its database is opened when it starts."""
    chosen = settings or ApiSettings()
    metrics = RequestMetrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = chosen.api_threads
        service: Service = open_service(chosen, clock)
        _ = service.calendar  # made before the first request wants it
        app.state.service = service
        service.operations.open()
        yield
        service.close()

    app = FastAPI(
        title="SigmaSight",
        version=version("sigmasight"),
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.metrics = metrics
    errors.install(app)
    app.add_middleware(KeptAnswers)
    app.add_middleware(GZipMiddleware, minimum_size=SMALLEST_COMPRESSED, compresslevel=5)
    if chosen.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=chosen.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID"],
            expose_headers=["ETag", "Location", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "X-Request-ID"],
        )
    app.add_middleware(RequestMiddleware, metrics=metrics, largest_body=chosen.api_body_mb * 1_000_000)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.router)
    plain = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            add_problem_schema(plain())
            add_examples(plain())
        return plain()

    app.openapi = completed  # type: ignore[method-assign]
    return app


def _operation_id(route: APIRoute) -> str:
    """The name of the route's function: what a generated client calls it."""
    return route.name


def openapi(settings: ApiSettings | None = None) -> dict[str, Any]:
    """The OpenAPI document, without a database."""
    return create_app(settings).openapi()
