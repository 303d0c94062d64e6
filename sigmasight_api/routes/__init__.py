"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import auth, correlations, factors, portfolios, positions, reports, risk, stress, tags

ROUTERS = (
    auth.router,
    portfolios.router,
    positions.router,
    tags.router,
    risk.router,
    factors.router,
    correlations.router,
    stress.router,
    reports.router,
)
"""Everything under the prefix."""
