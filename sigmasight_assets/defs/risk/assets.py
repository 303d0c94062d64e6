"""Risk of portfolios: factor exposures, predicted risk, correlations."""

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import risk as pictures

SINGLE_RUN = dg.BackfillPolicy.single_run()


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("portfolio_factor_risk"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("portfolio_factor_risk"),
    code_version=CODE_VERSIONS["portfolio_factor_risk"],
)
def portfolio_factor_risk(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and portfolio: beta, predicted volatility split into factor and specific parts, coverage, and every position's
    dollars by factor, packed."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.portfolio_factor_risk, pictures.volatility_lines)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("factor_exposures"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("factor_exposures"),
    code_version=CODE_VERSIONS["factor_exposures"],
)
def factor_exposures(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, portfolio and factor: dollars long, short and net, beta with its standard error, contribution to variance and
    volatility, coverage."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.factor_exposures, pictures.factor_bars)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("position_correlations"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("position_correlations"),
    code_version=CODE_VERSIONS["position_correlations"],
)
def position_correlations(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, portfolio and view (portfolio, longs, shorts): packed correlations of the underlyings over 90 returns, their
    average, effective number, clusters."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.position_correlations, pictures.heat_map)
