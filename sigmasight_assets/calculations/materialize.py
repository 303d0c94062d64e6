"""One function per table: read inputs, call the engine, replace the rows. Assets call these; so may anything without Dagster."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pandas as pd
from sqlalchemy import Table

from sigmasight_assets.calculations import (
    cash,
    correlations,
    factor_risk,
    factors,
    market,
    options,
    positions,
    snapshots,
)
from sigmasight_assets.calculations import factor_returns as factor_series
from sigmasight_assets.calculations import market_scenarios as grid
from sigmasight_assets.calculations import pnl_attribution as attribution
from sigmasight_assets.calculations import risk_metrics as metrics
from sigmasight_assets.calculations import scenario_shocks as shocks
from sigmasight_assets.calculations import stress_results as stressed
from sigmasight_assets.calculations import var_exceptions as backtest
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.calculations.restatements import recorder
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.errors import SessionNotClosed
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.sessions import SessionCalendar, utc_now
from sigmasight_assets.store import tables
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.provenance import Computation
from sigmasight_assets.store.writing import Replaced, replace

Progress = Callable[[str, int, int], None]
"""Called with (table, sessions done, sessions in all)."""


def _silent(_table: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Workshop:
    """What a materialization works with.

    Attributes
    ----------
    run_id : str
        Stamped on what is written.
    portfolios : sequence of UUID or None
        The scope; None is every portfolio.
    clock : callable
        The present moment: sessions that close after it are refused.
    macro_series : mapping
        Name -> symbol of further series that betas are estimated on.
    """

    database: Database
    calendar: SessionCalendar
    provider: MarketDataProvider
    run_id: str
    portfolios: Sequence[uuid.UUID] | None = None
    progress: Progress = _silent
    clock: Callable[[], datetime] = utc_now
    macro_series: Mapping[str, str] = field(default_factory=dict)

    def computation(self, table: str) -> Computation:
        """To be called before the inputs are read: what changes later makes the rows stale."""
        return Computation(self.run_id, CODE_VERSIONS[table], self.database.moment_of_reading())

    def require_closed(self, sessions: Sequence[date]) -> None:
        """Refuse sessions that have not closed: their prices are not final.

        Raises
        ------
        SessionNotClosed
            Naming the first of them and the last session that has closed.
        """
        last = self.calendar.last_closed(self.clock())
        early = sorted(session for session in sessions if session > last)
        if early:
            raise SessionNotClosed(
                f"The session {early[0]} has not closed: the last closed session is {last}. "
                f"Run it after {self.calendar.close_time(early[0]):%Y-%m-%d %H:%M} UTC."
            )


NOT_PROVIDED = ("unavailable", "provider_has_none")
"""How market data without rows are recorded: nothing is not a success."""


def security_master(shop: Workshop) -> Replaced:
    computation = shop.computation("security_master")
    return replace(shop.database, tables.security_master, market.master_frame(shop.provider), computation, empty=NOT_PROVIDED)


def prices(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    shop.require_closed(sessions)
    computation = shop.computation("prices")
    with reading(shop.database, shop.calendar) as reader:
        frame = market.price_frame(reader, shop.provider, sessions)
    before = recorder(shop.database, "prices", computation)
    return replace(shop.database, tables.prices, frame, computation, sessions=sessions, empty=NOT_PROVIDED, before=before)


def treasury_yields(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    shop.require_closed(sessions)
    computation = shop.computation("treasury_yields")
    frame = market.yield_frame(shop.provider, sessions)
    before = recorder(shop.database, "treasury_yields", computation)
    return replace(shop.database, tables.treasury_yields, frame, computation, sessions=sessions, empty=NOT_PROVIDED, before=before)


def option_quotes(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    shop.require_closed(sessions)
    computation = shop.computation("option_quotes")
    frame = market.quote_frame(shop.provider, sessions)
    before = recorder(shop.database, "option_quotes", computation)
    return replace(shop.database, tables.option_quotes, frame, computation, sessions=sessions, empty=NOT_PROVIDED, before=before)


def factor_returns(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("factor_returns")
    with reading(shop.database, shop.calendar) as reader:
        frame = factor_series.factor_return_frame(reader, shop.provider.proxies, shop.macro_series, sessions)
    return replace(shop.database, tables.factor_returns, frame, computation, sessions=sessions)


def factor_loadings(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("factor_loadings")
    with reading(shop.database, shop.calendar) as reader:
        frame = factors.loading_frame(reader, sessions)
    return replace(shop.database, tables.factor_loadings, frame, computation, sessions=sessions)


def factor_covariance(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("factor_covariance")
    with reading(shop.database, shop.calendar) as reader:
        frame = factors.covariance_frame(reader, sessions)
    return replace(shop.database, tables.factor_covariance, frame, computation, sessions=sessions)


def factor_betas(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("factor_betas")
    with reading(shop.database, shop.calendar) as reader:
        return _in_chunks(shop, tables.factor_betas, factors.beta_frames(reader, sessions), computation, sessions, None)


def _in_chunks(
    shop: Workshop,
    table: Table,
    chunks: Iterable[tuple[list[date], pd.DataFrame]],
    computation: Computation,
    sessions: Sequence[date],
    portfolios: Sequence[uuid.UUID] | None,
) -> Replaced:
    """Replace chunks of whole sessions as they come, and tell how far that is."""
    total, done = Replaced(), 0
    for chunk, frame in chunks:
        total.add(replace(shop.database, table, frame, computation, sessions=chunk, portfolios=portfolios, standing=True))
        done += len(chunk)
        shop.progress(table.name, done, len(sessions))
    return total


def opening_cash(shop: Workshop) -> Replaced:
    computation = shop.computation("opening_cash")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frame = cash.opening_cash_frame(reader, shop.portfolios)
    return replace(shop.database, tables.opening_cash, frame, computation, portfolios=portfolios, standing=True)


def option_greeks(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("option_greeks")
    with reading(shop.database, shop.calendar) as reader:
        frame = options.greeks_of_held_options(reader, sessions)
    return replace(shop.database, tables.option_greeks, frame, computation, sessions=sessions)


def position_values(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("position_values")
    with reading(shop.database, shop.calendar) as reader:
        portfolios = positions.portfolios_of(reader, shop.portfolios)
        frames = positions.position_frames(reader, sessions, portfolios)
        return _in_chunks(shop, tables.position_values, frames, computation, sessions, portfolios)


def portfolio_factor_risk(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("portfolio_factor_risk")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frames = factor_risk.risk_frames(reader, sessions, shop.portfolios)
        return _in_chunks(shop, tables.portfolio_factor_risk, frames, computation, sessions, portfolios)


def factor_exposures(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("factor_exposures")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frames = factor_risk.exposure_frames(reader, sessions, shop.portfolios)
        return _in_chunks(shop, tables.factor_exposures, frames, computation, sessions, portfolios)


def position_correlations(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("position_correlations")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frames = correlations.correlation_frames(reader, sessions, shop.portfolios)
        return _in_chunks(shop, tables.position_correlations, frames, computation, sessions, portfolios)


def portfolio_snapshots(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("portfolio_snapshots")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frame = snapshots.snapshot_frame(reader, sessions, shop.portfolios)
    return replace(shop.database, tables.portfolio_snapshots, frame, computation, sessions=sessions, portfolios=portfolios, standing=True)


def scenario_shocks(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("scenario_shocks")
    with reading(shop.database, shop.calendar) as reader:
        frame = shocks.scenario_shock_frame(reader, sessions)
    return replace(shop.database, tables.scenario_shocks, frame, computation, sessions=sessions)


def market_scenarios(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("market_scenarios")
    with reading(shop.database, shop.calendar) as reader:
        portfolios = positions.portfolios_of(reader, shop.portfolios)
        frames = grid.market_scenario_frames(reader, sessions, portfolios)
        return _in_chunks(shop, tables.market_scenarios, frames, computation, sessions, portfolios)


def stress_results(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("stress_results")
    with reading(shop.database, shop.calendar) as reader:
        portfolios = positions.portfolios_of(reader, shop.portfolios)
        frames = stressed.stress_result_frames(reader, sessions, portfolios)
        return _in_chunks(shop, tables.stress_results, frames, computation, sessions, portfolios)


def risk_metrics(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("risk_metrics")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frame = metrics.risk_metrics_frame(reader, sessions, shop.portfolios)
    return replace(shop.database, tables.risk_metrics, frame, computation, sessions=sessions, portfolios=portfolios, standing=True)


def var_exceptions(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("var_exceptions")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frame = backtest.var_exceptions_frame(reader, sessions, shop.portfolios)
    return replace(shop.database, tables.var_exceptions, frame, computation, sessions=sessions, portfolios=portfolios, standing=True)


def pnl_attribution(shop: Workshop, sessions: Sequence[date]) -> Replaced:
    computation = shop.computation("pnl_attribution")
    with reading(shop.database, shop.calendar) as reader:
        portfolios, frame = attribution.pnl_attribution_frame(reader, sessions, shop.portfolios)
    return replace(shop.database, tables.pnl_attribution, frame, computation, sessions=sessions, portfolios=portfolios, standing=True)
