"""Embedded market data and the demonstration portfolios (LICENCES.md)."""

from __future__ import annotations

import uuid


def demo_portfolio_id(slug: str) -> uuid.UUID:
    """The id that a demonstration portfolio has in every deployment, so that an example of the API works on each."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"https://sigmasight.com/demo/{slug}")
