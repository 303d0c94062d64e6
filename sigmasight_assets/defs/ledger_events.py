"""The ledger in Dagster's catalogue: an external asset, whose events tell of changes that imports and edits made."""

import dagster as dg
from sqlalchemy import func, select

from sigmasight_assets.defs.lineage import LEDGER
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import ledger_changes, lots, portfolios, users

LAST_CHANGE = "last_change"


def report_ledger(instance: dg.DagsterInstance, database: Database) -> bool:
    """Tell Dagster when the ledger has changed since it was last told; whether there was something to tell.

    Without it the catalogue shows the books of record as missing.
    """
    with database.read() as connection:
        change = connection.execute(
            select(ledger_changes.c.id, ledger_changes.c.what).order_by(ledger_changes.c.id.desc()).limit(1)
        ).first()
        if change is None or change.id == _last_told(instance):
            return False
        counts = {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in (users, portfolios, lots)}
    metadata: dict[str, int | str] = {"dagster/row_count": counts["lots"], **counts, LAST_CHANGE: change.id, "what": change.what}
    instance.report_runless_asset_event(dg.AssetMaterialization(LEDGER.key, metadata=metadata))
    return True


def _last_told(instance: dg.DagsterInstance) -> int | None:
    event = instance.get_latest_materialization_event(LEDGER.key)
    told = event.asset_materialization.metadata.get(LAST_CHANGE) if event and event.asset_materialization else None
    return told.value if isinstance(told, dg.IntMetadataValue) else None
