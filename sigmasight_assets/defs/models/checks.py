"""Checks of the model assets."""

from sigmasight_assets.calculations.checks import portfolio
from sigmasight_assets.defs.checks import general_checks, store_check

CHECKS = [
    *general_checks("option_greeks"),
    store_check("option_greeks", "mibian", "Prices and Greeks equal mibian's to 1e-8 on a sample", portfolio.mibian_agrees),
    store_check("option_greeks", "valued", "Every option has Greeks", portfolio.options_valued),
]
