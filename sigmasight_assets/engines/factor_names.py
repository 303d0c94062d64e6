"""The factors by name, in the order of every array of factors (docs/conventions.md §6)."""

from __future__ import annotations

FACTORS = ("market", "value", "growth", "momentum", "quality", "size", "low_volatility")
MARKET, VALUE, GROWTH = (FACTORS.index(name) for name in ("market", "value", "growth"))
RATES = "rates"
MODEL_FACTORS = (*FACTORS, RATES)
"""The eight factors of risk and scenarios: seven and the rates surprise."""
