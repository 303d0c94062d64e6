"""Portfolio numbers: what each lot and each portfolio is worth, gained and is exposed to on a session."""

from sqlalchemy import JSON, Column, Date, Index, String, Table, Uuid

from sigmasight_assets.store.columns import (
    ExactDecimal,
    code,
    count,
    number,
    portfolio_column,
    session_column,
    status_columns,
    symbol_column,
)
from sigmasight_assets.store.tables.metadata import METADATA

POSITION_TYPES = ("LONG", "SHORT", "LC", "LP", "SC", "SP")
PRICE_STATUSES = ("ok", "stale", "model", "appraisal", "missing")
EVENTS = ("exited", "exercised", "assigned", "expired_worthless", "settled_unpriced")

opening_cash = Table(
    "opening_cash",
    METADATA,
    portfolio_column(primary_key=True),
    Column("cash_as_of", Date, nullable=False, comment="Session of the stated balance"),
    Column("stated_cash", ExactDecimal, nullable=False, comment="Balance the owner stated, USD"),
    number("opening_cash", "C0: cash before the first event, so that cash equals the stated balance", "USD"),
    *status_columns(),
    info={"grain": "one row per portfolio"},
)

position_values = Table(
    "position_values",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    Column("lot_id", Uuid, primary_key=True, comment="Lot of the ledger"),
    symbol_column(nullable=False, comment="Symbol as it stands on this session (an option series moves with splits)"),
    code("asset_class", "equity, option or private", ("equity", "option", "private"), nullable=False),
    code("position_type", "LONG, SHORT, LC, LP, SC or SP", POSITION_TYPES, nullable=False),
    symbol_column("underlying", "Underlying symbol", nullable=False),
    code("event", "How the lot ended on this session; NULL while it is open", EVENTS),
    number(
        "quantity",
        "Signed shares or contracts after splits; of the ended lot on its last session",
        "shares",
        nullable=False,
    ),
    number("multiplier", "Shares per contract; 1 for a share", "shares", nullable=False),
    number("entry_price", "Price paid after splits", "USD per share", nullable=False),
    number("price", "Price by the ladder; the exit or settlement price of an ended lot", "USD per share"),
    code("price_status", "ok, stale, model, appraisal or missing", PRICE_STATUSES, nullable=False),
    Column("price_date", Date, comment="Session or date of the price"),
    number("market_value", "quantity x multiplier x price; NULL when missing or ended", "USD"),
    number("cost_basis", "quantity x multiplier x entry_price; NULL when ended", "USD"),
    number("unrealized_pnl", "market_value - cost_basis", "USD"),
    number("realized_pnl", "Gain over the entry price of a lot that ended on this session", "USD"),
    number("pnl", "Gain of the day by price, without dividends; NULL when a price is missing", "USD"),
    number("dividends", "Dividends of the day (negative for shorts)", "USD", nullable=False),
    number("coverage_change", "Value that entered or left the priced part of the book", "USD", nullable=False),
    number("notional_exposure", "Options q x m x S, + calls, - puts; others market value", "USD"),
    number("delta_dollars", "Options q x m x delta x S; others market value", "USD"),
    number("gamma_dollars_per_pct", "Change of delta_dollars per 1 % of spot", "USD"),
    number("theta_per_day", "Change of value per calendar day", "USD per day"),
    number("vega_per_volpt", "Change of value per 0.01 of volatility", "USD"),
    number("rho_per_pct", "Change of value per 0.01 of rate", "USD"),
    *status_columns(),
    Index(None, "portfolio_id", "session"),
    info={"grain": "one row per session, portfolio and lot held or ended on it"},
)


def _exposure_family(family: str, meaning: str) -> tuple[Column[float], ...]:
    sides = {
        "long": "sum of positive exposures",
        "short": "sum of negative exposures (a negative number)",
        "gross": "long - short",
        "net": "long + short",
    }
    amounts = (number(f"{family}_{side}", f"{meaning}: {text}", "USD") for side, text in sides.items())
    shares = (number(f"{family}_{side}_share", f"{meaning}: {text}, over NAV", "share of NAV") for side, text in sides.items())
    return (*amounts, *shares)


EXPOSURE_FAMILIES = ("market_value", "notional", "delta")

portfolio_snapshots = Table(
    "portfolio_snapshots",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    number("nav", "cash + sum of market values", "USD"),
    number("nav_previous", "NAV of the session before, computed afresh", "USD"),
    number("cash", "Cash; negative is margin", "USD"),
    number("pnl", "Gain of the day: prices and dividends", "USD", nullable=False),
    number("pnl_long", "Gain of the day of long lots (quantity above 0)", "USD", nullable=False),
    number("pnl_short", "Gain of the day of short lots", "USD", nullable=False),
    number("dividends", "Dividends of the day, part of pnl", "USD", nullable=False),
    number("flows", "Money the owner put in (+) or took out (-) on the session", "USD", nullable=False),
    number("coverage_change", "Value that entered or left the priced part of the book", "USD", nullable=False),
    number(
        "daily_return",
        "pnl / (nav_previous + flows + coverage_change); NULL when the denominator is not above 0",
        "decimal",
    ),
    number("year_pnl", "Sum of pnl from the first session of the calendar year", "USD"),
    number("unrealized_pnl", "Sum over open priced lots", "USD", nullable=False),
    number("realized_pnl", "Gain over entry prices of all lots ended so far", "USD"),
    *_exposure_family("market_value", "Market value"),
    *_exposure_family("notional", "Notional exposure"),
    *_exposure_family("delta", "Delta exposure"),
    number("gamma_dollars_per_pct", "Change of delta dollars per 1 % of spot", "USD"),
    number("theta_per_day", "Change of value per calendar day", "USD per day"),
    number("vega_per_volpt", "Change of value per 0.01 of volatility", "USD"),
    number("rho_per_pct", "Change of value per 0.01 of rate", "USD"),
    number("coverage", "Share of the book that has a price: |MV| priced / (|MV| priced + |cost| missing)", "share"),
    number("delta_coverage", "Share of |notional| (|MV| without options) whose delta is known", "share"),
    number("beta", "Net market exposure / NAV, of the covered part (factor_coverage)", "ratio"),
    number("predicted_volatility", "By the factor model, of the covered part, as a share of NAV", "decimal per year"),
    number("factor_coverage", "Share of the gross delta exposure that has betas", "share"),
    number("average_correlation", "Unweighted mean over pairs of underlyings, 90 sessions", "ratio"),
    code("factor_reason", "Why beta or predicted_volatility is missing, or of a part only; NULL when neither"),
    code("correlation_reason", "Why average_correlation is missing, or of some pairs only; NULL when neither"),
    count("n_positions", "Open lots", "lots", nullable=False),
    count("n_missing", "Open lots without a price", "lots", nullable=False),
    count("n_stale", "Open lots on an older close", "lots", nullable=False),
    *status_columns(),
    Index(None, "portfolio_id", "session"),
    info={"grain": "one row per session and portfolio"},
)

portfolio_reports = Table(
    "portfolio_reports",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    Column("sections", JSON, nullable=False, comment="Section -> status, reason and as_of"),
    Column(
        "files",
        JSON,
        comment="Format -> path, bytes and SHA-256 of what was written; NULL: not written for this session",
    ),
    Column("content_hash", String(64), nullable=False, comment="SHA-256 of the collected report"),
    *status_columns(),
    info={"grain": "one row per session and portfolio"},
)
