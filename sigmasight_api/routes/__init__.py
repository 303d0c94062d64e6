"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import auth, factors, risk

ROUTERS = (auth.router, risk.router, factors.router)
"""Everything under the prefix."""
