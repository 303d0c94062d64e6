"""What the sections of a report are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import Select

from sigmasight_assets.ledger.accounts import Portfolio


@dataclass(frozen=True)
class Inputs:
    """What sections are made of.

    Attributes
    ----------
    snapshot : Series
        The session's row of `portfolio_snapshots`.
    history : DataFrame
        Snapshots of the last 30 sessions, oldest first.
    positions : DataFrame
        Rows of `position_values` as `reports.positions.read_positions` gives them, largest value first.
    options : DataFrame
        Rows of `option_greeks` of the held series.
    provenance : DataFrame
        Rows of `materializations` behind the report.
    read : callable
        Reads any further table in the same moment of the store: what a section needs that is not here.
    """

    portfolio: Portfolio
    session: date
    snapshot: pd.Series
    history: pd.DataFrame
    positions: pd.DataFrame
    options: pd.DataFrame
    provenance: pd.DataFrame
    read: Callable[[Select[Any]], pd.DataFrame]
