"""access

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from sigmasight_assets.store.columns import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False, comment="What the owner calls it"),
        sa.Column("token_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the token, which nobody keeps"),
        sa.Column("hint", sa.String(length=12), nullable=False, comment="First characters of the token, to tell it by"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True, comment="NULL: until it is deleted"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_api_tokens_owner_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_owner_id"), "api_tokens", ["owner_id"])
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "user_id", sa.Uuid(), nullable=True, comment="Who; NULL where nobody was known. No foreign key: the record outlives the user"
        ),
        sa.Column("action", sa.String(length=64), nullable=False, comment="What was done, as section.verb"),
        sa.Column("resource", sa.String(length=200), nullable=True, comment="What it was done to, as kind:id"),
        sa.Column("outcome", sa.String(length=16), nullable=False, comment="done or refused"),
        sa.Column("detail", sa.Text(), nullable=True, comment="What changed, in words"),
        sa.Column("address", sa.String(length=45), nullable=True, comment="Network address that it came from"),
        sa.Column("request_id", sa.String(length=64), nullable=True, comment="X-Request-ID of the request"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index(op.f("ix_activity_user_id_at"), "activity", ["user_id", "at"])
    op.add_column(
        "users",
        sa.Column("password_hash", sa.String(length=255), nullable=True, comment="Argon2id; NULL: no login by password"),
    )
    op.create_index(
        op.f("ix_materializations_portfolio_id_table_name_session"), "materializations", ["portfolio_id", "table_name", "session"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_materializations_portfolio_id_table_name_session"), "materializations")
    op.drop_column("users", "password_hash")
    op.drop_table("activity")
    op.drop_table("api_tokens")
