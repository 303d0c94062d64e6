"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import auth, batch, operations, risk

ROUTERS = (auth.router, batch.router, operations.router, risk.router)
"""Everything under the prefix."""
