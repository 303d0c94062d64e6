"""Who wrote which rows, when, with which code: what staleness is judged by."""

from sqlalchemy import Column, Date, Index, Integer, String, Table, Uuid, column

from sigmasight_assets.store.columns import UtcDateTime, status_columns
from sigmasight_assets.store.tables.metadata import METADATA

materializations = Table(
    "materializations",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(64), nullable=False, comment="Table, or table.facet for a part that is judged on its own"),
    Column("session", Date, comment="NULL for a table without sessions"),
    Column("portfolio_id", Uuid, comment="NULL for market tables"),
    Column("content_hash", String(32), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False, comment="When the content last became different"),
    Column("computed_at", UtcDateTime, nullable=False, comment="When the inputs of the last computation were read"),
    Column("code_version", String(64), nullable=False),
    Column("run_id", String(64), nullable=False, comment="Run that computed it last"),
    Column("rows", Integer, nullable=False),
    *status_columns(),
    Index(None, "portfolio_id", "table_name", "session"),
    Index(None, "run_id", "table_name"),
    Index(
        "uq_materializations_portfolio",
        "table_name",
        "session",
        "portfolio_id",
        unique=True,
        sqlite_where=column("portfolio_id").is_not(None),
        postgresql_where=column("portfolio_id").is_not(None),
    ),
    Index(
        "uq_materializations_market",
        "table_name",
        "session",
        unique=True,
        sqlite_where=column("portfolio_id").is_(None),
        postgresql_where=column("portfolio_id").is_(None),
    ),
)
