"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import (
    admin,
    auth,
    batch,
    correlations,
    factors,
    flows,
    operations,
    portfolios,
    position_writes,
    positions,
    reports,
    risk,
    stress,
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
    reports.router,
    batch.router,
    admin.router,
    operations.router,
)
"""Everything under the prefix."""
