"""The version of every engine that a table's own is made of: raise it with each change that makes the engine's numbers differ.

Plain data, kept apart from the engines: who asks whether stored rows are current need not load what computes them.
"""

from __future__ import annotations

BLACK_SCHOLES = "1"
CASH = "1"
CORRELATION = "1"
CORRELATION_SUMMARY = "1"
FACTOR_BETAS = "1"
FACTOR_MODEL = "1"
FACTOR_RISK = "1"
LOT_VALUE = "1"
PERFORMANCE = "1"
PNL_EXPLAIN = "1"
REVALUATION = f"1.{BLACK_SCHOLES}"
STRESS = "1"
VALUE_AT_RISK = "1"
