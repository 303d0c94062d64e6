"""Work that was asked for, with how far it is; and what the checks of each table said last."""

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, Uuid

from sigmasight_assets.store.columns import UtcDateTime, number
from sigmasight_assets.store.tables.metadata import METADATA

OPERATION_STATES = ("queued", "running", "succeeded", "failed", "cancelled")

operations = Table(
    "operations",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, comment="Who asked for it"),
    Column("kind", String(32), nullable=False, comment="What it does: batch.NAME, or bring_up_to_date after a change of the books"),
    Column("state", String(16), nullable=False, comment=", ".join(OPERATION_STATES)),
    Column("request", JSON, nullable=False, comment="Tables, sessions, portfolios and downstream as they were asked for"),
    Column("steps", JSON, nullable=False, comment="Its Dagster runs in order: tables, sessions, portfolios, run id, state, sessions done"),
    Column("left_stale", JSON, nullable=False, comment="Tables that it leaves older than their inputs"),
    Column("portfolio_id", Uuid, comment="The book that is brought up to date. No foreign key: the record outlives the portfolio"),
    Column("first_session", Date, comment="From which session on that book has changed"),
    Column("idempotency_key", String(200), comment="Chosen by the caller: the same key is the same operation"),
    Column("request_hash", String(64), comment="SHA-256 of the request that the key came with"),
    Column("process_id", Integer, comment="Process that works on it"),
    Column("error", Text, comment="Why it failed, in words"),
    Column("note", Text, comment="What of the request was left out, in words"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("cancel_requested_at", UtcDateTime),
    CheckConstraint(f"state IN {OPERATION_STATES!r}", name="state"),
    UniqueConstraint("owner_id", "idempotency_key"),
    Index(None, "state", "created_at"),
    Index(None, "owner_id", "created_at"),
)

check_results = Table(
    "check_results",
    METADATA,
    Column("table_name", String(64), primary_key=True),
    Column("check_name", String(64), primary_key=True),
    Column("passed", Boolean, nullable=False),
    Column("detail", Text, comment="What was found, with figures and names"),
    number("actual", "What was measured", "as the check"),
    number("threshold", "What is allowed", "as the check"),
    Column("first_session", Date, comment="First session that was looked at; NULL for a table without sessions"),
    Column("last_session", Date),
    Column("run_id", String(64), nullable=False, comment="Run that looked"),
    Column("checked_at", UtcDateTime, nullable=False),
)
