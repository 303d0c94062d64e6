"""Checks of the market assets."""

from sigmasight_assets.calculations.checks import market
from sigmasight_assets.defs.checks import general_checks, store_check

CHECKS = [
    *(check for table in ("security_master", "prices", "treasury_yields", "option_quotes") for check in general_checks(table)),
    store_check("prices", "no_gaps", "Every symbol has a close on every session after its first", market.price_gaps),
    store_check("prices", "no_jumps", "No close is 50 % away from the last one, splits aside", market.price_jumps),
    store_check("prices", "latest_session", "The provider's latest closed session is present", market.latest_session_of("prices")),
    store_check("treasury_yields", "curve_available", "Each session has a curve at most five sessions old", market.curve_available),
    store_check("option_quotes", "uncrossed", "No bid is above its ask", market.quotes_uncrossed),
]
