"""Gates: what a frame must satisfy before it is committed.

The schema gate stops the whole write (`GateFailed`): a wrong column, type, unit word or duplicate key makes every row doubtful.
A domain gate judges rows: one that fails is quarantined and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Date, Float, Integer, Table, Uuid

from sigmasight_assets.errors import GateFailed

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Gate:
    """A rule that every row of a table obeys.

    Attributes
    ----------
    name : str
        Reason written on a quarantined row.
    rule : str
        The rule in words.
    broken : callable
        Frame -> ndarray of bool, shape (n_rows,), True where the row breaks the rule.
    """

    name: str
    rule: str
    broken: Callable[[pd.DataFrame], BoolArray]


def _not_positive(*names: str) -> Callable[[pd.DataFrame], BoolArray]:
    return lambda frame: np.logical_or.reduce([(frame[name] <= 0).to_numpy() for name in names])


def _negative(*names: str) -> Callable[[pd.DataFrame], BoolArray]:
    return lambda frame: np.logical_or.reduce([(frame[name] < 0).to_numpy() for name in names])


def _infinite(frame: pd.DataFrame) -> BoolArray:
    numbers = frame.select_dtypes("float64").to_numpy()
    return np.isinf(numbers).any(axis=1) if numbers.size else np.zeros(len(frame), dtype=bool)


NAV_TOLERANCE = 1e-9


def nav_identity_error(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """|nav - (nav_previous + pnl + flows + coverage_change)| over max(gross, |nav|, 1), shape (n_rows,); NaN where a NAV is NULL."""
    expected = frame["nav_previous"] + frame["pnl"] + frame["flows"] + frame["coverage_change"]
    scale = np.maximum(np.maximum(frame["market_value_gross"].fillna(0.0), frame["nav"].abs()), 1.0)
    return ((frame["nav"] - expected).abs() / scale).to_numpy(dtype=np.float64)


def _nav_identity(frame: pd.DataFrame) -> BoolArray:
    return np.asarray(nav_identity_error(frame) > NAV_TOLERANCE)


def _sums_disagree(frame: pd.DataFrame) -> BoolArray:
    broken = np.zeros(len(frame), dtype=bool)
    for family in ("market_value", "notional", "delta"):
        long, short, gross, net = (frame[f"{family}_{side}"] for side in ("long", "short", "gross", "net"))
        tolerance = NAV_TOLERANCE * np.maximum(gross.abs(), 1.0)
        broken |= (((long + short) - net).abs() > tolerance).to_numpy() | (((long - short) - gross).abs() > tolerance).to_numpy()
    return broken


def _option_out_of_bounds(frame: pd.DataFrame) -> BoolArray:
    delta_wrong = (frame["delta"].abs() > 1.0 + 1e-12).to_numpy()
    return delta_wrong | _negative("gamma", "vega_per_volpt", "iv", "years")(frame)


FINITE = Gate("not_finite", "no number is infinite", _infinite)

GATES: dict[str, tuple[Gate, ...]] = {
    "prices": (
        FINITE,
        Gate("price_not_positive", "close and adj_close are above 0", _not_positive("close", "adj_close")),
        Gate("split_not_positive", "split_ratio is above 0", _not_positive("split_ratio")),
        Gate("dividend_negative", "dividend is not below 0", _negative("dividend")),
    ),
    "treasury_yields": (
        FINITE,
        Gate(
            "yield_unit",
            "a par yield is a decimal between -0.05 and 0.5",
            lambda f: ((f["par_yield"] < -0.05) | (f["par_yield"] > 0.5)).to_numpy(),
        ),
    ),
    "option_quotes": (
        FINITE,
        Gate("quote_negative", "bid, ask, close and iv are not below 0", _negative("bid", "ask", "close", "iv")),
    ),
    "option_greeks": (
        FINITE,
        Gate("greeks_out_of_bounds", "|delta| <= 1; gamma, vega, iv and years not below 0", _option_out_of_bounds),
    ),
    "position_values": (FINITE,),
    "portfolio_snapshots": (
        FINITE,
        Gate(
            "nav_identity",
            f"nav = nav_previous + pnl + flows + coverage_change within {NAV_TOLERANCE:g} of max(gross, |nav|, 1)",
            _nav_identity,
        ),
        Gate("sums_disagree", "long + short = net and long - short = gross in each family", _sums_disagree),
    ),
}


def check_schema(table: Table, frame: pd.DataFrame) -> None:
    """Refuse a frame that is not the table: missing or unknown columns, wrong types, NULL where forbidden, unknown words, double keys.

    Raises
    ------
    GateFailed
        Naming every fault at once.
    """
    wanted = [column.name for column in table.columns]
    faults = [f"column {name} is missing" for name in wanted if name not in frame]
    faults += [f"column {name} is unknown" for name in frame if name not in wanted]
    if not faults:
        for column in table.columns:
            faults += _column_faults(column, frame[column.name])
        key = [column.name for column in table.primary_key.columns]
        doubled = frame.duplicated(key)
        if doubled.any():
            faults.append(f"{int(doubled.sum())} rows repeat the key ({', '.join(key)}), first {frame.loc[doubled, key].iloc[0].to_dict()}")
    if faults:
        raise GateFailed(f"Rows for {table.name} break its schema: {'; '.join(faults)}. Nothing was written.")


def _column_faults(column: Any, values: pd.Series) -> list[str]:
    faults = []
    missing = values.isna()
    if not column.nullable and missing.any():
        faults.append(f"{column.name}: {int(missing.sum())} rows are NULL where a value is required")
    expected: str | None = None
    if isinstance(column.type, Float) and values.dtype != np.float64:
        expected = "float64"
    elif isinstance(column.type, Integer) and values.dtype.kind not in "iu":
        expected = "integer"
    elif isinstance(column.type, Date) and values.dtype.kind != "M":
        expected = "datetime64"
    elif isinstance(column.type, Uuid) and values.dtype != object:
        expected = "uuid.UUID objects"
    if expected:
        faults.append(f"{column.name}: expected {expected}, was {values.dtype}")
    allowed = column.info.get("allowed")
    if allowed:
        strangers = sorted({str(word) for word in values[~missing].unique()} - set(allowed))
        if strangers:
            faults.append(f"{column.name}: expected one of {', '.join(allowed)}, was {', '.join(strangers)}")
    return faults


def broken_rows(table: Table, frame: pd.DataFrame) -> pd.Series:
    """The first domain gate each row breaks, as text; None where it breaks none. Rows already `quarantined` keep their reason."""
    reason = pd.Series(None, index=frame.index, dtype=object)
    for gate in reversed(GATES.get(table.name, ())):
        reason[gate.broken(frame)] = gate.name
    if "status" in frame:
        marked = frame["status"] == "quarantined"
        reason[marked] = frame.loc[marked, "reason"]
    return reason
