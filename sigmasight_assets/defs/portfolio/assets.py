"""Portfolio numbers: cash, values, snapshots."""

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import portfolio as pictures

SINGLE_RUN = dg.BackfillPolicy.single_run()


@dg.asset(
    deps=lineage_deps("opening_cash"),
    group_name="portfolio",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("opening_cash"),
    code_version=CODE_VERSIONS["opening_cash"],
)
def opening_cash(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per portfolio: C0, the cash before the first event that makes cash equal the stated balance. The one number that looks
    ahead of a session, and so the one that makes every session of a portfolio stale when it moves."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.opening_cash, pictures.cash_bars)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("position_values"),
    group_name="portfolio",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("position_values"),
    code_version=CODE_VERSIONS["position_values"],
)
def position_values(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, portfolio and lot held or ended on it: value, price with its status, P&L of the day, exposures, Greeks."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.position_values, pictures.price_statuses)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("portfolio_snapshots"),
    group_name="portfolio",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("portfolio_snapshots"),
    code_version=CODE_VERSIONS["portfolio_snapshots"],
)
def portfolio_snapshots(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and portfolio: NAV, P&L, exposures in three families, Greeks, coverage. The NAV identity is its gate."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.portfolio_snapshots, pictures.nav_lines)
