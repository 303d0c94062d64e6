"""The code location: every definition of `defs/`, and the executor that the settings choose.

The command line reaches Dagster through this module alone.
"""

import dagster as dg
from dagster import DagsterInstance, Definitions

from sigmasight_assets.defs import jobs, schedules, sensors
from sigmasight_assets.defs.deployment import DEPLOYMENT
from sigmasight_assets.defs.health import DagsterHealth, dagster_health
from sigmasight_assets.defs.lineage import LEDGER
from sigmasight_assets.defs.market import assets as market_assets
from sigmasight_assets.defs.market.checks import CHECKS as MARKET_CHECKS
from sigmasight_assets.defs.models import assets as model_assets
from sigmasight_assets.defs.models.checks import CHECKS as MODEL_CHECKS
from sigmasight_assets.defs.portfolio import assets as portfolio_assets
from sigmasight_assets.defs.portfolio.checks import CHECKS as PORTFOLIO_CHECKS
from sigmasight_assets.defs.reports import assets as report_assets
from sigmasight_assets.defs.reports.checks import CHECKS as REPORT_CHECKS
from sigmasight_assets.defs.resources import SCOPE_TAG, StoreResource
from sigmasight_assets.defs.risk import assets as risk_assets
from sigmasight_assets.defs.risk import metric_assets, scenario_assets
from sigmasight_assets.defs.risk.checks import CHECKS as RISK_CHECKS
from sigmasight_assets.defs.runs import RunOutcome, StepOutcome, execute_range, tidy

__all__ = [
    "SCOPE_TAG",
    "DagsterHealth",
    "DagsterInstance",
    "Definitions",
    "RunOutcome",
    "StepOutcome",
    "dagster_health",
    "defs",
    "execute_range",
    "tidy",
]

EXECUTORS = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}

ASSET_MODULES = [market_assets, model_assets, portfolio_assets, risk_assets, scenario_assets, metric_assets, report_assets]

defs = dg.Definitions(
    assets=[LEDGER, *dg.load_assets_from_modules(ASSET_MODULES)],
    asset_checks=[*MARKET_CHECKS, *MODEL_CHECKS, *PORTFOLIO_CHECKS, *RISK_CHECKS, *REPORT_CHECKS],
    jobs=[jobs.market_data, jobs.book],
    schedules=[schedules.daily],
    sensors=[sensors.book_after_market_data, sensors.ledger_changed, sensors.stale_refreshed],
    resources={"store": StoreResource()},
    executor=EXECUTORS[DEPLOYMENT.settings.executor],
)
