"""Books under scenarios: the shocks, the grid, the stress results."""

import dagster as dg

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import scenarios as pictures

SINGLE_RUN = dg.BackfillPolicy.single_run()


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("scenario_shocks"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("scenario_shocks"),
    code_version=CODE_VERSIONS["scenario_shocks"],
)
def scenario_shocks(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, scenario and mode: what the shipped scenarios and users' own say about the eight factors, the curve and implied
    volatility, with the source of each variable and the distance in annual standard deviations."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.scenario_shocks, pictures.distances)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("market_scenarios"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("market_scenarios"),
    code_version=CODE_VERSIONS["market_scenarios"],
)
def market_scenarios(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, portfolio and point of the grid: market ±5, 10, 20 % and rates ±25 to 300 bp, each alone, by full revaluation
    and to first order."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.market_scenarios, pictures.grid_lines)


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=SINGLE_RUN,
    deps=lineage_deps("stress_results"),
    group_name="risk",
    kinds={"python", "sql"},
    owners=["team:risk"],
    metadata=definition_metadata("stress_results"),
    code_version=CODE_VERSIONS["stress_results"],
)
def stress_results(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session, portfolio, scenario and mode (direct, correlated): full revaluation and linear, by factor, by asset class and,
    packed, by position; band, severity, coverage. The two modes differ through rates, stated styles and the market's pull on the curve
    alone: styles are orthogonal to the market."""
    return materialize_and_describe(context, store.workshop(context.run), materialize.stress_results, pictures.stress_bars)
