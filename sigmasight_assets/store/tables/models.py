"""Model outputs that do not depend on who holds a security."""

from sqlalchemy import Column, Date, Table

from sigmasight_assets.store.columns import code, number, session_column, status_columns, symbol_column
from sigmasight_assets.store.tables.metadata import METADATA

IV_SOURCES = ("quote", "chain", "carried", "neighbour", "realized_63")
OPTION_PRICE_STATUSES = ("ok", "model", "missing")

option_greeks = Table(
    "option_greeks",
    METADATA,
    session_column(primary_key=True),
    symbol_column(primary_key=True, comment="OSI symbol of the series as it stands on this session"),
    symbol_column("underlying", "Underlying symbol", nullable=False),
    Column("expiry", Date, nullable=False),
    number("strike", "Strike, adjusted for splits since entry", "USD per share", nullable=False),
    code("option_type", "C or P", ("C", "P"), nullable=False),
    code("exercise_style", "american (priced European for now) or european", ("american", "european"), nullable=False),
    code("model", "Pricing model", ("black_scholes_merton",), nullable=False),
    number("years", "Time to expiry, ACT/365; 0 on the settlement session", "years", nullable=False),
    number("spot", "Underlying close used", "USD per share"),
    Column("spot_date", Date, comment="Session of that close"),
    number("rate", "Continuous zero rate to expiry, from the Treasury par curve", "decimal per year"),
    Column("rate_date", Date, comment="Session of the curve used"),
    number("dividend_yield", "Dividends of 252 sessions over spot", "decimal per year"),
    code(
        "dividend_yield_source",
        "trailing_252, short_window, or none (0: no dividend known)",
        ("trailing_252", "short_window", "none"),
    ),
    number("price", "Price by the ladder: mid, close, model", "USD per share"),
    code("price_status", "ok, model or missing", OPTION_PRICE_STATUSES, nullable=False),
    code("price_source", "mid, close or model", ("mid", "close", "model")),
    number("model_price", "Black-Scholes-Merton value at iv", "USD per share"),
    number("iv", "Implied volatility by the ladder", "decimal per year"),
    code("iv_source", "Which rung of the ladder gave iv", IV_SOURCES),
    Column("iv_date", Date, comment="Session of the quote behind iv"),
    code(
        "iv_reason",
        "Why iv is not the quote's own: no_quote, below_intrinsic, above_max, stale_pair, no_spot, no_rate, expired",
    ),
    number("delta", "Per share of the underlying", "shares"),
    number("gamma", "Change of delta per 1 USD of spot", "shares per USD"),
    number("theta_per_day", "Change of value per calendar day", "USD per share and day"),
    number("vega_per_volpt", "Change of value per 0.01 of volatility", "USD per share"),
    number("rho_per_pct", "Change of value per 0.01 of rate", "USD per share"),
    number("intrinsic", "Exercise value at spot", "USD per share"),
    number(
        "early_exercise_value_bound",
        "max(0, intrinsic - price): what European pricing of an American option may miss",
        "USD per share",
    ),
    *status_columns(),
    info={"grain": "one row per session and option series held by any portfolio"},
)
