"""Routes by section: authorise, query, answer."""

from sigmasight_api.routes import admin, auth, batch, operations, risk

ROUTERS = (admin.router, auth.router, batch.router, operations.router, risk.router)
"""Everything under the prefix."""
