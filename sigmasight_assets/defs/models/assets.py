"""Models that do not depend on who holds a security."""

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import models as pictures


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
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
