"""Checks of the risk assets."""

from sigmasight_assets.calculations.checks import risk
from sigmasight_assets.defs.checks import general_checks, store_check

CHECKS = [
    *(check for table in ("portfolio_factor_risk", "factor_exposures", "position_correlations") for check in general_checks(table)),
    store_check("portfolio_factor_risk", "contributions", "Contributions of positions add up to the volatility", risk.positions_add_up),
    store_check("factor_exposures", "positions_add_up", "Positions add up to the portfolio, factor by factor", risk.exposures_add_up),
    store_check("factor_exposures", "contributions", "Factor and specific contributions add up to the volatility", risk.factors_add_up),
    store_check("position_correlations", "semidefinite", "No matrix has an eigenvalue below -1e-8", risk.matrices_semidefinite),
]
