"""The code version of every table: what staleness compares and Dagster shows.

The first figure is the calculation's own, with the engines that have none; raise it with each change that makes the table's rows differ.
Plain data: neither a calculation nor an engine is loaded for it.
"""

from __future__ import annotations

from sigmasight_assets.engines import versions as engine

_MARKET = "1"
_FACTOR_RETURNS = "1"
_FACTOR_MODEL = f"1.{_FACTOR_RETURNS}.{engine.FACTOR_MODEL}"
_FACTOR_BETAS = f"{_FACTOR_MODEL}.{engine.FACTOR_BETAS}"
_FACTOR_RISK = f"1.{_FACTOR_BETAS}.{engine.FACTOR_RISK}"
_STRESS = f"2.{engine.STRESS}.{engine.REVALUATION}"

CODE_VERSIONS: dict[str, str] = {
    "security_master": _MARKET,
    "prices": _MARKET,
    "treasury_yields": _MARKET,
    "option_quotes": _MARKET,
    "factor_returns": _FACTOR_RETURNS,
    "factor_loadings": _FACTOR_MODEL,
    "factor_betas": _FACTOR_BETAS,
    "factor_covariance": _FACTOR_MODEL,
    "opening_cash": f"1.{engine.CASH}",
    "option_greeks": f"1.{engine.BLACK_SCHOLES}",
    "position_values": f"1.{engine.LOT_VALUE}",
    "portfolio_factor_risk": _FACTOR_RISK,
    "factor_exposures": _FACTOR_RISK,
    "position_correlations": f"1.{engine.CORRELATION}.{engine.CORRELATION_SUMMARY}",
    "portfolio_snapshots": f"2.{engine.LOT_VALUE}",
    "scenario_shocks": f"1.{engine.STRESS}",
    "market_scenarios": _STRESS,
    "stress_results": _STRESS,
    "risk_metrics": f"1.{engine.VALUE_AT_RISK}.{engine.PERFORMANCE}",
    "var_exceptions": engine.VALUE_AT_RISK,
    "pnl_attribution": f"1.{engine.PNL_EXPLAIN}",
    "portfolio_reports": "4",
}
