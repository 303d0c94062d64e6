"""Market data: one copy for everybody, one row per session and symbol."""

from sqlalchemy import Column, Index, Integer, String, Table, column

from sigmasight_assets.store.columns import code, number, session_column, status_columns, symbol_column
from sigmasight_assets.store.tables.metadata import METADATA

PRICE_BASES = ("traded", "split_adjusted", "adjusted_only")

security_master = Table(
    "security_master",
    METADATA,
    symbol_column(primary_key=True),
    Column("name", String(200), comment="Name of the security"),
    code("asset_class", "equity, fund, index or basket"),
    Column("sector", String(64), comment="GICS sector, or NULL"),
    Column("industry", String(200)),
    Column("exchange", String(64)),
    Column("fund_category", String(64), comment="Asset class of a fund's holdings"),
    Column("fund_company", String(100), comment="Who runs a fund"),
    Column("source", String(64), nullable=False, comment="Where the row comes from"),
    *status_columns(),
    info={"grain": "one row per security"},
)

prices = Table(
    "prices",
    METADATA,
    session_column(primary_key=True),
    symbol_column(primary_key=True),
    number("close", "Closing price in the source's basis", "USD per share"),
    number("adj_close", "Close adjusted for splits and dividends: returns use it", "USD per share"),
    number("dividend", "Cash dividend with this ex-session", "USD per share"),
    number("split_ratio", "New shares per old share from this session on; 1 without a split", "ratio"),
    Column("source", String(64), nullable=False, comment="Where the price comes from"),
    code("price_basis", "What close means", PRICE_BASES, nullable=False),
    *status_columns(),
    Index(
        "ix_prices_splits",
        "symbol",
        "session",
        sqlite_where=column("split_ratio") != 1,
        postgresql_where=column("split_ratio") != 1,
    ),
    Index(
        "ix_prices_dividends",
        "symbol",
        "session",
        sqlite_where=column("dividend") != 0,
        postgresql_where=column("dividend") != 0,
    ),
    info={"grain": "one row per session and symbol"},
)

treasury_yields = Table(
    "treasury_yields",
    METADATA,
    session_column(primary_key=True),
    Column(
        "tenor_months",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="Maturity in months",
        info={"unit": "months"},
    ),
    number("par_yield", "Treasury constant-maturity par yield, semi-annual", "decimal"),
    Column("source", String(64), nullable=False),
    *status_columns(),
    info={"grain": "one row per session and tenor"},
)

option_quotes = Table(
    "option_quotes",
    METADATA,
    session_column(primary_key=True),
    symbol_column(primary_key=True, comment="OSI symbol without padding"),
    number("bid", "Best bid at the close", "USD per share"),
    number("ask", "Best ask at the close", "USD per share"),
    number("close", "Last trade of the session", "USD per share"),
    number("iv", "The vendor's implied volatility", "decimal per year"),
    number("volume", "Contracts traded", "contracts"),
    number("open_interest", "Contracts open", "contracts"),
    Column("source", String(64), nullable=False),
    *status_columns(),
    info={"grain": "one row per session and listed contract"},
)
