"""Jobs: the market's assets and the book's; a run has one partitions definition, so they are two."""

import dagster as dg

from sigmasight_assets.defs.partitions import BOOK_SESSIONS, MARKET_SESSIONS
from sigmasight_assets.store.lineage import BOOK, MARKET

market_data = dg.define_asset_job(
    "market_data",
    selection=dg.AssetSelection.assets(*MARKET),
    partitions_def=MARKET_SESSIONS,
    description="Security master, prices, yields, option quotes and factor series of a range of sessions.",
)
book = dg.define_asset_job(
    "book",
    selection=dg.AssetSelection.assets(*BOOK),
    partitions_def=BOOK_SESSIONS,
    description="Everything made of market data and the ledger: betas, Greeks, values, exposures, correlations, snapshots, reports.",
)
