"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import (
    admin,
    auth,
    batch,
    calculations,
    correlations,
    factors,
    flows,
    operations,
    own_scenarios,
    portfolios,
    position_writes,
    positions,
    report_writing,
    reports,
    risk,
    stress,
    stress_calculations,
    tags,
)

ROUTERS = (
    auth.router,
    portfolios.router,
    flows.router,
    positions.router,
    position_writes.router,
    tags.router,
    risk.router,
    factors.router,
    correlations.router,
    stress.router,
    calculations.router,
    stress_calculations.router,
    own_scenarios.router,
    report_writing.router,
    reports.router,
    batch.router,
    admin.router,
    operations.router,
)
"""Everything under the prefix."""
