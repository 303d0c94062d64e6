"""Reports: which sections each has, and the files of the last session."""

import dagster as dg

from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.defs.describe import materialize_and_describe
from sigmasight_assets.defs.lineage import definition_metadata, lineage_deps
from sigmasight_assets.defs.partitions import BOOK_SESSIONS
from sigmasight_assets.defs.resources import StoreResource
from sigmasight_assets.pictures import reports as pictures
from sigmasight_assets.reports.materialize import portfolio_reports as write_reports


@dg.asset(
    partitions_def=BOOK_SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=lineage_deps("portfolio_reports"),
    group_name="reports",
    kinds={"python", "markdown", "json", "csv"},
    owners=["team:risk"],
    metadata=definition_metadata("portfolio_reports"),
    code_version=CODE_VERSIONS["portfolio_reports"],
)
def portfolio_reports(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per session and portfolio: the report's sections with their status. The files (md, json, csv, html) are written for the last
    session of a run; `sigmasight report` writes any other."""
    return materialize_and_describe(context, store.workshop(context.run), write_reports, pictures.section_statuses)
