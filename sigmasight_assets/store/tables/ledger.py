"""What users own: users, portfolios, instruments, lots, tags, flows, appraisals, and the record of every change."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from sigmasight_assets.store.columns import ExactDecimal, UtcDateTime, portfolio_column, symbol_column
from sigmasight_assets.store.tables.metadata import METADATA

ASSET_CLASSES = ("equity", "option", "private")

users = Table(
    "users",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("email", String(254), nullable=False, unique=True, comment="Lower case"),
    Column("name", String(200)),
    Column("role", String(16), nullable=False, comment="user or admin"),
    Column("password_hash", String(255), comment="Argon2id; NULL: no login by password"),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("role IN ('user', 'admin')", name="role"),
)

portfolios = Table(
    "portfolios",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("slug", String(100), nullable=False, unique=True, comment="Name in file names and commands"),
    Column("name", String(200), nullable=False),
    Column("currency", String(3), nullable=False, comment="USD: the only one supported"),
    Column("cash_balance", ExactDecimal, nullable=False, comment="Stated cash at the close of cash_as_of, USD"),
    Column("cash_as_of", Date, nullable=False, comment="Date as stated; a non-session rolls back"),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("currency = 'USD'", name="currency"),
)

instruments = Table(
    "instruments",
    METADATA,
    symbol_column(primary_key=True),
    Column("asset_class", String(16), primary_key=True, comment="equity, option or private"),
    symbol_column("underlying", "Underlying of an option; the symbol itself for a share", nullable=False),
    Column("multiplier", Integer, nullable=False, comment="Units of the underlying per contract; 1 for a share"),
    Column("expiry", Date),
    Column("strike", ExactDecimal, comment="USD per share, as listed at entry"),
    Column("option_type", String(1), comment="C or P"),
    Column("exercise_style", String(16), comment="american or european"),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("asset_class IN ('equity', 'option', 'private')", name="asset_class"),
    CheckConstraint(
        "(asset_class = 'option') = (expiry IS NOT NULL AND strike IS NOT NULL AND option_type IS NOT NULL)",
        name="option_terms",
    ),
)

lots = Table(
    "lots",
    METADATA,
    Column("id", Uuid, primary_key=True),
    portfolio_column(),
    symbol_column(nullable=False),
    Column("asset_class", String(16), nullable=False),
    Column("quantity", ExactDecimal, nullable=False, comment="Signed shares or contracts, as of the entry date"),
    Column("entry_price", ExactDecimal, nullable=False, comment="USD per share, as of the entry date"),
    Column("entry_date", Date, nullable=False),
    Column("exit_date", Date),
    Column("exit_price", ExactDecimal, comment="USD per share, as of the exit date"),
    Column("ordinal", Integer, nullable=False, comment="Order of entry into the ledger"),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["symbol", "asset_class"], ["instruments.symbol", "instruments.asset_class"]),
    CheckConstraint("(exit_date IS NULL) = (exit_price IS NULL)", name="exit_pair"),
    Index(None, "portfolio_id", "ordinal"),
)

tags = Table(
    "tags",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(50), nullable=False, comment="As the owner wrote it first"),
    Column("name_key", String(50), nullable=False, comment="The name in lower case: unique per owner"),
    UniqueConstraint("owner_id", "name_key"),
)

lot_tags = Table(
    "lot_tags",
    METADATA,
    Column("lot_id", ForeignKey("lots.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True, index=True),
)

flows = Table(
    "flows",
    METADATA,
    Column("id", Uuid, primary_key=True),
    portfolio_column(),
    Column("date", Date, nullable=False),
    Column("amount", ExactDecimal, nullable=False, comment="USD, positive into the portfolio"),
    Column("note", String(500)),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], ondelete="CASCADE"),
    Index(None, "portfolio_id", "date"),
)

appraisals = Table(
    "appraisals",
    METADATA,
    Column("id", Uuid, primary_key=True),
    portfolio_column(),
    symbol_column(nullable=False),
    Column("date", Date, nullable=False),
    Column("price_per_unit", ExactDecimal, nullable=False, comment="USD per unit"),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], ondelete="CASCADE"),
    UniqueConstraint("portfolio_id", "symbol", "date"),
)

imports = Table(
    "imports",
    METADATA,
    Column("id", Uuid, primary_key=True),
    portfolio_column(),
    Column("kind", String(16), nullable=False, comment="lots, flows or appraisals"),
    Column("content_hash", String(64), nullable=False, comment="SHA-256 of the normalised rows"),
    Column("file_name", String(255), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("rows_added", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], ondelete="CASCADE"),
    Index(None, "portfolio_id", "kind", "content_hash"),
)

ledger_changes = Table(
    "ledger_changes",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    portfolio_column(),
    Column("facet", String(16), nullable=False, comment="book: the portfolio's own rows; contracts: options are held anew"),
    Column("first_session", Date, nullable=False, comment="The first session whose numbers it affects"),
    Column("what", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("processed_at", UtcDateTime, comment="When a run that covers it had succeeded"),
    Index(None, "portfolio_id", "first_session"),
)
