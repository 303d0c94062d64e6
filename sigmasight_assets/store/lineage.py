"""Which rows are made of which: the graph of tables as data.

`defs` builds Dagster's dependencies from it, `store.staleness` judges by it, and a test holds both against the loaded asset graph.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Sessions of an upstream table that a session of a downstream table reads, as offsets; None means without end."""

    first: int | None
    last: int | None = 0


SAME = Window(0)
SO_FAR = Window(None, 0)
"""Every session up to this one."""
UNTIL_AS_OF = Window(None, None)
"""Every session up to the one of the portfolio's stated cash, which may be a later one (only what fixes C0)."""
STALE_LIMIT = 5
"""Sessions that a close, a yield curve or an implied volatility may be carried."""
YEAR = 252
YEAR_TO_DATE = 253
"""No calendar year has more sessions."""
QUARTER_YEAR = 90
"""Returns of a correlation."""


@dataclass(frozen=True)
class Upstream:
    """One input of a table: a table, `table.facet`, or a facet of the ledger."""

    name: str
    window: Window = SAME

    @property
    def table(self) -> str:
        return self.name.split(".")[0]


LEDGER_BOOK = "ledger.book"
"""Lots, flows, appraisals and stated cash of a portfolio."""
LEDGER_CONTRACTS = "ledger.contracts"
"""Which option series anybody holds."""

LEDGER_SCENARIOS = "ledger.scenarios"
"""Everybody's own scenarios."""
LEDGER_PROXIES = "ledger.proxies"
"""What the private assets of a portfolio follow in a scenario."""
LEDGER_TAGS = "ledger.tags"
"""The tags of a portfolio's lots, by which clusters of its names are called."""
LEDGER_FACETS = {"book": True, "contracts": False, "scenarios": False, "proxies": True, "tags": True}
"""Facet of the ledger -> whether it is a portfolio's own."""

_NAV = (
    Upstream("position_values.ended", SO_FAR),
    Upstream("prices.actions", SO_FAR),
    Upstream("opening_cash"),
    Upstream(LEDGER_BOOK, SO_FAR),
)
"""What NAV is made of beside the session's position_values: cash, which every exit, settlement, dividend and flow so far has moved."""

_STRESSED = (
    Upstream("position_values"),
    Upstream("option_greeks"),
    Upstream("factor_betas"),
    Upstream("portfolio_snapshots"),
    Upstream(LEDGER_PROXIES, SO_FAR),
)
"""What a book under a scenario is made of."""

LINEAGE: dict[str, tuple[Upstream, ...]] = {
    "security_master": (),
    "prices": (),
    "treasury_yields": (),
    "option_quotes": (),
    "factor_returns": (Upstream("prices", Window(-1)), Upstream("treasury_yields", Window(-1))),
    "factor_loadings": (Upstream("factor_returns", Window(-(YEAR - 1))),),
    "factor_betas": (Upstream("factor_returns", Window(-(YEAR - 1))), Upstream("prices", Window(-YEAR))),
    "factor_covariance": (Upstream("factor_returns", Window(-(YEAR - 1))),),
    "opening_cash": (Upstream("prices", UNTIL_AS_OF), Upstream(LEDGER_BOOK, UNTIL_AS_OF)),
    "option_greeks": (  # a volatility is carried for five sessions, with the dividends and the curve of the session it is from
        Upstream("prices", Window(-YEAR - STALE_LIMIT)),
        Upstream("prices.actions", SO_FAR),
        Upstream("treasury_yields", Window(-2 * STALE_LIMIT)),
        Upstream("option_quotes", Window(-STALE_LIMIT)),
        Upstream(LEDGER_CONTRACTS, SO_FAR),
    ),
    "position_values": (
        Upstream("prices", Window(-STALE_LIMIT - 1)),
        Upstream("prices.actions", SO_FAR),
        Upstream("treasury_yields", Window(-2 * STALE_LIMIT - 1)),
        Upstream("option_quotes", Window(-STALE_LIMIT - 1)),
        Upstream("option_greeks", Window(-1)),
        Upstream(LEDGER_BOOK, SO_FAR),
    ),
    "portfolio_factor_risk": (Upstream("position_values"), Upstream("factor_betas"), Upstream("factor_covariance"), *_NAV),
    "factor_exposures": (
        Upstream("position_values"),
        Upstream("factor_betas"),
        Upstream("factor_covariance"),
        Upstream("portfolio_factor_risk"),
    ),
    "position_correlations": (
        Upstream("position_values"),
        Upstream("prices", Window(-QUARTER_YEAR)),
        Upstream("security_master"),
        Upstream(LEDGER_BOOK, SO_FAR),
        Upstream(LEDGER_TAGS, SO_FAR),
    ),
    "portfolio_snapshots": (
        Upstream("position_values", Window(-YEAR_TO_DATE)),
        Upstream("position_values.ended", SO_FAR),
        Upstream("prices", Window(-YEAR_TO_DATE - STALE_LIMIT)),
        Upstream("prices.actions", SO_FAR),
        Upstream("opening_cash"),
        Upstream(LEDGER_BOOK, SO_FAR),
        Upstream("portfolio_factor_risk"),
        Upstream("position_correlations.average"),
    ),
    "scenario_shocks": (
        Upstream("factor_loadings"),
        Upstream("factor_covariance"),
        Upstream("factor_returns"),
        Upstream("prices", SO_FAR),
        Upstream("treasury_yields", SO_FAR),
        Upstream(LEDGER_SCENARIOS, SO_FAR),
    ),
    "market_scenarios": _STRESSED,
    "stress_results": (Upstream("scenario_shocks"), Upstream("factor_loadings"), *_STRESSED),
    "risk_metrics": (
        Upstream("position_values", Window(-1)),
        Upstream("option_greeks", Window(-1)),
        Upstream("prices", Window(-YEAR - 1)),
        Upstream("portfolio_snapshots", Window(-YEAR)),
        Upstream("portfolio_factor_risk"),
        Upstream("treasury_yields", Window(-YEAR - 1 - STALE_LIMIT)),
    ),
    "var_exceptions": (Upstream("risk_metrics", Window(-YEAR)),),
    "pnl_attribution": (
        Upstream("position_values", Window(-1)),
        Upstream("option_greeks", Window(-1)),
        Upstream("portfolio_snapshots"),
        Upstream("factor_betas", Window(-1)),
        Upstream("factor_loadings", Window(-1)),
        Upstream("factor_returns", Window(-YEAR)),
        Upstream("prices", Window(-YEAR - 1)),
        Upstream("prices.actions", SO_FAR),
        Upstream("treasury_yields", Window(-STALE_LIMIT - 1)),
        Upstream("option_quotes", Window(-STALE_LIMIT - 1)),
        Upstream(LEDGER_BOOK, SO_FAR),
    ),
    "portfolio_reports": (
        Upstream("portfolio_snapshots", Window(-YEAR)),
        Upstream("factor_returns"),
        Upstream("factor_exposures", Window(-(YEAR - 1))),
        Upstream("scenario_shocks"),
        Upstream("market_scenarios"),
        Upstream("stress_results"),
        Upstream("risk_metrics", Window(-YEAR)),
        Upstream("var_exceptions"),
        Upstream("pnl_attribution"),
        Upstream("portfolio_factor_risk"),
        Upstream("position_correlations"),
        Upstream("position_values"),
        Upstream("option_greeks"),
        Upstream("security_master"),
        Upstream("prices", Window(-STALE_LIMIT)),
    ),
}
"""Table -> its inputs, in an order in which each table stands after its inputs."""

UNDATED = ("security_master", "opening_cash")
"""Tables without sessions."""
MARKET = ("security_master", "prices", "treasury_yields", "option_quotes", "factor_returns")
"""Tables on market sessions, for everybody."""
BOOK = tuple(table for table in LINEAGE if table not in MARKET)
"""Tables that follow from market data and the ledger, on book sessions or undated."""
BY_PORTFOLIO = (
    "opening_cash",
    "position_values",
    "portfolio_factor_risk",
    "factor_exposures",
    "position_correlations",
    "portfolio_snapshots",
    "market_scenarios",
    "stress_results",
    "risk_metrics",
    "var_exceptions",
    "pnl_attribution",
    "portfolio_reports",
)
"""Tables with a row set per portfolio."""


def upstream_of(names: Collection[str]) -> list[str]:
    """These tables and all that they are made of, in order."""
    reached = set(names)
    for table in reversed(LINEAGE):
        if table in reached:
            reached |= {upstream.table for upstream in LINEAGE[table]}
    return [table for table in LINEAGE if table in reached]


def downstream_of(names: set[str]) -> list[str]:
    """These tables and all that are made of them, in order."""
    reached = set(names)
    for table, upstreams in LINEAGE.items():
        if any(upstream.table in reached for upstream in upstreams):
            reached.add(table)
    return [table for table in LINEAGE if table in reached]
