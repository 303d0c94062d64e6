"""Who may come in, and what they did: personal tokens and the record of activity."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, Uuid

from sigmasight_assets.store.columns import UtcDateTime
from sigmasight_assets.store.tables.metadata import METADATA

api_tokens = Table(
    "api_tokens",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(100), nullable=False, comment="What the owner calls it"),
    Column("token_hash", String(64), nullable=False, unique=True, comment="SHA-256 of the token, which nobody keeps"),
    Column("hint", String(12), nullable=False, comment="First characters of the token, to tell it by"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, comment="NULL: until it is deleted"),
)

activity = Table(
    "activity",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("user_id", Uuid, comment="Who; NULL where nobody was known. No foreign key: the record outlives the user"),
    Column("action", String(64), nullable=False, comment="What was done, as section.verb"),
    Column("resource", String(200), comment="What it was done to, as kind:id"),
    Column("outcome", String(16), nullable=False, comment="done or refused"),
    Column("detail", Text, comment="What changed, in words"),
    Column("address", String(45), comment="Network address that it came from"),
    Column("request_id", String(64), comment="X-Request-ID of the request"),
    Index(None, "user_id", "at"),
)
