"""Checks of the risk assets."""

from sigmasight_assets.calculations.checks import performance, risk, stress
from sigmasight_assets.calculations.checks.market import latest_session_of
from sigmasight_assets.defs.checks import general_checks, store_check

TABLES = (
    "portfolio_factor_risk",
    "factor_exposures",
    "position_correlations",
    "scenario_shocks",
    "market_scenarios",
    "stress_results",
    "risk_metrics",
    "var_exceptions",
    "pnl_attribution",
)

CHECKS = [
    *(check for table in TABLES for check in general_checks(table)),
    store_check("portfolio_factor_risk", "contributions", "Contributions of positions add up to the volatility", risk.positions_add_up),
    store_check("factor_exposures", "positions_add_up", "Positions add up to the portfolio, factor by factor", risk.exposures_add_up),
    store_check("factor_exposures", "contributions", "Factor and specific contributions add up to the volatility", risk.factors_add_up),
    store_check("position_correlations", "semidefinite", "No matrix has an eigenvalue below -1e-8", risk.matrices_semidefinite),
    store_check("scenario_shocks", "facts_hold", "In both modes the moves are those that the scenario states", stress.facts_hold),
    store_check("market_scenarios", "exposures", "To first order the grid is the exposures and rho", stress.grid_agrees),
    store_check("stress_results", "all_scenarios", "Every book has a result for every shipped scenario", stress.all_scenarios_present),
    store_check("stress_results", "grid", "Scenarios that state a point of the grid have its result", stress.grid_and_scenarios_agree),
    store_check("stress_results", "mibian", "Options in the crash equal mibian on the shifted inputs to 1e-8", stress.options_equal_mibian),
    store_check("stress_results", "latest_session", "The latest session is present", latest_session_of("stress_results")),
    store_check("risk_metrics", "returns", "The return of the last day is the snapshot's", performance.returns_agree),
    store_check(
        "var_exceptions", "counted", "Exceptions are those of the stored days; bands exceeded are named", performance.exceptions_counted
    ),
    store_check("pnl_attribution", "shares_explained", "A day without options leaves no residual", performance.shares_fully_explained),
    store_check("pnl_attribution", "residual", "The median residual is at most 5 % of the gross gain", performance.residual_is_small),
]
