"""Risk of portfolios: scenarios, value at risk, performance, and where a day's gain came from."""

from sqlalchemy import JSON, Column, Date, Index, String, Table

from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.scenarios.definition import CATEGORIES, SEVERITIES
from sigmasight_assets.store.columns import (
    PackedFloats,
    code,
    count,
    number,
    portfolio_column,
    session_column,
    status_columns,
)
from sigmasight_assets.store.tables.metadata import METADATA

MODES = ("direct", "correlated")
SHIPPED = "shipped"
PNL_TERMS = (*FACTORS, "rates_surprise", "volatility", "curve", "floor", "non_linear")
"""What a stressed gain is made of: eight factors at delta, volatility (vega), the curve (rho), the −100 % floor, and what is not linear."""
ASSET_CLASSES = ("equity", "option", "private")


def _described() -> tuple[Column[str], ...]:
    return (
        code("category", "Kind of scenario", CATEGORIES, nullable=False),
        code("severity", "The author's label", SEVERITIES, nullable=False),
    )


def _scenario_key() -> tuple[Column[str], ...]:
    return (
        Column("scenario_id", String(48), primary_key=True, comment="Short name of the scenario"),
        code("mode", "direct: what is not stated does not move; correlated: it moves to its conditional mean", MODES, primary_key=True),
    )


scenario_shocks = Table(
    "scenario_shocks",
    METADATA,
    session_column(primary_key=True),
    Column("scope", String(32), primary_key=True, comment="shipped, or the id of the user who owns the scenario (32 hexadecimal digits)"),
    *_scenario_key(),
    Column("name", String(100), nullable=False, comment="Name of the scenario"),
    *_described(),
    *(number(name, f"Move of the factor {name.replace('_', ' ')}", "decimal") for name in FACTORS),
    number("rates_surprise", "Move of the rates surprise: change of the 10-year beyond what the factors imply", "100 bp"),
    number("rates_bp", "Change of the curve, parallel; in the direct mode 0 unless stated", "bp"),
    number("iv_change", "Relative change of 30-day implied volatility; never propagated, 0 unless stated", "decimal"),
    Column("factor_deviation", PackedFloats, comment="Conditional standard deviation of the eight factors, one session; NULL when direct"),
    Column("open_covariance", PackedFloats, comment="Conditional covariance of the eight factors, 8 x 8, one session; NULL when direct"),
    number("mahalanobis", "Distance of the stated facts, in annual standard deviations", "standard deviations"),
    code("flag", "implausible_shock: mahalanobis above 4; a fact about the scenario", ("implausible_shock",)),
    Column("stated", JSON, nullable=False, comment="Variable -> value as stated or measured, of shocks, returns, rates_bp and iv_change"),
    Column("sources", JSON, nullable=False, comment="Variable -> measured (with its series), stated or unspecified"),
    *status_columns(),
    info={"grain": "one row per session, scenario and mode"},
)

market_scenarios = Table(
    "market_scenarios",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    Column("scenario_id", String(48), primary_key=True, comment="market_down_20 … rates_up_300bp"),
    code("variable", "market or rates", ("market", "rates"), nullable=False),
    number("market_shock", "Move of the market; NULL where rates move", "decimal"),
    number("rates_bp", "Change of the 10-year and of the curve; NULL where the market moves", "bp"),
    number("pnl", "Gain by full revaluation", "USD"),
    number("pnl_linear", "Gain at delta and rho", "USD"),
    number("pnl_share", "pnl over NAV", "share of NAV"),
    number("pnl_gross_share", "pnl over gross market value", "share of gross"),
    number("coverage", "Share of the book that the figures are of", "share"),
    *status_columns(),
    info={"grain": "one row per session, portfolio and point of the grid"},
)

stress_results = Table(
    "stress_results",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    *_scenario_key(),
    *_described(),
    number("pnl", "Gain by full revaluation", "USD"),
    number("pnl_linear", "delta$ x u + vega x change of volatility + rho x change of rates", "USD"),
    number("pnl_share", "pnl over NAV", "share of NAV"),
    number("pnl_gross_share", "pnl over gross market value", "share of gross"),
    number("pnl_deviation", "One-session standard deviation that the facts leave open, at delta and rho; NULL when direct", "USD"),
    code("impact_band", "Band of max(0, -pnl) / NAV; NULL where NAV is not above 0", SEVERITIES),
    *(number(f"pnl_{name}", f"Part of pnl: {name.replace('_', ' ')}", "USD") for name in PNL_TERMS),
    *(number(f"pnl_{name}", f"Part of pnl: asset class {name}", "USD") for name in ASSET_CLASSES),
    number("mahalanobis", "Distance of the stated facts, in annual standard deviations", "standard deviations"),
    code("flag", "implausible_shock: mahalanobis above 4; a fact about the scenario", ("implausible_shock",)),
    number("coverage", "Share of the book that the figures are of", "share"),
    number("uncovered", "Size of what they are not of: |delta$|, else |notional|, else |cost|", "USD"),
    count("n_uncovered", "Lots that the figures are not of", "lots"),
    count("n_floored", "Lots whose underlying would lose more than everything", "lots"),
    Column("position_pnl", PackedFloats, comment="Gain of each open lot in order of lot_id; NaN where uncovered"),
    Column("positions_key", String(16), nullable=False, comment="Which lots position_pnl is of: a hash of their ids in order"),
    *status_columns(),
    Index(None, "portfolio_id", "session"),
    info={"grain": "one row per session, portfolio, scenario and mode"},
)

WINDOWS = (21, 63, 252)
PERIODS = ("1d", "1w", "1m", "3m", "1y", "mtd", "ytd")
LEVELS = (95, 99)
RATIOS = {
    "volatility": ("Annual volatility", "decimal per year"),
    "sharpe": ("Sharpe ratio", "ratio"),
    "sortino": ("Sortino ratio", "ratio"),
    "max_drawdown": ("Deepest fall of the return index in the window", "decimal"),
}


def _window_columns(prefix: str, of_what: str) -> list[Column[float]]:
    return [
        number(f"{prefix}{name}_{window}", f"{meaning}, {window} sessions, {of_what}", unit)
        for window in WINDOWS
        for name, (meaning, unit) in RATIOS.items()
    ]


risk_metrics = Table(
    "risk_metrics",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    *_window_columns("", "of the portfolio's returns"),
    *(count(f"n_obs_{window}", f"Returns in the {window}-session window", "returns", nullable=False) for window in WINDOWS),
    *_window_columns("position_", "of today's holdings over past returns"),
    *(number(f"return_{period}", f"Compounded return, {period}", "decimal") for period in PERIODS),
    *(number(f"var_{level}", f"Value at risk, 1 day, {level} %, historical", "USD") for level in LEVELS),
    *(number(f"es_{level}", f"Expected shortfall, 1 day, {level} %, historical", "USD") for level in LEVELS),
    *(Column(f"var_{level}_session", Date, comment=f"Session whose returns make the {level} % value at risk") for level in LEVELS),
    *(number(f"parametric_var_{level}", f"Value at risk, 1 day, {level} %, factors and specific risk", "USD") for level in LEVELS),
    count("n_scenarios", "Returns that today's holdings were put through", "returns", nullable=False),
    number("var_coverage", "Share of the book with all of those returns: what historical figures are of", "share"),
    number("beta_coverage", "Share of the book with betas: what parametric figures are of", "share"),
    number("hypothetical_pnl", "Gain of the day before's holdings by the day's returns, volatility and time fixed", "USD"),
    Column("lot_ids", JSON, nullable=False, comment="Open lots in order: what the components, and position_pnl of stress_results, are of"),
    Column("var_95_components", PackedFloats, comment="What each lot loses in the scenario of var_95; NaN where it is not covered"),
    Column("es_95_components", PackedFloats, comment="What each lot loses on average in the tail of es_95"),
    Column("var_99_components", PackedFloats, comment="As var_95_components, at 99 %"),
    Column("es_99_components", PackedFloats, comment="As es_95_components, at 99 %"),
    Column("parametric_var_95_components", PackedFloats, comment="Each lot's part of parametric_var_95"),
    Column("positions_key", String(16), nullable=False, comment="A hash of lot_ids"),
    Column("missing", JSON, nullable=False, comment="Metric that is NULL -> why"),
    *status_columns(),
    Index(None, "portfolio_id", "session"),
    info={"grain": "one row per session and portfolio"},
)

var_exceptions = Table(
    "var_exceptions",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    code("level", "Confidence of the value at risk, in percent", tuple(str(level) for level in LEVELS), primary_key=True),
    number("var_previous", "Value at risk of the session before", "USD"),
    number("hypothetical_pnl", "Gain of the day before's holdings by the day's returns", "USD"),
    code("outcome", "exception: hypothetical_pnl below -var_previous; NULL where either is missing", ("exception", "within")),
    count("n_exceptions", "Exceptions in the last 252 sessions", "sessions", nullable=False),
    count("n_obs", "Sessions of those that could be judged", "sessions", nullable=False),
    count("band_low", "Lowest number that the binomial 95 % band holds", "sessions", nullable=False),
    count("band_high", "Highest number that it holds", "sessions", nullable=False),
    number("kupiec_p_value", "Probability of a number so far from the expected one (Kupiec's test)", "probability"),
    *status_columns(),
    info={"grain": "one row per session, portfolio and confidence level"},
)

EXPLAIN_TERMS = {
    "delta": "moves of underlyings, at the day before's delta",
    "gamma": "half gamma times their square",
    "vega": "changes of implied volatility",
    "theta": "calendar days elapsed",
    "rho": "changes of rates",
    "iv_source": "volatility taken from another source than the day before",
    "appraisals": "new marks of private assets",
    "trades": "lots entered or exited on the day",
    "settlements": "options settled on the day",
    "dividends": "dividends",
    "residual": "what the terms do not explain",
}
FACTOR_TERMS = {
    "specific": "what the factors do not explain of covered underlyings",
    "non_linear": "options beyond their delta",
    "trades": "lots entered or exited on the day",
    "settlements": "options settled on the day",
    "dividends": "dividends",
    "uncovered": "lots without betas",
}

pnl_attribution = Table(
    "pnl_attribution",
    METADATA,
    session_column(primary_key=True),
    portfolio_column(primary_key=True),
    number("pnl", "Gain of the day, as in the snapshot", "USD", nullable=False),
    number("pnl_gross", "Sum of the sizes of the lots' gains", "USD", nullable=False),
    number("gross_value", "Gross market value at both closes, which rounding is measured by", "USD", nullable=False),
    *(number(f"explain_{name}", f"P&L explain: {meaning}", "USD", nullable=False) for name, meaning in EXPLAIN_TERMS.items()),
    *(number(f"factor_{name}", f"By factor: {name.replace('_', ' ')}; NULL where its return is unknown", "USD") for name in FACTORS),
    number("factor_rates_surprise", "By factor: rates surprise; NULL where it is unknown", "USD"),
    *(number(f"factor_{name}", f"By factor: {meaning}", "USD") for name, meaning in FACTOR_TERMS.items()),
    number("factor_coverage", "Share of the size held through the day that has betas", "share"),
    count("days", "Calendar days since the session before", "days", nullable=False),
    *status_columns(),
    Index(None, "portfolio_id", "session"),
    info={"grain": "one row per session and portfolio"},
)
