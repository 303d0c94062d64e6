"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import auth, risk

ROUTERS = (auth.router, risk.router)
"""Everything under the prefix."""
