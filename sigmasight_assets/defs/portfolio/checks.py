"""Checks of the portfolio assets."""

from sigmasight_assets.calculations.checks import portfolio, risk
from sigmasight_assets.calculations.checks.market import latest_session_of
from sigmasight_assets.defs.checks import general_checks, store_check

CHECKS = [
    *(check for table in ("opening_cash", "position_values", "portfolio_snapshots") for check in general_checks(table)),
    store_check("position_values", "priced", "Every open lot has a price", portfolio.lots_priced),
    store_check("portfolio_snapshots", "nav_identity", "NAV moves by P&L, flows and coverage changes alone", portfolio.nav_identity),
    store_check("portfolio_snapshots", "positions_add_up", "Positions sum to the portfolio", portfolio.positions_add_up),
    store_check("portfolio_snapshots", "stated_cash", "Cash at the as-of session is the stated balance", portfolio.stated_cash_holds),
    store_check("portfolio_snapshots", "same_risk", "NAV, beta and volatility are those of the factor risk", risk.snapshots_agree),
    store_check("portfolio_snapshots", "latest_session", "The latest session is present", latest_session_of("portfolio_snapshots")),
]
