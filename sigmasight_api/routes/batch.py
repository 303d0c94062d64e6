"""Batches: an administrator starts the runs of some tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from sigmasight_api.access import ADMIN_ONLY, Door
from sigmasight_api.answers import problems
from sigmasight_api.models.operations import BatchRequest, SingleOperation
from sigmasight_api.operations.asking import ask_for_batch, plan_batch, require_dagster
from sigmasight_api.routes.operations import accepted
from sigmasight_assets.store.lineage import LINEAGE

BATCHES: dict[str, tuple[str, ...]] = {
    "run-all": tuple(LINEAGE),
    "market-data": ("security_master", "prices", "treasury_yields", "option_quotes", "factor_returns"),
    "aggregations": ("position_values",),
    "greeks": ("option_greeks",),
    "factors": ("factor_betas", "factor_covariance", "factor_exposures"),
    "risk-scenarios": ("market_scenarios",),
    "stress-tests": ("stress_results",),
    "snapshots": ("portfolio_snapshots", "risk_metrics", "pnl_attribution"),
    "correlations": ("position_correlations",),
    "reports": ("portfolio_reports",),
}
"""Name in the path -> the tables that it computes."""
KeyHeader = Annotated[
    str | None, Header(min_length=1, max_length=200, description="Chosen by the caller: the same key and body is the same operation")
]

router = APIRouter(prefix="/admin/batch", tags=["Batch"], dependencies=[ADMIN_ONLY])


def _route(name: str, tables: tuple[str, ...]) -> Callable[..., Response]:
    def start(door: Door, body: BatchRequest, idempotency_key: KeyHeader = None) -> Response:
        require_dagster(door.service)
        first, last = body.range
        plan = plan_batch(door.service, tables, first, last, body.portfolios, downstream=body.downstream)
        asked = {
            "first": first.isoformat(),
            "last": last.isoformat(),
            "portfolios": sorted(map(str, body.portfolios)),
            "downstream": body.downstream,
        }
        with door.writing() as caller:
            operation_id = ask_for_batch(caller, name, tables, plan, asked, idempotency_key)
            caller.record(f"batch.{name}", f"operation:{operation_id}", f"{plan.describe()} Downstream: {body.downstream}.")
            answer = accepted(caller, operation_id)
        door.service.operations.wake()
        return answer

    start.__name__ = f"start_{name.replace('-', '_')}"
    return start


for _name, _tables in BATCHES.items():
    _words = "every table" if _name == "run-all" else ", ".join(_tables)
    router.post(
        f"/{_name}",
        response_model=SingleOperation,
        status_code=202,
        summary=f"Compute {_words}",
        description=f"Starts an operation that computes {_words} over one session or a range; `Location` says where to watch it. "
        "`left_stale` lists the tables made of these that it leaves as they are, unless `downstream` is true.",
        responses=problems(403),
        name=f"start_{_name.replace('-', '_')}",
    )(_route(_name, _tables))
