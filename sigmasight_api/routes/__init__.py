"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import (
    auth,
    correlations,
    factors,
    flows,
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
)
"""Everything under the prefix."""
