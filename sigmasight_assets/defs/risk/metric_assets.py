"""Risk metrics, the exceptions of value at risk, P&L attribution."""

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import performance as pictures

SINGLE_RUN = dg.BackfillPolicy.single_run()


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("risk_metrics"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("risk_metrics"),
    code_version=CODE_VERSIONS["risk_metrics"],
)
def risk_metrics(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and portfolio: volatility, Sharpe, Sortino and drawdown of realised returns and of today's holdings over past
    returns, returns of periods, one-day value at risk and expected shortfall with components."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.risk_metrics, pictures.nav_and_drawdown)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("var_exceptions"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("var_exceptions"),
    code_version=CODE_VERSIONS["var_exceptions"],
)
def var_exceptions(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, portfolio and level: did the day before's holdings lose more than their value at risk, how often in 252
    sessions, and how often chance would."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.var_exceptions, pictures.value_at_risk_and_pnl)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("pnl_attribution"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("pnl_attribution"),
    code_version=CODE_VERSIONS["pnl_attribution"],
)
def pnl_attribution(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and portfolio: the day's gain by the Greeks of the day before, and by the eight factors; each adds up to it."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.pnl_attribution, pictures.attribution_waterfall)
