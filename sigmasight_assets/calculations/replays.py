"""Replays of history: each variable measured from stored closes and yields where they cover the window (docs/conventions.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import select

from sigmasight_assets.calculations.factor_returns import RATES_TENOR_MONTHS
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.scenarios.definition import RATES, Scenario
from sigmasight_assets.sessions import FIRST_DATE
from sigmasight_assets.store.tables import factor_returns, prices, treasury_yields

BASIS_POINTS = 10_000.0


@dataclass(frozen=True)
class Replay:
    """What one window measured.

    Attributes
    ----------
    returns : dict of str to float
        Factor -> total return of its proxy from the first close to the last.
    rates_bp : float or None
        Change of the 10-year.
    series : dict of str to str
        Variable -> the series it was measured on.
    """

    returns: dict[str, float]
    rates_bp: float | None
    series: dict[str, str]


NOTHING = Replay({}, None, {})


class History:
    """Closes and yields on the ends of replay windows, read once.

    A window whose end is no session counts from the last close before it; before the calendar begins there is none.
    """

    def __init__(self, reader: Reader, scenarios: Sequence[Scenario]) -> None:
        self._calendar = reader.calendar
        days = sorted({self._close(day) for scenario in scenarios for day in scenario.replay or ()})
        p, y = prices.c, treasury_yields.c
        closes = reader.frame(select(p.session, p.symbol, p.adj_close).where(p.session.in_(days), p.status == "ok"))
        yields = reader.frame(
            select(y.session, y.par_yield).where(
                y.session.in_(days), y.tenor_months == RATES_TENOR_MONTHS, y.par_yield.is_not(None), y.status != "quarantined"
            )
        )
        keys = zip(closes["session"].dt.date, closes["symbol"], strict=True)
        self._adj_close = dict(zip(keys, closes["adj_close"], strict=True))
        self._yield = dict(zip(yields["session"].dt.date, yields["par_yield"], strict=True))

    def _close(self, day: date) -> date:
        return day if day < FIRST_DATE else self._calendar.roll_back(day)

    def measure(self, scenario: Scenario, session: date, proxies: dict[str, str]) -> Replay:
        """What the data say of a scenario's window as seen on a session; nothing where the window ends after it.

        Parameters
        ----------
        proxies : dict
            Factor -> symbol of its proxy on the session.
        """
        if scenario.replay is None or self._close(scenario.replay[1]) > session:
            return NOTHING
        first, last = (self._close(day) for day in scenario.replay)
        returns, series = {}, {}
        for factor in FACTORS:
            symbol = proxies.get(factor)
            before, after = self._adj_close.get((first, symbol), np.nan), self._adj_close.get((last, symbol), np.nan)
            if symbol is not None and before > 0 and after > 0:
                returns[factor], series[factor] = float(after / before - 1.0), symbol
        rates_bp = None
        if first in self._yield and last in self._yield:
            rates_bp, series[RATES] = float(BASIS_POINTS * (self._yield[last] - self._yield[first])), "10-year Treasury"
        return Replay(returns, rates_bp, series)


def read_proxies(reader: Reader, sessions: Sequence[date]) -> dict[date, dict[str, str]]:
    """The symbol behind each factor on each session."""
    f = factor_returns.c
    query = select(f.session, f.series, f.symbol).where(
        f.session.between(min(sessions), max(sessions)), f.kind == "factor", f.symbol.is_not(None), f.status != "quarantined"
    )
    out: dict[date, dict[str, str]] = {}
    for row in reader.frame(query).itertuples():
        out.setdefault(row.session.date(), {})[row.series] = row.symbol
    return out
