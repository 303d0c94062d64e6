"""Gates: what a frame must satisfy before it is committed.

The schema gate stops the whole write (`GateFailed`): a wrong column, type, unit word or duplicate key makes every row doubtful.
A domain gate judges rows: one that fails is quarantined and the others go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import JSON, Boolean, Column, Date, Float, Integer, String, Table, Uuid
from sqlalchemy.types import TypeEngine

from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.errors import GateFailed
from sigmasight_assets.store.columns import ExactDecimal
from sigmasight_assets.store.tables import risk

STRESS_TERMS = tuple(f"pnl_{name}" for name in risk.PNL_TERMS)
STRESS_CLASSES = tuple(f"pnl_{name}" for name in risk.ASSET_CLASSES)
EXPLAIN = tuple(f"explain_{name}" for name in risk.EXPLAIN_TERMS)
BY_FACTOR = tuple(f"factor_{name}" for name in (*FACTORS, "rates_surprise", *risk.FACTOR_TERMS))
COMPONENTS = {name: f"{name}_components" for name in ("var_95", "es_95", "var_99", "es_99", "parametric_var_95")}
DRAWDOWNS = tuple(f"{prefix}max_drawdown_{window}" for prefix in ("", "position_") for window in risk.WINDOWS)
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


def _legs_disagree(frame: pd.DataFrame) -> BoolArray:
    long, short, net = (frame[f"exposure_{side}"] for side in ("long", "short", "net"))
    return np.asarray(((long + short) - net).abs() > NAV_TOLERANCE * np.maximum(long.abs() + short.abs(), 1.0))


def _risk_disagrees(frame: pd.DataFrame) -> BoolArray:
    variance = frame["factor_variance"] + frame["specific_variance"]
    return np.asarray((frame["predicted_volatility_dollars"] ** 2 - variance).abs() > NAV_TOLERANCE * np.maximum(variance, 1.0))


def _outside(low: float, high: float, *names: str) -> Callable[[pd.DataFrame], BoolArray]:
    return lambda frame: np.logical_or.reduce([((frame[name] < low) | (frame[name] > high)).to_numpy() for name in names])


def _adds_up(total: str, parts: Sequence[str], scale: str | None = None) -> Callable[[pd.DataFrame], BoolArray]:
    """Rows whose parts, missing ones aside, do not add up to the total; judged against the sum of their sizes, or a column."""

    def broken(frame: pd.DataFrame) -> BoolArray:
        values = frame[list(parts)].fillna(0.0)
        size = values.abs().sum(axis=1) if scale is None else frame[scale]
        return np.asarray((values.sum(axis=1) - frame[total]).abs() > NAV_TOLERANCE * np.maximum(size, 1.0))

    return broken


def _packed_adds_up(**packed_of: str) -> Callable[[pd.DataFrame], BoolArray]:
    """Rows whose packed positions, uncovered ones aside, do not add up to the figure of the portfolio."""

    def broken(frame: pd.DataFrame) -> BoolArray:
        out = np.zeros(len(frame), dtype=np.bool_)
        for total, packed in packed_of.items():
            figure, cells = frame[total].to_numpy(), frame[packed].to_numpy(dtype=object)
            judged = np.flatnonzero(np.array([parts is not None for parts in cells], dtype=np.bool_) & ~np.isnan(figure))
            lengths = [len(cells[i]) for i in judged]
            row = np.repeat(np.arange(len(judged)), lengths)
            parts = np.nan_to_num(np.concatenate([cells[i] for i in judged] or [np.zeros(0)]))
            sums, sizes = (np.bincount(row, weights=values, minlength=len(judged)) for values in (parts, np.abs(parts)))
            out[judged] |= np.abs(sums - figure[judged]) > NAV_TOLERANCE * np.maximum(sizes, 1.0)
        return out

    return broken


ROUNDING = 1e-12
SEMIDEFINITE = 1e-15
"""Daily variances are near 1e-5: an eigenvalue below minus this is not rounding."""
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
    "factor_returns": (FINITE, Gate("return_below_minus_one", "no return is below -100 %", _outside(-1.0, np.inf, "value"))),
    "factor_loadings": (FINITE, Gate("vif_below_one", "a variance inflation factor is at least 1", _outside(1.0 - 1e-9, np.inf, "vif"))),
    "factor_betas": (
        FINITE,
        Gate("fit_out_of_bounds", "std_error and residual_vol are not below 0", _negative("std_error", "residual_vol")),
        Gate("r_squared_out_of_bounds", "r_squared lies between 0 and 1", _outside(-ROUNDING, 1.0 + ROUNDING, "r_squared")),
    ),
    "factor_covariance": (
        FINITE,
        Gate("not_semidefinite", "no eigenvalue is below 0", _outside(-SEMIDEFINITE, np.inf, "min_eigenvalue")),
    ),
    "position_values": (FINITE,),
    "portfolio_factor_risk": (
        FINITE,
        Gate("coverage_out_of_bounds", "coverage lies between 0 and 1", _outside(0.0, 1.0 + ROUNDING, "coverage", "risk_coverage")),
        Gate("variances_disagree", "predicted_volatility_dollars² = factor_variance + specific_variance", _risk_disagrees),
    ),
    "factor_exposures": (FINITE, Gate("legs_disagree", "exposure_long + exposure_short = exposure_net", _legs_disagree)),
    "scenario_shocks": (FINITE, Gate("distance_negative", "mahalanobis is not below 0", _negative("mahalanobis"))),
    "market_scenarios": (FINITE,),
    "stress_results": (
        FINITE,
        Gate("terms_disagree", "factors, volatility, curve, floor and the non-linear part are the gain", _adds_up("pnl", STRESS_TERMS)),
        Gate("classes_disagree", "asset classes add up to the gain", _adds_up("pnl", STRESS_CLASSES)),
        Gate("positions_disagree", "positions add up to the gain", _packed_adds_up(pnl="position_pnl")),
    ),
    "risk_metrics": (
        FINITE,
        Gate("components_disagree", "components of positions add up to each figure", _packed_adds_up(**COMPONENTS)),
        Gate("drawdown_positive", "a drawdown is not above 0", _outside(-np.inf, 0.0, *DRAWDOWNS)),
    ),
    "var_exceptions": (
        FINITE,
        Gate("too_many_exceptions", "no more exceptions than sessions", lambda f: (f["n_exceptions"] > f["n_obs"]).to_numpy()),
    ),
    "pnl_attribution": (
        FINITE,
        Gate("explain_disagrees", "the terms of P&L explain are the gain of the day", _adds_up("pnl", EXPLAIN, "gross_value")),
        Gate("factors_disagree", "factors and the other parts are the gain of the day", _adds_up("pnl", BY_FACTOR, "gross_value")),
    ),
    "position_correlations": (
        FINITE,
        Gate("correlation_out_of_bounds", "the average lies between -1 and 1", _outside(-1 - 1e-9, 1 + 1e-9, "average_correlation")),
    ),
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
        doubled = _plain_key(table, frame).duplicated().to_numpy()
        if doubled.any():
            faults.append(f"{int(doubled.sum())} rows repeat the key ({', '.join(key)}), first {frame.loc[doubled, key].iloc[0].to_dict()}")
    if faults:
        raise GateFailed(f"Rows for {table.name} break its schema: {'; '.join(faults)}. Nothing was written.")


def _plain_key(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The key's columns with ids as numbers: the hash of an id is Python's and slow."""
    return pd.DataFrame(
        {
            column.name: pd.Series([getattr(one, "int", one) for one in frame[column.name]], dtype=object)
            if isinstance(column.type, Uuid)
            else frame[column.name].reset_index(drop=True)
            for column in table.primary_key.columns
        }
    )


def _column_faults(column: Column[Any], values: pd.Series) -> list[str]:
    faults = []
    missing = values.isna()
    if not column.nullable and missing.any():
        faults.append(f"{column.name}: {int(missing.sum())} rows are NULL where a value is required")
    present = values[~missing]
    expected = _expected_instead(column, present)
    if expected:
        return [*faults, f"{column.name}: expected {expected}, was {values.dtype}{_odd_one(present)}"]
    if isinstance(column.type, String):
        faults += _text_faults(column, {str(text) for text in present.unique()})
    return faults


def _expected_instead(column: Column[Any], present: pd.Series) -> str | None:
    """What a column's values should be, where they are something else; None where they are right."""
    kind, dtype = column.type, present.dtype
    if isinstance(kind, Float):
        return None if dtype == np.float64 else "float64"
    if isinstance(kind, Integer):
        whole = dtype.kind in "iu" or (column.nullable and dtype.kind == "f" and bool((present % 1 == 0).all()))
        return None if whole else "integer"
    if isinstance(kind, Date):
        return None if dtype.kind == "M" else "datetime64"
    for sql_type, (types, words) in _PYTHON_TYPES.items():
        if isinstance(kind, sql_type):
            found = set(map(type, present.to_numpy(dtype=object)))
            return None if all(issubclass(one, types) for one in found) else words
    return None


_PYTHON_TYPES: dict[type[TypeEngine[Any]], tuple[tuple[type, ...], str]] = {
    Boolean: ((bool, np.bool_), "bool"),
    Uuid: ((uuid.UUID,), "uuid.UUID objects"),
    ExactDecimal: ((Decimal,), "Decimal objects"),
    JSON: ((dict, list), "dict or list objects"),
    String: ((str,), "texts"),
}


def _odd_one(present: pd.Series) -> str:
    if present.dtype != object or present.empty:
        return ""
    types = sorted({type(value).__name__ for value in present})
    return f" of {', '.join(types)}"


def _text_faults(column: Column[Any], texts: set[str]) -> list[str]:
    faults = []
    length = column.type.length if isinstance(column.type, String) else None
    if length is not None:  # PostgreSQL refuses a longer text and SQLite keeps it: here both refuse
        faults += [
            f"{column.name}: expected at most {length} characters, was {len(text)} ({text[:40]}…)"
            for text in sorted(texts)
            if len(text) > length
        ][:3]
    faults += [f"{column.name}: expected no NUL character, was {text[:40]!r}" for text in sorted(texts) if "\0" in text][:3]
    allowed = column.info.get("allowed")
    strangers = sorted(texts - set(allowed)) if allowed else []
    if allowed and strangers:
        faults.append(f"{column.name}: expected one of {', '.join(allowed)}, was {', '.join(strangers)}")
    return faults


def broken_rows(table: Table, frame: pd.DataFrame) -> pd.Series:
    """The first domain gate each row breaks, as text; None where it breaks none. Rows already `quarantined` keep their reason."""
    reason = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    for gate in reversed(GATES.get(table.name, ())):
        reason[gate.broken(frame)] = gate.name
    if "status" in frame:
        marked = frame["status"] == "quarantined"
        reason[marked] = frame.loc[marked, "reason"].fillna("quarantined")
    return reason
