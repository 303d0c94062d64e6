"""first tables

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

from sigmasight_assets.store.columns import ExactDecimal, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instruments",
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="Security symbol"),
        sa.Column("asset_class", sa.String(length=16), nullable=False, comment="equity, option or private"),
        sa.Column("underlying", sa.String(length=64), nullable=False, comment="Underlying of an option; the symbol itself for a share"),
        sa.Column("multiplier", sa.Integer(), nullable=False, comment="Units of the underlying per contract; 1 for a share"),
        sa.Column("expiry", sa.Date(), nullable=True),
        sa.Column("strike", ExactDecimal(), nullable=True, comment="USD per share, as listed at entry"),
        sa.Column("option_type", sa.String(length=1), nullable=True, comment="C or P"),
        sa.Column("exercise_style", sa.String(length=16), nullable=True, comment="american or european"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(asset_class = 'option') = (expiry IS NOT NULL AND strike IS NOT NULL AND option_type IS NOT NULL)",
            name=op.f("ck_instruments_option_terms"),
        ),
        sa.CheckConstraint("asset_class IN ('equity', 'option', 'private')", name=op.f("ck_instruments_asset_class")),
        sa.PrimaryKeyConstraint("symbol", "asset_class", name=op.f("pk_instruments")),
    )
    op.create_table(
        "ledger_changes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column(
            "facet", sa.String(length=16), nullable=False, comment="book: the portfolio's own rows; contracts: options are held anew"
        ),
        sa.Column("first_session", sa.Date(), nullable=False, comment="The first session whose numbers it affects"),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("processed_at", UtcDateTime(timezone=True), nullable=True, comment="When a run that covers it had succeeded"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_changes")),
    )
    with op.batch_alter_table("ledger_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_changes_portfolio_id_first_session"), ["portfolio_id", "first_session"], unique=False)

    op.create_table(
        "materializations",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False, comment="Table, or table.facet for a part that is judged on its own"),
        sa.Column("session", sa.Date(), nullable=True, comment="NULL for a table without sessions"),
        sa.Column("portfolio_id", sa.Uuid(), nullable=True, comment="NULL for market tables"),
        sa.Column("content_hash", sa.String(length=32), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False, comment="When the content last became different"),
        sa.Column("computed_at", UtcDateTime(timezone=True), nullable=False, comment="When the inputs of the last computation were read"),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False, comment="Run that computed it last"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_materializations")),
    )
    with op.batch_alter_table("materializations", schema=None) as batch_op:
        batch_op.create_index(
            "uq_materializations_market",
            ["table_name", "session"],
            unique=True,
            sqlite_where=sa.text("portfolio_id IS NULL"),
            postgresql_where=sa.text("portfolio_id IS NULL"),
        )
        batch_op.create_index(
            "uq_materializations_portfolio",
            ["table_name", "session", "portfolio_id"],
            unique=True,
            sqlite_where=sa.text("portfolio_id IS NOT NULL"),
            postgresql_where=sa.text("portfolio_id IS NOT NULL"),
        )

    op.create_table(
        "opening_cash",
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("cash_as_of", sa.Date(), nullable=False, comment="Session of the stated balance"),
        sa.Column("stated_cash", ExactDecimal(), nullable=False, comment="Balance the owner stated, USD"),
        sa.Column(
            "opening_cash",
            sa.Float(precision=53),
            nullable=True,
            comment="C0: cash before the first event, so that cash equals the stated balance",
        ),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("portfolio_id", name=op.f("pk_opening_cash")),
        info={"grain": "one row per portfolio"},
    )
    op.create_table(
        "option_greeks",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="OSI symbol of the series as it stands on this session"),
        sa.Column("underlying", sa.String(length=64), nullable=False, comment="Underlying symbol"),
        sa.Column("expiry", sa.Date(), nullable=False),
        sa.Column("strike", sa.Float(precision=53), nullable=False, comment="Strike, adjusted for splits since entry"),
        sa.Column("option_type", sa.String(length=32), nullable=False, comment="C or P"),
        sa.Column("exercise_style", sa.String(length=32), nullable=False, comment="american (priced European for now) or european"),
        sa.Column("model", sa.String(length=32), nullable=False, comment="Pricing model"),
        sa.Column("years", sa.Float(precision=53), nullable=False, comment="Time to expiry, ACT/365; 0 on the settlement session"),
        sa.Column("spot", sa.Float(precision=53), nullable=True, comment="Underlying close used"),
        sa.Column("spot_date", sa.Date(), nullable=True, comment="Session of that close"),
        sa.Column("rate", sa.Float(precision=53), nullable=True, comment="Continuous zero rate to expiry, from the Treasury par curve"),
        sa.Column("rate_date", sa.Date(), nullable=True, comment="Session of the curve used"),
        sa.Column("dividend_yield", sa.Float(precision=53), nullable=True, comment="Dividends of 252 sessions over spot"),
        sa.Column(
            "dividend_yield_source",
            sa.String(length=32),
            nullable=True,
            comment="trailing_252, short_window, or none (0: no dividend known)",
        ),
        sa.Column("price", sa.Float(precision=53), nullable=True, comment="Price by the ladder: mid, close, model"),
        sa.Column("price_status", sa.String(length=32), nullable=False, comment="ok, model or missing"),
        sa.Column("price_source", sa.String(length=32), nullable=True, comment="mid, close or model"),
        sa.Column("model_price", sa.Float(precision=53), nullable=True, comment="Black-Scholes-Merton value at iv"),
        sa.Column("iv", sa.Float(precision=53), nullable=True, comment="Implied volatility by the ladder"),
        sa.Column("iv_source", sa.String(length=32), nullable=True, comment="Which rung of the ladder gave iv"),
        sa.Column("iv_date", sa.Date(), nullable=True, comment="Session of the quote behind iv"),
        sa.Column(
            "iv_reason",
            sa.String(length=32),
            nullable=True,
            comment="Why iv is not the quote's own: no_quote, below_intrinsic, above_max, stale_pair, no_spot, no_rate, expired",
        ),
        sa.Column("delta", sa.Float(precision=53), nullable=True, comment="Per share of the underlying"),
        sa.Column("gamma", sa.Float(precision=53), nullable=True, comment="Change of delta per 1 USD of spot"),
        sa.Column("theta_per_day", sa.Float(precision=53), nullable=True, comment="Change of value per calendar day"),
        sa.Column("vega_per_volpt", sa.Float(precision=53), nullable=True, comment="Change of value per 0.01 of volatility"),
        sa.Column("rho_per_pct", sa.Float(precision=53), nullable=True, comment="Change of value per 0.01 of rate"),
        sa.Column("intrinsic", sa.Float(precision=53), nullable=True, comment="Exercise value at spot"),
        sa.Column(
            "early_exercise_value_bound",
            sa.Float(precision=53),
            nullable=True,
            comment="max(0, intrinsic - price): what European pricing of an American option may miss",
        ),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_option_greeks")),
        info={"grain": "one row per session and option series held by any portfolio"},
    )
    op.create_table(
        "option_quotes",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="OSI symbol without padding"),
        sa.Column("bid", sa.Float(precision=53), nullable=True, comment="Best bid at the close"),
        sa.Column("ask", sa.Float(precision=53), nullable=True, comment="Best ask at the close"),
        sa.Column("close", sa.Float(precision=53), nullable=True, comment="Last trade of the session"),
        sa.Column("iv", sa.Float(precision=53), nullable=True, comment="The vendor's implied volatility"),
        sa.Column("volume", sa.Float(precision=53), nullable=True, comment="Contracts traded"),
        sa.Column("open_interest", sa.Float(precision=53), nullable=True, comment="Contracts open"),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_option_quotes")),
        info={"grain": "one row per session and listed contract"},
    )
    op.create_table(
        "portfolio_reports",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("sections", sa.JSON(), nullable=False, comment="Section -> status, reason and as_of"),
        sa.Column(
            "files",
            sa.JSON(),
            nullable=True,
            comment="Format -> path, bytes and SHA-256 of what was written; NULL: not written for this session",
        ),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the collected report"),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("session", "portfolio_id", name=op.f("pk_portfolio_reports")),
        info={"grain": "one row per session and portfolio"},
    )
    op.create_table(
        "portfolio_snapshots",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("nav", sa.Float(precision=53), nullable=True, comment="cash + sum of market values"),
        sa.Column("nav_previous", sa.Float(precision=53), nullable=True, comment="NAV of the session before, computed afresh"),
        sa.Column("cash", sa.Float(precision=53), nullable=True, comment="Cash; negative is margin"),
        sa.Column("pnl", sa.Float(precision=53), nullable=False, comment="Gain of the day: prices and dividends"),
        sa.Column("pnl_long", sa.Float(precision=53), nullable=False, comment="Gain of the day of long lots (quantity above 0)"),
        sa.Column("pnl_short", sa.Float(precision=53), nullable=False, comment="Gain of the day of short lots"),
        sa.Column("dividends", sa.Float(precision=53), nullable=False, comment="Dividends of the day, part of pnl"),
        sa.Column("flows", sa.Float(precision=53), nullable=False, comment="Money the owner put in (+) or took out (-) on the session"),
        sa.Column(
            "coverage_change", sa.Float(precision=53), nullable=False, comment="Value that entered or left the priced part of the book"
        ),
        sa.Column(
            "daily_return",
            sa.Float(precision=53),
            nullable=True,
            comment="pnl / (nav_previous + flows + coverage_change); NULL when the denominator is not above 0",
        ),
        sa.Column("year_pnl", sa.Float(precision=53), nullable=True, comment="Sum of pnl from the first session of the calendar year"),
        sa.Column("unrealized_pnl", sa.Float(precision=53), nullable=False, comment="Sum over open priced lots"),
        sa.Column("realized_pnl", sa.Float(precision=53), nullable=True, comment="Gain over entry prices of all lots ended so far"),
        sa.Column("market_value_long", sa.Float(precision=53), nullable=True, comment="Market value: sum of positive exposures"),
        sa.Column(
            "market_value_short",
            sa.Float(precision=53),
            nullable=True,
            comment="Market value: sum of negative exposures (a negative number)",
        ),
        sa.Column("market_value_gross", sa.Float(precision=53), nullable=True, comment="Market value: long - short"),
        sa.Column("market_value_net", sa.Float(precision=53), nullable=True, comment="Market value: long + short"),
        sa.Column(
            "market_value_long_share", sa.Float(precision=53), nullable=True, comment="Market value: sum of positive exposures, over NAV"
        ),
        sa.Column(
            "market_value_short_share",
            sa.Float(precision=53),
            nullable=True,
            comment="Market value: sum of negative exposures (a negative number), over NAV",
        ),
        sa.Column("market_value_gross_share", sa.Float(precision=53), nullable=True, comment="Market value: long - short, over NAV"),
        sa.Column("market_value_net_share", sa.Float(precision=53), nullable=True, comment="Market value: long + short, over NAV"),
        sa.Column("notional_long", sa.Float(precision=53), nullable=True, comment="Notional exposure: sum of positive exposures"),
        sa.Column(
            "notional_short",
            sa.Float(precision=53),
            nullable=True,
            comment="Notional exposure: sum of negative exposures (a negative number)",
        ),
        sa.Column("notional_gross", sa.Float(precision=53), nullable=True, comment="Notional exposure: long - short"),
        sa.Column("notional_net", sa.Float(precision=53), nullable=True, comment="Notional exposure: long + short"),
        sa.Column(
            "notional_long_share", sa.Float(precision=53), nullable=True, comment="Notional exposure: sum of positive exposures, over NAV"
        ),
        sa.Column(
            "notional_short_share",
            sa.Float(precision=53),
            nullable=True,
            comment="Notional exposure: sum of negative exposures (a negative number), over NAV",
        ),
        sa.Column("notional_gross_share", sa.Float(precision=53), nullable=True, comment="Notional exposure: long - short, over NAV"),
        sa.Column("notional_net_share", sa.Float(precision=53), nullable=True, comment="Notional exposure: long + short, over NAV"),
        sa.Column("delta_long", sa.Float(precision=53), nullable=True, comment="Delta exposure: sum of positive exposures"),
        sa.Column(
            "delta_short", sa.Float(precision=53), nullable=True, comment="Delta exposure: sum of negative exposures (a negative number)"
        ),
        sa.Column("delta_gross", sa.Float(precision=53), nullable=True, comment="Delta exposure: long - short"),
        sa.Column("delta_net", sa.Float(precision=53), nullable=True, comment="Delta exposure: long + short"),
        sa.Column("delta_long_share", sa.Float(precision=53), nullable=True, comment="Delta exposure: sum of positive exposures, over NAV"),
        sa.Column(
            "delta_short_share",
            sa.Float(precision=53),
            nullable=True,
            comment="Delta exposure: sum of negative exposures (a negative number), over NAV",
        ),
        sa.Column("delta_gross_share", sa.Float(precision=53), nullable=True, comment="Delta exposure: long - short, over NAV"),
        sa.Column("delta_net_share", sa.Float(precision=53), nullable=True, comment="Delta exposure: long + short, over NAV"),
        sa.Column("gamma_dollars_per_pct", sa.Float(precision=53), nullable=True, comment="Change of delta dollars per 1 % of spot"),
        sa.Column("theta_per_day", sa.Float(precision=53), nullable=True, comment="Change of value per calendar day"),
        sa.Column("vega_per_volpt", sa.Float(precision=53), nullable=True, comment="Change of value per 0.01 of volatility"),
        sa.Column("rho_per_pct", sa.Float(precision=53), nullable=True, comment="Change of value per 0.01 of rate"),
        sa.Column(
            "coverage",
            sa.Float(precision=53),
            nullable=True,
            comment="Share of the book that has a price: |MV| priced / (|MV| priced + |cost| missing)",
        ),
        sa.Column(
            "delta_coverage",
            sa.Float(precision=53),
            nullable=True,
            comment="Share of |notional| (|MV| without options) whose delta is known",
        ),
        sa.Column("n_positions", sa.Integer(), nullable=False, comment="Open lots"),
        sa.Column("n_missing", sa.Integer(), nullable=False, comment="Open lots without a price"),
        sa.Column("n_stale", sa.Integer(), nullable=False, comment="Open lots on an older close"),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("session", "portfolio_id", name=op.f("pk_portfolio_snapshots")),
        info={"grain": "one row per session and portfolio"},
    )
    with op.batch_alter_table("portfolio_snapshots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portfolio_snapshots_portfolio_id_session"), ["portfolio_id", "session"], unique=False)

    op.create_table(
        "position_values",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("lot_id", sa.Uuid(), nullable=False, comment="Lot of the ledger"),
        sa.Column(
            "symbol",
            sa.String(length=64),
            nullable=False,
            comment="Symbol as it stands on this session (an option series moves with splits)",
        ),
        sa.Column("asset_class", sa.String(length=32), nullable=False, comment="equity, option or private"),
        sa.Column("position_type", sa.String(length=32), nullable=False, comment="LONG, SHORT, LC, LP, SC or SP"),
        sa.Column("underlying", sa.String(length=64), nullable=False, comment="Underlying symbol"),
        sa.Column("event", sa.String(length=32), nullable=True, comment="How the lot ended on this session; NULL while it is open"),
        sa.Column(
            "quantity",
            sa.Float(precision=53),
            nullable=False,
            comment="Signed shares or contracts after splits; of the ended lot on its last session",
        ),
        sa.Column("multiplier", sa.Float(precision=53), nullable=False, comment="Shares per contract; 1 for a share"),
        sa.Column("entry_price", sa.Float(precision=53), nullable=False, comment="Price paid after splits"),
        sa.Column(
            "price", sa.Float(precision=53), nullable=True, comment="Price by the ladder; the exit or settlement price of an ended lot"
        ),
        sa.Column("price_status", sa.String(length=32), nullable=False, comment="ok, stale, model, appraisal or missing"),
        sa.Column("price_date", sa.Date(), nullable=True, comment="Session or date of the price"),
        sa.Column(
            "market_value", sa.Float(precision=53), nullable=True, comment="quantity x multiplier x price; NULL when missing or ended"
        ),
        sa.Column("cost_basis", sa.Float(precision=53), nullable=True, comment="quantity x multiplier x entry_price; NULL when ended"),
        sa.Column("unrealized_pnl", sa.Float(precision=53), nullable=True, comment="market_value - cost_basis"),
        sa.Column(
            "realized_pnl", sa.Float(precision=53), nullable=True, comment="Gain over the entry price of a lot that ended on this session"
        ),
        sa.Column(
            "pnl",
            sa.Float(precision=53),
            nullable=True,
            comment="Gain of the day by price, without dividends; NULL when a price is missing",
        ),
        sa.Column("dividends", sa.Float(precision=53), nullable=False, comment="Dividends of the day (negative for shorts)"),
        sa.Column(
            "coverage_change", sa.Float(precision=53), nullable=False, comment="Value that entered or left the priced part of the book"
        ),
        sa.Column(
            "notional_exposure", sa.Float(precision=53), nullable=True, comment="Options q x m x S, + calls, - puts; others market value"
        ),
        sa.Column("delta_dollars", sa.Float(precision=53), nullable=True, comment="Options q x m x delta x S; others market value"),
        sa.Column("gamma_dollars_per_pct", sa.Float(precision=53), nullable=True, comment="Change of delta_dollars per 1 % of spot"),
        sa.Column("theta_per_day", sa.Float(precision=53), nullable=True, comment="Change of value per calendar day"),
        sa.Column("vega_per_volpt", sa.Float(precision=53), nullable=True, comment="Change of value per 0.01 of volatility"),
        sa.Column("rho_per_pct", sa.Float(precision=53), nullable=True, comment="Change of value per 0.01 of rate"),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "lot_id", name=op.f("pk_position_values")),
        info={"grain": "one row per session, portfolio and lot held or ended on it"},
    )
    with op.batch_alter_table("position_values", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_position_values_portfolio_id_session"), ["portfolio_id", "session"], unique=False)

    op.create_table(
        "prices",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="Security symbol"),
        sa.Column("close", sa.Float(precision=53), nullable=True, comment="Closing price in the source's basis"),
        sa.Column("adj_close", sa.Float(precision=53), nullable=True, comment="Close adjusted for splits and dividends: returns use it"),
        sa.Column("dividend", sa.Float(precision=53), nullable=True, comment="Cash dividend with this ex-session"),
        sa.Column(
            "split_ratio", sa.Float(precision=53), nullable=True, comment="New shares per old share from this session on; 1 without a split"
        ),
        sa.Column("source", sa.String(length=64), nullable=False, comment="Where the price comes from"),
        sa.Column("price_basis", sa.String(length=32), nullable=False, comment="What close means"),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_prices")),
        info={"grain": "one row per session and symbol"},
    )
    with op.batch_alter_table("prices", schema=None) as batch_op:
        batch_op.create_index(
            "ix_prices_dividends",
            ["symbol", "session"],
            unique=False,
            sqlite_where=sa.text("dividend != 0"),
            postgresql_where=sa.text("dividend != 0"),
        )
        batch_op.create_index(
            "ix_prices_splits",
            ["symbol", "session"],
            unique=False,
            sqlite_where=sa.text("split_ratio != 1"),
            postgresql_where=sa.text("split_ratio != 1"),
        )

    op.create_table(
        "security_master",
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="Security symbol"),
        sa.Column("name", sa.String(length=200), nullable=True, comment="Name of the security"),
        sa.Column("asset_class", sa.String(length=32), nullable=True, comment="equity, fund, index or basket"),
        sa.Column("sector", sa.String(length=64), nullable=True, comment="GICS sector, or NULL"),
        sa.Column("industry", sa.String(length=200), nullable=True),
        sa.Column("exchange", sa.String(length=64), nullable=True),
        sa.Column("fund_category", sa.String(length=64), nullable=True, comment="Asset class of a fund's holdings"),
        sa.Column("fund_company", sa.String(length=100), nullable=True, comment="Who runs a fund"),
        sa.Column("source", sa.String(length=64), nullable=False, comment="Where the row comes from"),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_security_master")),
        info={"grain": "one row per security"},
    )
    op.create_table(
        "treasury_yields",
        sa.Column("session", sa.Date(), nullable=False, comment="Trading session (XNYS)"),
        sa.Column("tenor_months", sa.Integer(), autoincrement=False, nullable=False, comment="Maturity in months"),
        sa.Column("par_yield", sa.Float(precision=53), nullable=True, comment="Treasury constant-maturity par yield, semi-annual"),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False, comment="ok, stale, partial, unavailable or quarantined"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="Why the status is not ok; NULL when it is"),
        sa.PrimaryKeyConstraint("session", "tenor_months", name=op.f("pk_treasury_yields")),
        info={"grain": "one row per session and tenor"},
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False, comment="Lower case"),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False, comment="user or admin"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('user', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "portfolios",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False, comment="Name in file names and commands"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False, comment="USD: the only one supported"),
        sa.Column("cash_balance", ExactDecimal(), nullable=False, comment="Stated cash at the close of cash_as_of, USD"),
        sa.Column("cash_as_of", sa.Date(), nullable=False, comment="Date as stated; a non-session rolls back"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency = 'USD'", name=op.f("ck_portfolios_currency")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_portfolios_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portfolios")),
        sa.UniqueConstraint("slug", name=op.f("uq_portfolios_slug")),
    )
    with op.batch_alter_table("portfolios", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_portfolios_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "tags",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False, comment="As the owner wrote it first"),
        sa.Column("name_key", sa.String(length=50), nullable=False, comment="The name in lower case: unique per owner"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_tags_owner_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("owner_id", "name_key", name=op.f("uq_tags_owner_id_name_key")),
    )
    op.create_table(
        "appraisals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="Security symbol"),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("price_per_unit", ExactDecimal(), nullable=False, comment="USD per unit"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolios.id"], name=op.f("fk_appraisals_portfolio_id_portfolios"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appraisals")),
        sa.UniqueConstraint("portfolio_id", "symbol", "date", name=op.f("uq_appraisals_portfolio_id_symbol_date")),
    )
    op.create_table(
        "flows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False, comment="USD, positive into the portfolio"),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], name=op.f("fk_flows_portfolio_id_portfolios"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flows")),
    )
    with op.batch_alter_table("flows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flows_portfolio_id_date"), ["portfolio_id", "date"], unique=False)

    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="lots, flows or appraisals"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the normalised rows"),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("rows_added", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], name=op.f("fk_imports_portfolio_id_portfolios"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_imports_portfolio_id_kind_content_hash"), ["portfolio_id", "kind", "content_hash"], unique=False
        )

    op.create_table(
        "lots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False, comment="Portfolio"),
        sa.Column("symbol", sa.String(length=64), nullable=False, comment="Security symbol"),
        sa.Column("asset_class", sa.String(length=16), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False, comment="Signed shares or contracts, as of the entry date"),
        sa.Column("entry_price", ExactDecimal(), nullable=False, comment="USD per share, as of the entry date"),
        sa.Column("entry_date", sa.Date(), nullable=False),
        sa.Column("exit_date", sa.Date(), nullable=True),
        sa.Column("exit_price", ExactDecimal(), nullable=True, comment="USD per share, as of the exit date"),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="Order of entry into the ledger"),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(exit_date IS NULL) = (exit_price IS NULL)", name=op.f("ck_lots_exit_pair")),
        sa.ForeignKeyConstraint(["portfolio_id"], ["portfolios.id"], name=op.f("fk_lots_portfolio_id_portfolios"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["symbol", "asset_class"], ["instruments.symbol", "instruments.asset_class"], name=op.f("fk_lots_symbol_instruments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
    )
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lots_portfolio_id_ordinal"), ["portfolio_id", "ordinal"], unique=False)

    op.create_table(
        "lot_tags",
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_lot_tags_lot_id_lots"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_lot_tags_tag_id_tags"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lot_id", "tag_id", name=op.f("pk_lot_tags")),
    )
    with op.batch_alter_table("lot_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lot_tags_tag_id"), ["tag_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("lot_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lot_tags_tag_id"))

    op.drop_table("lot_tags")
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lots_portfolio_id_ordinal"))

    op.drop_table("lots")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_imports_portfolio_id_kind_content_hash"))

    op.drop_table("imports")
    with op.batch_alter_table("flows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flows_portfolio_id_date"))

    op.drop_table("flows")
    op.drop_table("appraisals")
    op.drop_table("tags")
    with op.batch_alter_table("portfolios", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_portfolios_owner_id"))

    op.drop_table("portfolios")
    op.drop_table("users")
    op.drop_table("treasury_yields")
    op.drop_table("security_master")
    with op.batch_alter_table("prices", schema=None) as batch_op:
        batch_op.drop_index("ix_prices_splits", sqlite_where=sa.text("split_ratio != 1"), postgresql_where=sa.text("split_ratio != 1"))
        batch_op.drop_index("ix_prices_dividends", sqlite_where=sa.text("dividend != 0"), postgresql_where=sa.text("dividend != 0"))

    op.drop_table("prices")
    with op.batch_alter_table("position_values", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_position_values_portfolio_id_session"))

    op.drop_table("position_values")
    with op.batch_alter_table("portfolio_snapshots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_portfolio_snapshots_portfolio_id_session"))

    op.drop_table("portfolio_snapshots")
    op.drop_table("portfolio_reports")
    op.drop_table("option_quotes")
    op.drop_table("option_greeks")
    op.drop_table("opening_cash")
    with op.batch_alter_table("materializations", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_materializations_portfolio",
            sqlite_where=sa.text("portfolio_id IS NOT NULL"),
            postgresql_where=sa.text("portfolio_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "uq_materializations_market", sqlite_where=sa.text("portfolio_id IS NULL"), postgresql_where=sa.text("portfolio_id IS NULL")
        )

    op.drop_table("materializations")
    with op.batch_alter_table("ledger_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_changes_portfolio_id_first_session"))

    op.drop_table("ledger_changes")
    op.drop_table("instruments")
