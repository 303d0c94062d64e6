"""The code version of every table: what staleness compares and Dagster shows."""

from sigmasight_assets.calculations import cash, correlations, factor_returns, factor_risk, factors, market, options, positions, snapshots

CODE_VERSIONS: dict[str, str] = {
    "security_master": market.VERSION,
    "prices": market.VERSION,
    "treasury_yields": market.VERSION,
    "option_quotes": market.VERSION,
    "factor_returns": factor_returns.VERSION,
    "factor_loadings": factors.MODEL_VERSION,
    "factor_betas": factors.BETA_VERSION,
    "factor_covariance": factors.MODEL_VERSION,
    "opening_cash": cash.VERSION,
    "option_greeks": options.VERSION,
    "position_values": positions.VERSION,
    "portfolio_factor_risk": factor_risk.VERSION,
    "factor_exposures": factor_risk.VERSION,
    "position_correlations": correlations.VERSION,
    "portfolio_snapshots": snapshots.VERSION,
    "portfolio_reports": "2",
}
