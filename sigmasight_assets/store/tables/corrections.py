"""What vendors corrected, and what owners vouch for."""

from sqlalchemy import Column, Index, Integer, String, Table

from sigmasight_assets.store.columns import UtcDateTime, number, session_column, symbol_column
from sigmasight_assets.store.tables.metadata import METADATA

restatements = Table(
    "restatements",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("table_name", String(64), nullable=False, comment="prices, treasury_yields or option_quotes"),
    session_column(),
    symbol_column(nullable=False, comment="Security or option series; a tenor as m120"),
    Column("field", String(32), nullable=False, comment="Column whose value changed"),
    number("old_value", "What was stored before; NULL where there was no value", "as the field"),
    number("new_value", "What is stored since; NULL where the value was withdrawn", "as the field"),
    Column("seen_at", UtcDateTime, nullable=False, comment="When the run that saw it read its inputs"),
    Column("run_id", String(64), nullable=False, comment="Run that saw it"),
    Index(None, "session", "symbol"),
    Index(None, "seen_at"),
    info={"grain": "one row per value that a source changed after it was stored"},
)

confirmed_prices = Table(
    "confirmed_prices",
    METADATA,
    session_column(primary_key=True),
    symbol_column(primary_key=True),
    number("close", "The close that the owner vouches for", "USD per share", nullable=False),
    Column("note", String(200), comment="Why"),
    Column("confirmed_at", UtcDateTime, nullable=False),
    info={"grain": "one row per close that would be quarantined and is right"},
)
