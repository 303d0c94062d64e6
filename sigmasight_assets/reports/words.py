"""Reasons and short words in plain English, for people who read reports."""

from __future__ import annotations

from collections.abc import Sequence

NAMES = 6
"""Names listed in one remark."""

REASONS = {
    "c0_unresolved": "the cash of an earlier session cannot be derived from the stated balance, because a settlement has no price",
    "settlement_unpriced": "an option settled on a session for which its underlying has no close",
    "missing_prices": "open lots have no price",
    "missing_greeks": "options have no Greeks",
    "stale_prices": "lots are valued at an older close",
    "stale_price": "the last close is older than the session",
    "stale_spot": "the underlying's last close is older than the session",
    "unknown_symbol": "no provider knows the symbol",
    "no_price": "no close within five sessions",
    "no_greeks": "the option has no row of Greeks",
    "no_quote": "no usable quote, and no volatility to price it with",
    "no_spot": "the underlying has no close",
    "no_rate": "no Treasury curve within five sessions",
    "stale_pair": "the quote and the underlying's close are of different sessions",
    "below_intrinsic": "the quote is below the exercise value",
    "above_max": "the quote is above the largest possible value",
    "expired": "the option has expired",
    "price_jump": "a close more than ten times the last one waits for confirmation",
    "provider_has_none": "the provider has none",
    "not_published": "not published for the session",
    "not_materialized": "not computed",
    "nav_identity": "NAV does not move by P&L, flows and coverage changes alone",
    "sums_disagree": "the sides of an exposure do not add up",
    "not_finite": "a number is infinite",
    "uncovered_positions": "positions without betas are left out",
    "coverage_below_25pct": "less than a quarter of the gross exposure has betas",
    "nothing_covered": "no position has betas",
    "private_asset": "a private asset has no returns",
    "no_delta": "the position has no delta",
    "insufficient_history": "too few returns in the window",
    "singular_design": "the factors are combinations of each other",
    "rates_missing": "no yields in the window",
    "nav_unknown": "NAV is not known",
    "nav_not_positive": "NAV is not above 0",
    "fewer_than_two_names": "fewer than two names",
    "uncovered_holdings": "holdings without betas or without a year of returns are left out",
    "low_coverage": "less than a quarter of the book is covered",
    "no_betas": "no position has betas",
    "no_factor_model": "the factor model has no estimate for the session",
    "singular_covariance": "what the scenario states is linearly dependent in the window",
    "no_factor_returns": "a factor has no return on the day",
    "no_rates_change": "the change of the 10-year is not known",
    "no_comparison_yet": "there is no earlier value at risk to compare with",
    "zero_volatility": "the returns do not move",
    "no_losing_day_or_rate": "no day lost, or the bill rate is not known",
    "no_risk_free_rate": "the bill rate is not known",
    "absent_pairs": "pairs of names have fewer than 30 sessions in common",
}
"""Reason code of a table -> what it means."""

POSITION_TYPES = {
    "LONG": "long",
    "SHORT": "short",
    "LC": "long call",
    "LP": "long put",
    "SC": "short call",
    "SP": "short put",
}


def explained(reason: str | None) -> str:
    """A reason code in words; a code that is not listed is shown with blanks for its underscores."""
    return "no reason given" if reason is None else REASONS.get(reason, reason.replace("_", " "))


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
