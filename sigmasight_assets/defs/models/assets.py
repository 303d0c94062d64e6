"""Models that do not depend on who holds a security."""

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS, MARKET_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import factors as factor_pictures
from sigmasight_assets.pictures import models as pictures

SINGLE_RUN = dg.BackfillPolicy.single_run()


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("option_greeks"),
    group_name="models",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("option_greeks"),
    code_version=CODE_VERSIONS["option_greeks"],
)
def option_greeks(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and option series that any portfolio holds: price, implied volatility with its source, Greeks per share."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.option_greeks, pictures.volatility_sources)


@dg.asset(
    partitions_def=MARKET_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("factor_returns"),
    group_name="models",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("factor_returns"),
    code_version=CODE_VERSIONS["factor_returns"],
)
def factor_returns(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and series: total returns of the seven proxies (stand-ins named), change of the 10-year yield, macro series.
    A gap is NULL with its reason, never a return over two sessions."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.factor_returns, factor_pictures.series_available)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("factor_loadings"),
    group_name="models",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("factor_loadings"),
    code_version=CODE_VERSIONS["factor_loadings"],
)
def factor_loadings(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and factor: its ETF's loading on the market (growth: on value too), variance inflation, condition number, and
    gamma, the part of the 10-year's change that goes with it. 252 returns."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.factor_loadings, factor_pictures.inflation)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("factor_betas"),
    group_name="models",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("factor_betas"),
    code_version=CODE_VERSIONS["factor_betas"],
)
def factor_betas(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, symbol and factor: beta over 252 returns with standard error, t, R², residual volatility, quality and flags.
    Every symbol with prices has one; who holds it does not matter."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.factor_betas, factor_pictures.fit_quality)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("factor_covariance"),
    group_name="models",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("factor_covariance"),
    code_version=CODE_VERSIONS["factor_covariance"],
)
def factor_covariance(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session: daily covariance of the eight factors, correlations of the seven and of their ETFs, packed. 252 returns."""
    return materialize_and_describe(
        context, store.workshop(context.run), materialize.factor_covariance, factor_pictures.factor_correlations
    )
