"""The factor model and correlations: series, betas, moments, exposures, risk."""

from sqlalchemy import JSON, Boolean, Column, String, Table

from sigmasight_assets.store.columns import code, count, number, portfolio_column, session_column, status_columns, symbol_column
from sigmasight_assets.store.tables.metadata import METADATA

SERIES_KINDS = ("factor", "rates", "macro")
QUALITIES = ("full_history", "limited_history", "insufficient")
ROLES = ("factor", "sensitivity")
VIEWS = ("portfolio", "longs", "shorts")

factor_returns = Table(
    "factor_returns",
    METADATA,
    session_column(primary_key=True),
    code("series", "One of the seven factors, rates_10y, or a configured macro series", primary_key=True),
    code("kind", "factor, rates or macro", SERIES_KINDS, nullable=False),
    symbol_column(comment="Series used; NULL where the provider has none"),
    symbol_column("etf", "ETF that defines the factor"),
    Column("is_stand_in", Boolean, nullable=False, comment="Whether symbol stands in for the ETF"),
    number(
        "value",
        "Factor and macro: simple total return of the proxy; rates_10y: change of the 10-year par yield. Never over more than a session",
        "decimal",
    ),
    Column("members", JSON, comment="Instruments that a stand-in is made of; NULL where that is not known"),
    Column("source", String(64), comment="Where the series comes from"),
    *status_columns(),
    info={"grain": "one row per session and series"},
)

factor_loadings = Table(
    "factor_loadings",
    METADATA,
    session_column(primary_key=True),
    code("factor", "One of the seven factors", primary_key=True),
    number("market_loading", "Slope of the factor's ETF on the market in the window (1 for the market)", "ratio"),
    number("value_loading", "Slope of the growth ETF on the value factor; NULL for the others", "ratio"),
    number("vif", "Variance inflation factor among the seven", "ratio"),
    number(
        "gamma", "Change of the 10-year that goes with a factor return of 1.00: the rates surprise is what is left", "percentage points"
    ),
    number("condition_number", "Of the seven z-scored factors, 2-norm; the same for all rows of the session", "ratio"),
    count("n_obs", "Sessions of the window on which all seven have a return", "sessions", nullable=False),
    count("rates_n_obs", "Sessions of the regression behind gamma", "sessions", nullable=False),
    number("rates_r_squared", "R² of the regression behind gamma; the same for all rows of the session", "decimal"),
    *status_columns(),
    info={"grain": "one row per session and factor"},
)

factor_betas = Table(
    "factor_betas",
    METADATA,
    session_column(primary_key=True),
    symbol_column(primary_key=True),
    code("factor", "One of the seven, rates, rates_market_only, or a macro series", primary_key=True),
    number("beta", "Return per 1.00 of the factor; rates and rates_market_only: return per +100 bp of the 10-year", "ratio"),
    number("std_error", "Of beta; 0 for an exact fit", "ratio"),
    number("t_stat", "beta / std_error; NULL for an exact fit", "ratio"),
    number("r_squared", "Of the regression that beta comes from; NULL for an instrument that stands still", "decimal"),
    count("n_obs", "Sessions of that regression", "sessions", nullable=False),
    number("residual_vol", "Of that regression: sqrt(SSR / (n - parameters) x 252)", "decimal per year"),
    code("quality", "full_history (n >= 240), limited_history (60 to 239) or insufficient", QUALITIES, nullable=False),
    Column(
        "flags",
        String(100),
        comment="Of beta_outlier (|beta| > 3, never clipped), collinear (VIF > 10), proxy_contains_instrument, exact_fit, no_variation",
    ),
    *status_columns(),
    info={"grain": "one row per session, symbol and factor"},
)

factor_covariance = Table(
    "factor_covariance",
    METADATA,
    session_column(primary_key=True),
    Column("factors", JSON, nullable=False, comment="Names of the eight rows and columns: seven factors and rates (the surprise)"),
    Column(
        "covariance",
        JSON,
        comment="8 x 8, daily, ddof 1: rows of numbers; returns as decimals, rates in percentage points; null where rates are missing",
    ),
    Column("correlation", JSON, comment="7 x 7 of the factors: rows of numbers"),
    Column("etf_correlation", JSON, comment="7 x 7 of the ETFs' total returns: rows of numbers"),
    number("min_eigenvalue", "Smallest eigenvalue of covariance (of the seven factors' where rates are missing)", "daily variance"),
    count("n_obs", "Sessions behind the seven factors", "sessions", nullable=False),
    count("rates_n_obs", "Sessions behind the variance of rates", "sessions", nullable=False),
    *status_columns(),
    info={"grain": "one row per session"},
)

portfolio_factor_risk = Table(
    "portfolio_factor_risk",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    number("nav", "Net asset value that the shares are of", "USD"),
    number("beta", "Net market exposure / NAV", "ratio"),
    number("beta_std_error", "Of beta, from the standard errors of the underlyings' betas", "ratio"),
    number("predicted_volatility", "Annual volatility of the covered positions / NAV", "decimal per year"),
    number("predicted_volatility_dollars", "Annual volatility of the covered positions", "USD per year"),
    number("factor_variance", "Part of the annual variance that the eight factors carry", "USD squared per year"),
    number("specific_variance", "Part of the annual variance that is the underlyings' own", "USD squared per year"),
    number("factor_variance_share", "factor_variance / both", "share"),
    number("coverage", "Share of the gross delta exposure whose seven betas are known", "share"),
    number("risk_coverage", "Share of the gross delta exposure whose eight betas are known: what the volatility is of", "share"),
    number(
        "gross_exposure", "Sum of |delta dollars| (|notional| without a delta, |market value| of private assets)", "USD", nullable=False
    ),
    count("n_positions", "Open lots", "lots", nullable=False),
    count("n_covered", "Open lots whose underlying has betas", "lots", nullable=False),
    Column("lot_ids", JSON, nullable=False, comment="Open lots, in the order of the arrays below"),
    Column("symbols", JSON, nullable=False, comment="Symbol of each lot"),
    Column("underlyings", JSON, nullable=False, comment="Underlying of each lot"),
    Column("delta_dollars", JSON, nullable=False, comment="USD of each lot; null without a delta, and for private assets"),
    Column("uncovered_dollars", JSON, nullable=False, comment="USD that a lot counts for among what has no betas; 0 for a covered lot"),
    Column("uncovered_reasons", JSON, nullable=False, comment="Why a lot has no betas; null for a covered one"),
    Column("factors", JSON, nullable=False, comment="Factors, in the order of the columns of the next two"),
    Column("dollars", JSON, nullable=False, comment="Per lot, beta x delta dollars of each factor; nulls for an uncovered lot"),
    Column("std_errors", JSON, nullable=False, comment="Per lot, std_error x |delta dollars| of each factor"),
    Column("volatility_contributions", JSON, nullable=False, comment="USD per year of each lot; they add up to the predicted volatility"),
    *status_columns(),
    info={"grain": "one row per session and portfolio, with its positions packed as arrays"},
)

factor_exposures = Table(
    "factor_exposures",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    code("factor", "One of the eight factors, or a macro series", primary_key=True),
    code("role", "factor (part of the predicted risk) or sensitivity (a macro series, beside it)", ROLES, nullable=False),
    number("exposure_long", "Sum of beta x delta dollars of lots with delta dollars above 0; rates: USD per +100 bp", "USD"),
    number("exposure_short", "The same of lots with delta dollars below 0", "USD"),
    number("exposure_net", "exposure_long + exposure_short", "USD"),
    number("std_error_dollars", "Of exposure_net", "USD"),
    number("beta", "exposure_net / NAV", "ratio"),
    number("beta_long", "exposure_long / NAV", "ratio"),
    number("beta_short", "exposure_short / NAV", "ratio"),
    number("std_error", "Of beta", "ratio"),
    number("variance_contribution", "To the annual variance: 252 x exposure_net x (covariance x exposures)", "USD squared per year"),
    number("volatility_contribution", "To the predicted volatility in dollars; with the specific part they add up", "USD per year"),
    number("variance_share", "variance_contribution / total variance", "share"),
    number("coverage", "Share of the gross delta exposure that has this factor's beta", "share"),
    *status_columns(),
    info={"grain": "one row per session, portfolio and factor"},
)

position_correlations = Table(
    "position_correlations",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    code("view", "portfolio, longs or shorts (by the sign of netted delta dollars)", VIEWS, primary_key=True),
    count("window", "Returns asked for", "sessions", nullable=False),
    count("n_names", "Underlyings in the matrix", "names", nullable=False),
    count("n_obs", "Fewest sessions that a known pair has in common; 0 without a pair", "sessions", nullable=False),
    number("average_correlation", "Unweighted mean of the upper triangle's known pairs", "ratio"),
    number("effective_number", "1 / sum of w_i w_j rho_ij, w the names' shares of |delta dollars|; names without an absent pair", "names"),
    number("min_eigenvalue", "Of the estimated matrix of those names, before a repair", "ratio"),
    Column("repaired", Boolean, nullable=False, comment="Replaced by the nearest correlation matrix: min_eigenvalue was below -1e-8"),
    number("concentration", "Share of the names' |delta dollars| that lies in clusters", "share"),
    count("n_clusters", "Groups of two or more names linked at 0.7 or more", "clusters", nullable=False),
    number("coverage", "Share of the view's |netted delta dollars| that the names without an absent pair are", "share"),
    Column("names", JSON, nullable=False, comment="Underlyings, largest |delta dollars| first"),
    Column("delta_dollars", JSON, nullable=False, comment="Netted, USD, of each name"),
    Column("correlations", JSON, nullable=False, comment="Upper triangle by rows without the diagonal; null for an absent pair"),
    Column("clusters", JSON, nullable=False, comment="name, named_by (sector, tag or largest), members, share, average_correlation"),
    *status_columns(),
    info={"grain": "one row per session, portfolio and view"},
)
