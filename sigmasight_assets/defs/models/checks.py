"""Checks of the model assets."""

from sigmasight_assets.calculations.checks import factors, portfolio
from sigmasight_assets.calculations.checks.market import latest_session_of
from sigmasight_assets.defs.checks import general_checks, store_check

TABLES = ("option_greeks", "factor_returns", "factor_loadings", "factor_betas", "factor_covariance")

CHECKS = [
    *(check for table in TABLES for check in general_checks(table)),
    store_check("option_greeks", "mibian", "Prices and Greeks equal mibian's to 1e-8 on a sample", portfolio.mibian_agrees),
    store_check("option_greeks", "valued", "Every option has Greeks", portfolio.options_valued),
    store_check(
        "factor_returns", "proxies", "Every factor has a proxy with a return on every session but the first", factors.proxies_present
    ),
    store_check("factor_returns", "latest_session", "The provider's latest closed session is present", latest_session_of("factor_returns")),
    store_check(
        "factor_loadings",
        "independent",
        "No session's factors are linearly dependent",
        factors.designs_independent,
        stops_the_run=True,
    ),
    store_check("factor_loadings", "not_collinear", "Every variance inflation factor is at most 10", factors.not_collinear),
    store_check("factor_betas", "statsmodels", "A sample of fits equals statsmodels' OLS", factors.statsmodels_agrees),
    store_check("factor_betas", "estimated", "Every symbol has betas", factors.betas_estimated),
    store_check(
        "factor_covariance", "semidefinite", "The covariance is symmetric and has no negative eigenvalue", factors.covariance_semidefinite
    ),
]
