"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import auth, correlations, factors, reports, risk, stress

ROUTERS = (auth.router, risk.router, factors.router, correlations.router, stress.router, reports.router)
"""Everything under the prefix."""
