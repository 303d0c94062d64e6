"""Whether the process lives, whether it can serve, and its metrics: outside the prefix and without a login."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.responses import Response

from sigmasight_api.answers import problems
from sigmasight_api.models.health import Live, Ready
from sigmasight_api.service import Service

router = APIRouter(tags=["Health"])


@router.get("/health/live", response_model=Live, summary="Whether the process lives")
async def health_live() -> dict[str, str]:
    """Says so, and asks nobody."""
    return {"status": "ok"}


@router.get("/health/ready", response_model=Ready, summary="Whether requests can be served", responses={503: problems()[503]})
def health_ready(request: Request) -> dict[str, str]:
    """Asks the database; 503 while it does not answer."""
    service: Service = request.app.state.service
    service.version.before_reading()
    with service.database.read() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return {"status": "ok", "database": "ok", "revision": revision}


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Requests and their times by route, in the text format of Prometheus."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
