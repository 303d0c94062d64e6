"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import auth, correlations, factors, risk, stress

ROUTERS = (auth.router, risk.router, factors.router, correlations.router, stress.router)
"""Everything under the prefix."""
