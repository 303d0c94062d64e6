"""Market data: one copy for everybody, taken from the provider."""

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import MARKET_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import market as pictures

SINGLE_RUN = dg.BackfillPolicy.single_run()


@dg.asset(
    deps=lineage_deps("security_master"),
    group_name="market",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("security_master"),
    code_version=CODE_VERSIONS["security_master"],
)
def security_master(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per security: name, asset class, sector, exchange. Not dated: it says what is known now."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.security_master, pictures.sectors)


@dg.asset(
    partitions_def=MARKET_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("prices"),
    group_name="market",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("prices"),
    code_version=CODE_VERSIONS["prices"],
)
def prices(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and symbol: close, adjusted close, dividend, split. A gap after a symbol's first price is a row that says so;
    a close more than ten times the last one is quarantined. Refuses a session that has not closed."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.prices, pictures.price_changes)


@dg.asset(
    partitions_def=MARKET_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("treasury_yields"),
    group_name="market",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("treasury_yields"),
    code_version=CODE_VERSIONS["treasury_yields"],
)
def treasury_yields(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and tenor: Treasury par yield as a decimal; NULL where none was published."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.treasury_yields, pictures.yield_curve)


@dg.asset(
    partitions_def=MARKET_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("option_quotes"),
    group_name="market",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("option_quotes"),
    code_version=CODE_VERSIONS["option_quotes"],
)
def option_quotes(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and listed contract: bid, ask, last, the vendor's volatility. The sample provider has none, and its row sets
    are recorded as unavailable."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.option_quotes, pictures.quote_counts)
