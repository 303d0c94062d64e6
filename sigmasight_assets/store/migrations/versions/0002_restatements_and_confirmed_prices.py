"""restatements and confirmed prices

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from sigmasight_assets.store.columns import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confirmed_prices",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="Security symbol"),
        sa.Column("close", sa.Float(precision=53), nullable=False, comment="The close that the owner vouches for"),
        sa.Column("note", sa.String(length=200), nullable=True, comment="Why"),
        sa.Column("confirmed_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_confirmed_prices")),
    )
    op.create_table(
        "restatements",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False, comment="prices, treasury_yields or option_quotes"),
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="Security or option series; a tenor as m120"),
        sa.Column("field", sa.String(length=32), nullable=False, comment="Column whose value changed"),
        sa.Column("old_value", sa.Float(precision=53), nullable=True, comment="What was stored before; NULL where there was no value"),
        sa.Column("new_value", sa.Float(precision=53), nullable=True, comment="What is stored since; NULL where the value was withdrawn"),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False, comment="When the run that saw it read its inputs"),
        sa.Column("run_id", sa.String(length=64), nullable=False, comment="Run that saw it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restatements")),
    )
    with op.batch_alter_table("restatements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_restatements_seen_at"), ["seen_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_restatements_session_symbol"), ["session", "symbol"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("restatements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_restatements_session_symbol"))
        batch_op.drop_index(batch_op.f("ix_restatements_seen_at"))

    op.drop_table("restatements")
    op.drop_table("confirmed_prices")
