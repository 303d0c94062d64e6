"""Which sections a report has, in order. No writer knows any of them.

A new engine adds its section in three steps: a function `Inputs -> Section` in a module of its own, which reads the engine's table with
`inputs.read`; the function's place in `SECTIONS`; its table among the inputs of `portfolio_reports` in `store.lineage`, from which the
index and staleness follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sigmasight_assets.reports.book_sections import allocation, holdings
from sigmasight_assets.reports.correlation_section import position_correlations
from sigmasight_assets.reports.factor_section import factor_exposures
from sigmasight_assets.reports.model import Section
from sigmasight_assets.reports.option_sections import greeks
from sigmasight_assets.reports.quality_section import data_quality
from sigmasight_assets.reports.risk_section import pnl_attribution, risk_metrics
from sigmasight_assets.reports.sections import executive_summary, exposures, pnl_history
from sigmasight_assets.reports.stress_section import market_scenarios, stress_results

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

SECTIONS: tuple[Callable[[Inputs], Section], ...] = (
    executive_summary,
    exposures,
    allocation,
    holdings,
    greeks,
    pnl_history,
    factor_exposures,
    position_correlations,
    market_scenarios,
    stress_results,
    risk_metrics,
    pnl_attribution,
    data_quality,
)
