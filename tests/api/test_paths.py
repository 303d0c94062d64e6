"""The API has exactly the paths and methods that it is designed to have: a frontend is built on them."""

from __future__ import annotations

from sigmasight_api.app import PREFIX
from tests.api.example_requests import described

PATHS = {
    "/admin/activity": "GET",
    "/admin/batch/aggregations": "POST",
    "/admin/batch/correlations": "POST",
    "/admin/batch/factors": "POST",
    "/admin/batch/greeks": "POST",
    "/admin/batch/history": "GET",
    "/admin/batch/market-data": "POST",
    "/admin/batch/reports": "POST",
    "/admin/batch/risk-scenarios": "POST",
    "/admin/batch/run-all": "POST",
    "/admin/batch/schedule": "GET",
    "/admin/batch/snapshots": "POST",
    "/admin/batch/status": "GET",
    "/admin/batch/stress-tests": "POST",
    "/admin/data-health": "GET",
    "/admin/lineage/{table}": "GET",
    "/auth/me": "GET",
    "/auth/token": "POST",
    "/auth/tokens": "GET POST",
    "/auth/tokens/{id}": "DELETE",
    "/factors/calculate": "POST",
    "/factors/definitions": "GET",
    "/factors/exposures/{portfolio_id}": "GET",
    "/factors/exposures/{portfolio_id}/positions": "GET",
    "/operations": "GET",
    "/operations/{id}": "GET",
    "/operations/{id}/cancel": "POST",
    "/operations/{id}/events": "GET",
    "/portfolio": "GET",
    "/portfolio/attribution": "GET",
    "/portfolio/exposures": "GET",
    "/portfolio/performance": "GET",
    "/portfolios": "GET POST",
    "/portfolios/{id}": "DELETE GET PATCH",
    "/portfolios/{id}/appraisals": "GET POST",
    "/portfolios/{id}/appraisals/{appraisal_id}": "DELETE",
    "/portfolios/{id}/flows": "GET POST",
    "/portfolios/{id}/flows/{flow_id}": "DELETE",
    "/positions": "GET POST",
    "/positions/grouped": "GET",
    "/positions/{id}": "DELETE GET PATCH",
    "/positions/{id}/close": "POST",
    "/positions/{id}/tags": "GET PUT",
    "/reports": "GET",
    "/reports/generate": "POST",
    "/reports/{id}/download": "GET",
    "/reports/{id}/status": "GET",
    "/risk/correlations/factors/calculate": "POST",
    "/risk/correlations/factors/matrix": "GET",
    "/risk/correlations/positions/calculate": "POST",
    "/risk/correlations/positions/matrix": "GET",
    "/risk/correlations/positions/metrics": "GET",
    "/risk/factors": "GET",
    "/risk/factors/positions": "GET",
    "/risk/greeks": "GET",
    "/risk/greeks/calculate": "POST",
    "/risk/metrics": "GET",
    "/risk/scenarios": "GET",
    "/risk/stress-testing/comprehensive": "POST",
    "/risk/stress-testing/correlated-impact": "POST",
    "/risk/stress-testing/direct-impact": "POST",
    "/risk/stress-testing/results/{portfolio_id}": "GET",
    "/risk/stress-testing/scenarios": "GET POST",
    "/risk/stress-testing/scenarios/{scenario_id}": "DELETE",
    "/strategies": "GET",
    "/tags": "GET POST",
    "/tags/bulk-assign": "POST",
    "/tags/suggestions": "GET",
    "/tags/{id}": "DELETE PUT",
}
"""Path under the prefix -> its methods."""


def test_the_document_has_exactly_these_paths() -> None:
    found = {
        path.removeprefix(PREFIX): " ".join(sorted(method.upper() for method in operations))
        for path, operations in described()["paths"].items()
        if path.startswith(PREFIX)
    }
    assert found == PATHS
