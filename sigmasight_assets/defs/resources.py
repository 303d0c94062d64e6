"""Resources: the store with all that a calculation works with. Secrets stay in the environment, out of Dagster's configuration."""

import uuid
from functools import lru_cache

import dagster as dg

from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.defs.deployment import DEPLOYMENT
from sigmasight_assets.progress import report_progress
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import require_revision

SCOPE_TAG = "sigmasight/portfolios"
"""Run tag: comma-separated portfolio ids; without it a run is for all."""


@lru_cache(maxsize=4)
def _database(url: str) -> Database:
    return Database(url)


class StoreResource(dg.ConfigurableResource):
    """The store of this deployment."""

    @property
    def database(self) -> Database:
        database = _database(Settings().url)
        require_revision(database)
        return database

    def workshop(self, run: dg.DagsterRun) -> Workshop:
        """What a run's calculations work with, scoped as the run's tag says."""
        scope = run.tags.get(SCOPE_TAG)
        portfolios = [uuid.UUID(text) for text in scope.split(",")] if scope else None
        macro = DEPLOYMENT.settings.macro_series
        return Workshop(
            self.database, DEPLOYMENT.calendar, DEPLOYMENT.provider, run.run_id, portfolios, report_progress, macro_series=macro
        )
