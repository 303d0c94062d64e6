"""The reads of risk, factors, and reports that are about a session, with the models of their answers; and what the store says."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy import Table, select

from sigmasight_api.models.base import AnalyticCollection
from sigmasight_api.models.correlations import CorrelationMatrix, CorrelationMetrics, FactorMatrix
from sigmasight_api.models.factors import FactorDefinitions, FactorExposures, FactorPositions
from sigmasight_api.models.risk import Greeks, MarketScenario, RiskMetrics
from sigmasight_api.models.stress import StressResults
from sigmasight_assets.reports import json_writer
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.store.tables import portfolios
from tests.api.conftest import HEDGE_FUND, INDIVIDUAL, WEALTHY
from tests.dataflow.risk_demo import LAST

PREFIX = "/api/v1"
SLUGS = {
    INDIVIDUAL: "balanced-individual-investor",
    WEALTHY: "sophisticated-high-net-worth",
    HEDGE_FUND: "long-short-equity-hedge-fund-style",
}
OF_BOOK: dict[str, type[BaseModel]] = {
    "/risk/metrics": RiskMetrics,
    "/risk/greeks": Greeks,
    "/risk/scenarios": AnalyticCollection[MarketScenario],
    "/risk/factors": FactorExposures,
    "/risk/factors/positions": FactorPositions,
    "/risk/correlations/positions/metrics": CorrelationMetrics,
    "/risk/correlations/positions/matrix": CorrelationMatrix,
}
"""Paths whose portfolio is a query parameter."""
BY_PATH: dict[str, type[BaseModel]] = {
    "/risk/stress-testing/results/{portfolio_id}": StressResults,
    "/factors/exposures/{portfolio_id}": FactorExposures,
    "/factors/exposures/{portfolio_id}/positions": FactorPositions,
}
"""Paths that name it themselves."""
OF_MARKET: dict[str, type[BaseModel]] = {"/risk/correlations/factors/matrix": FactorMatrix, "/factors/definitions": FactorDefinitions}
"""Paths of no portfolio."""
EVERY = {**OF_BOOK, **BY_PATH, **OF_MARKET}


def portfolio_id(client: TestClient, slug: str) -> uuid.UUID:
    with client.app.state.service.database.read() as connection:
        found: uuid.UUID = connection.execute(select(portfolios.c.id).where(portfolios.c.slug == slug)).scalar_one()
    return found


def url(client: TestClient, path: str, email: str) -> str:
    """The path for a user's own portfolio."""
    return PREFIX + path.format(portfolio_id=portfolio_id(client, SLUGS[email]))


def stored(client: TestClient, table: Table, email: str, **chosen: object) -> list[dict[str, Any]]:
    """Rows of a user's portfolio of the last session."""
    mine = portfolio_id(client, SLUGS[email])
    query = select(table).where(table.c.session == LAST, table.c.portfolio_id == mine)
    for name, value in chosen.items():
        query = query.where(table.c[name] == value)
    with client.app.state.service.database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def report_groups(client: TestClient, email: str) -> dict[str, Any]:
    """The groups of the report's JSON of the last session."""
    found: dict[str, Any] = json_writer.document(collect(client.app.state.service.database, SLUGS[email], LAST))["groups"]
    return found
