"""All tables by domain, on one metadata."""

from sigmasight_assets.store.tables.access import activity, api_tokens
from sigmasight_assets.store.tables.corrections import confirmed_prices, restatements
from sigmasight_assets.store.tables.factors import (
    factor_betas,
    factor_covariance,
    factor_exposures,
    factor_loadings,
    factor_returns,
    portfolio_factor_risk,
    position_correlations,
)
from sigmasight_assets.store.tables.ledger import (
    appraisals,
    flows,
    imports,
    instruments,
    ledger_changes,
    lot_tags,
    lots,
    portfolios,
    tags,
    users,
)
from sigmasight_assets.store.tables.market import option_quotes, prices, security_master, treasury_yields
from sigmasight_assets.store.tables.metadata import METADATA
from sigmasight_assets.store.tables.models import option_greeks
from sigmasight_assets.store.tables.operations import check_results, operations
from sigmasight_assets.store.tables.portfolio import (
    opening_cash,
    portfolio_reports,
    portfolio_snapshots,
    position_values,
)
from sigmasight_assets.store.tables.provenance import materializations
from sigmasight_assets.store.tables.risk import (
    market_scenarios,
    pnl_attribution,
    risk_metrics,
    scenario_shocks,
    stress_results,
    var_exceptions,
)
from sigmasight_assets.store.tables.scenarios import private_proxies, user_scenarios

__all__ = [
    "METADATA",
    "activity",
    "api_tokens",
    "appraisals",
    "check_results",
    "confirmed_prices",
    "factor_betas",
    "factor_covariance",
    "factor_exposures",
    "factor_loadings",
    "factor_returns",
    "flows",
    "imports",
    "instruments",
    "ledger_changes",
    "lot_tags",
    "lots",
    "market_scenarios",
    "materializations",
    "opening_cash",
    "operations",
    "option_greeks",
    "option_quotes",
    "pnl_attribution",
    "portfolio_factor_risk",
    "portfolio_reports",
    "portfolio_snapshots",
    "portfolios",
    "position_correlations",
    "position_values",
    "prices",
    "private_proxies",
    "restatements",
    "risk_metrics",
    "scenario_shocks",
    "security_master",
    "stress_results",
    "tags",
    "treasury_yields",
    "user_scenarios",
    "users",
    "var_exceptions",
]
