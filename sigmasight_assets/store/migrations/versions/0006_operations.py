"""operations

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from sigmasight_assets.store.columns import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "check_results",
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("check_name", sa.String(length=64), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True, comment="What was found, with figures and names"),
        sa.Column("actual", sa.Float(precision=53), nullable=True, comment="What was measured"),
        sa.Column("threshold", sa.Float(precision=53), nullable=True, comment="What is allowed"),
        sa.Column("first_session", sa.Date(), nullable=True, comment="First session that was looked at; NULL for a table without sessions"),
        sa.Column("last_session", sa.Date(), nullable=True),
        sa.Column("run_id", sa.String(length=64), nullable=False, comment="Run that looked"),
        sa.Column("checked_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "check_name", name=op.f("pk_check_results")),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False, comment="Who asked for it"),
        sa.Column(
            "kind",
            sa.String(length=32),
            nullable=False,
            comment="What it does: batch.NAME, or bring_up_to_date after a change of the books",
        ),
        sa.Column("state", sa.String(length=16), nullable=False, comment="queued, running, succeeded, failed, cancelled"),
        sa.Column("request", sa.JSON(), nullable=False, comment="Tables, sessions, portfolios and downstream as they were asked for"),
        sa.Column(
            "steps",
            sa.JSON(),
            nullable=False,
            comment="Its Dagster runs in order: tables, sessions, portfolios, run id, state, sessions done",
        ),
        sa.Column("left_stale", sa.JSON(), nullable=False, comment="Tables that it leaves older than their inputs"),
        sa.Column(
            "portfolio_id",
            sa.Uuid(),
            nullable=True,
            comment="The book that is brought up to date. No foreign key: the record outlives the portfolio",
        ),
        sa.Column("first_session", sa.Date(), nullable=True, comment="From which session on that book has changed"),
        sa.Column(
            "idempotency_key", sa.String(length=200), nullable=True, comment="Chosen by the caller: the same key is the same operation"
        ),
        sa.Column("request_hash", sa.String(length=64), nullable=True, comment="SHA-256 of the request that the key came with"),
        sa.Column("process_id", sa.Integer(), nullable=True, comment="Process that works on it"),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed, in words"),
        sa.Column("note", sa.Text(), nullable=True, comment="What of the request was left out, in words"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_operations_state")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_operations_owner_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        sa.UniqueConstraint("owner_id", "idempotency_key", name=op.f("uq_operations_owner_id_idempotency_key")),
    )
    op.create_index(op.f("ix_operations_owner_id_created_at"), "operations", ["owner_id", "created_at"])
    op.create_index(op.f("ix_operations_state_created_at"), "operations", ["state", "created_at"])
    op.create_index(op.f("ix_materializations_run_id_table_name"), "materializations", ["run_id", "table_name"])


def downgrade() -> None:
    op.drop_index(op.f("ix_materializations_run_id_table_name"), "materializations")
    op.drop_index(op.f("ix_operations_state_created_at"), "operations")
    op.drop_index(op.f("ix_operations_owner_id_created_at"), "operations")
    op.drop_table("operations")
    op.drop_table("check_results")
