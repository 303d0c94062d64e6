"""Dagster dependencies, keys and column schemas, built from `store.lineage` and the tables."""

import dagster as dg
from sqlalchemy import Uuid

from sigmasight_assets.store.lineage import LINEAGE, UNDATED, Upstream
from sigmasight_assets.store.tables import METADATA

LEDGER = dg.AssetSpec(
    "ledger",
    description="Users, portfolios, lots, flows and appraisals: books of record, written by imports and the API. For lineage only.",
    group_name="ledger",
    kinds={"sql"},
    owners=["team:risk"],
)


def lineage_deps(table: str) -> list[dg.AssetDep]:
    """One dependency per upstream asset; several windows on one asset become the widest."""
    widest: dict[str, list[Upstream]] = {}
    for upstream in LINEAGE[table]:
        widest.setdefault(upstream.table, []).append(upstream)
    return [dg.AssetDep(name, partition_mapping=_mapping(table, name, upstreams)) for name, upstreams in widest.items()]


def _mapping(table: str, upstream: str, upstreams: list[Upstream]) -> dg.PartitionMapping | None:
    """How partitions map: a session reads the window before it, an undated table all sessions, anything the whole of an undated one."""
    if upstream in (*UNDATED, "ledger"):
        return None
    first = [one.window.first for one in upstreams if one.window.first is not None]
    last = [one.window.last for one in upstreams if one.window.last is not None]
    if table in UNDATED or not first or not last:
        return dg.AllPartitionMapping()
    return dg.TimeWindowPartitionMapping(start_offset=min(first), end_offset=max(last), allow_nonexistent_upstream_partitions=True)


def definition_metadata(table: str) -> dict[str, object]:
    """Grain and column schema of a table, for the asset catalogue."""
    columns = []
    for column in METADATA.tables[table].columns:
        unit = column.info.get("unit")
        text = f"{column.comment or ''}{f' [{unit}]' if unit else ''}".strip()
        constraints = dg.TableColumnConstraints(nullable=bool(column.nullable), unique=False)
        kind = "uuid" if isinstance(column.type, Uuid) else str(column.type).lower()
        columns.append(dg.TableColumn(column.name, type=kind, description=text or None, constraints=constraints))
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "grain": METADATA.tables[table].info["grain"],
        "dagster/table_name": table,
    }
