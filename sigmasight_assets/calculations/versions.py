"""The code version of every table: what staleness compares and Dagster shows."""

from sigmasight_assets.calculations import cash, market, options, positions, snapshots

CODE_VERSIONS: dict[str, str] = {
    "security_master": market.VERSION,
    "prices": market.VERSION,
    "treasury_yields": market.VERSION,
    "option_quotes": market.VERSION,
    "opening_cash": cash.VERSION,
    "option_greeks": options.VERSION,
    "position_values": positions.VERSION,
    "portfolio_snapshots": snapshots.VERSION,
    "portfolio_reports": "1",
}
