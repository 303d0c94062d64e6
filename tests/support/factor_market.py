"""A market for tests of the factor model: the embedded data, changed where a test wants it, on a few sessions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import numpy as np
import pandas as pd

from sigmasight_assets.providers.protocol import Answer, Proxy
from sigmasight_assets.providers.sample import SampleProvider


class ChangedSample(SampleProvider):
    """The sample provider with closes replaced, symbols left out and other proxies.

    Parameters
    ----------
    closes : mapping
        (symbol, session) -> close; None leaves the row out.
    only : collection of str, optional
        The symbols it has; all when None.
    proxies : mapping, optional
    silent_yields : collection of date
        Sessions without a 10-year yield.
    """

    name = "changed sample"

    def __init__(
        self,
        closes: Mapping[tuple[str, date], float | None] | None = None,
        *,
        only: Collection[str] | None = None,
        proxies: Mapping[str, Proxy] | None = None,
        silent_yields: Collection[date] = (),
    ) -> None:
        self.changed, self.only, self.silent_yields = dict(closes or {}), only, set(silent_yields)
        if proxies is not None:
            self.proxies = proxies

    def last_session(self, now: datetime) -> date:
        return super().last_session(now)

    def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        rows = super().prices(sessions, symbols).frame
        if self.only is not None:
            rows = rows[rows["symbol"].isin(set(self.only))]
        keys = list(zip(rows["symbol"], rows["session"].dt.date, strict=True))
        closes = np.array([self.changed.get(key, close) for key, close in zip(keys, rows["close"], strict=True)], dtype=np.float64)
        factor = closes / rows["close"].to_numpy()
        rows = rows.assign(close=closes, adj_close=rows["adj_close"] * factor)
        return Answer(rows[rows["close"].notna()].reset_index(drop=True))

    def treasury_yields(self, sessions: Sequence[date]) -> Answer:
        rows = super().treasury_yields(sessions).frame.copy()
        quiet = rows["session"].dt.date.isin(self.silent_yields) & (rows["tenor_months"] == 120)
        rows.loc[quiet, "par_yield"] = np.nan
        return Answer(pd.DataFrame(rows))
