"""What users say about risk: their own scenarios, and what their private assets follow in one."""

from sqlalchemy import JSON, Column, Date, ForeignKey, ForeignKeyConstraint, String, Table, UniqueConstraint, Uuid

from sigmasight_assets.store.columns import ExactDecimal, UtcDateTime, portfolio_column, symbol_column
from sigmasight_assets.store.tables.metadata import METADATA

user_scenarios = Table(
    "user_scenarios",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("scenario_id", String(48), nullable=False, comment="The owner's short name for it"),
    Column("definition", JSON, nullable=False, comment="The scenario as its file states it"),
    Column("first_session", Date, nullable=False, comment="The first session whose stress results hold it"),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("owner_id", "scenario_id"),
)

private_proxies = Table(
    "private_proxies",
    METADATA,
    portfolio_column(primary_key=True),
    symbol_column(primary_key=True, comment="The private asset"),
    symbol_column("proxy", "The security whose betas it follows in a scenario", nullable=False),
    Column("multiple", ExactDecimal, nullable=False, comment="Times the move of the proxy"),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], ondelete="CASCADE"),
)
