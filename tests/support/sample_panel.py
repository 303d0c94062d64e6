"""The embedded market data as panels, for kernels that know no store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt

from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.providers.sample import SampleProvider
from sigmasight_assets.sessions import calendar_for
from tests.conftest import NOW

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SamplePanel:
    """Returns of every symbol and of the seven proxies, and the change of the 10-year in percentage points, by session."""

    sessions: list[date]
    symbols: list[str]
    returns: Array
    etf_returns: Array
    yield_change: Array


@cache
def sample_panel() -> SamplePanel:
    provider = SampleProvider()
    sessions = calendar_for(NOW).between(provider.first_session(), provider.last_session(NOW))
    closes = provider.prices(sessions).frame.pivot(index="session", columns="symbol", values="adj_close")
    returns = closes.pct_change(fill_method=None)
    curve = provider.treasury_yields(sessions).frame.pivot(index="session", columns="tenor_months", values="par_yield")
    return SamplePanel(
        sessions,
        list(returns.columns),
        returns.to_numpy(),
        returns[[provider.proxies[name].symbol for name in FACTORS]].to_numpy(),
        100.0 * curve[120].diff().to_numpy(),
    )
