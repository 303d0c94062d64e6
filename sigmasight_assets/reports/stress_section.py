"""Sections on scenarios: the grid of market and rates, and the stress tests with the worst and the best of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sqlalchemy import or_, select

from sigmasight_assets.calculations.packing import positions_key
from sigmasight_assets.engines.factor_names import FACTORS
from sigmasight_assets.reports.model import Column, Metric, Section, Table
from sigmasight_assets.reports.sections import known, plain, table
from sigmasight_assets.store.columns import STATUSES
from sigmasight_assets.store.tables import market_scenarios as grid_table
from sigmasight_assets.store.tables import scenario_shocks
from sigmasight_assets.store.tables import stress_results as results_table
from sigmasight_assets.store.tables.risk import PNL_TERMS, SHIPPED

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

GRID, STRESS = "market_scenarios", "stress_results"
POSITIONS = 6
"""Positions shown of the worst scenario, from each end."""
TWO_WAYS = (
    "Direct: what a scenario does not state does not move. Correlated: it moves to where it usually goes, its conditional mean.",
    "A move of the market alone gives shares the same result both ways, because styles are what the market does not explain: "
    "the two differ through rates, stated styles and what a move of the market does to the curve (gamma) alone.",
)
_GRID = (
    Column("scenario_id", "Scenario", "text"),
    Column("pnl", "Gain", "USD"),
    Column("pnl_share", "Of NAV", "share of NAV"),
    Column("pnl_linear", "To first order", "USD"),
)
_SCENARIOS = (
    Column("scenario_id", "Scenario", "text"),
    Column("severity", "Called", "text"),
    Column("direct", "Direct", "USD"),
    Column("direct_share", "Of NAV", "share of NAV"),
    Column("direct_linear", "Linear", "USD"),
    Column("correlated", "Correlated", "USD"),
    Column("correlated_share", "Of NAV", "share of NAV"),
    Column("deviation", "± one day", "USD"),
    Column("impact_band", "Loss is", "text"),
    Column("mahalanobis", "Distance", "standard deviations"),
    Column("worst_position", "Loses most", "text"),
    Column("worst_position_pnl", "Its gain", "USD"),
)
_PARTS = (Column("part", "Part of the gain", "text"), Column("direct", "Direct", "USD"), Column("correlated", "Correlated", "USD"))
_POSITIONS = (
    Column("symbol", "Symbol", "text"),
    Column("position_type", "Position", "text"),
    Column("market_value", "Market value", "USD"),
    Column("pnl", "Gain", "USD"),
)
PART_WORDS = {
    "rates_surprise": "rates surprise",
    "volatility": "volatility (vega)",
    "curve": "the curve (rho)",
    "floor": "floor at -100 %",
    "non_linear": "beyond delta, vega and rho",
}


def market_scenarios(inputs: Inputs) -> Section:
    """The grid: market alone, rates alone."""
    g, title = grid_table.c, "Market and rates scenarios"
    rows = inputs.read(select(grid_table).where(g.portfolio_id == inputs.portfolio.id, g.session == inputs.session))
    if rows.empty:
        return Section(GRID, title, "unavailable", "not_materialized", inputs.session)
    rows = rows.sort_values(["variable", "market_shock", "rates_bp"])
    status, reason = _worst_status(rows)
    notes = (
        "Each alone: the market with unchanged rates, the 10-year and the curve with unchanged factors. Options are repriced in full.",
    )
    shown = table("grid", "Gain", _GRID, rows)
    return Section(GRID, title, status, reason, inputs.session, known(rows["coverage"].min()), notes, (), (shown,))


def stress_results(inputs: Inputs) -> Section:
    """Every scenario both ways, the worst and the best, and what the worst is made of."""
    r, title = results_table.c, "Stress tests"
    rows = inputs.read(select(results_table).where(r.portfolio_id == inputs.portfolio.id, r.session == inputs.session))
    if rows.empty:
        return Section(STRESS, title, "unavailable", "not_materialized", inputs.session)
    both = _both_ways(inputs, rows)
    status, reason = _worst_status(rows)
    ranked = both[both["direct"].notna()]
    tables = [table("scenarios", "Scenarios, worst first", _SCENARIOS, both)]
    if len(ranked):
        tables += _worst_in_detail(inputs, rows, str(ranked["scenario_id"].iloc[0]))
    coverage = known(rows["coverage"].min())
    return Section(STRESS, title, status, reason, inputs.session, coverage, _notes(inputs, rows), _extremes(ranked), tuple(tables))


def _worst_status(rows: pd.DataFrame) -> tuple[str, str | None]:
    worst = rows.loc[rows["status"].map(STATUSES.index).idxmax()]
    return str(worst["status"]), worst["reason"]


def _both_ways(inputs: Inputs, rows: pd.DataFrame) -> pd.DataFrame:
    """A row per scenario: direct and correlated side by side, worst direct gain first."""
    direct, correlated = (rows[rows["mode"] == mode].set_index("scenario_id") for mode in ("direct", "correlated"))
    names = {"pnl": "direct", "pnl_share": "direct_share", "pnl_linear": "direct_linear"}
    both = direct[["severity", *names, "impact_band", "mahalanobis", "position_pnl"]].rename(columns=names)
    other = {"pnl": "correlated", "pnl_share": "correlated_share", "pnl_deviation": "deviation"}
    both = both.join(correlated[list(other)].rename(columns=other)).reset_index()
    symbols = _symbols(inputs, rows)
    worst = [_worst_position(packed, symbols) for packed in both["position_pnl"]]
    both = both.assign(worst_position=[name for name, _ in worst], worst_position_pnl=[gain for _, gain in worst])
    return both.sort_values(["direct", "scenario_id"], na_position="last", ignore_index=True)


def _symbols(inputs: Inputs, rows: pd.DataFrame) -> pd.DataFrame | None:
    """The open lots in the order of the packed gains; None where these are of other lots."""
    held = inputs.positions[inputs.positions["event"].isna()]
    held = held.sort_values("lot_id", key=lambda ids: ids.map(lambda lot: lot.int))
    return held if positions_key(held["lot_id"].to_numpy(dtype=object)) == rows["positions_key"].iloc[0] else None


def _worst_position(packed: np.ndarray | None, held: pd.DataFrame | None) -> tuple[str | None, float]:
    """The underlying or private asset that loses most with all its lots together."""
    if packed is None or held is None or np.isnan(packed).all():
        return None, float("nan")
    gains = pd.Series(packed, index=held["underlying"].to_numpy(dtype=object)).groupby(level=0).sum(min_count=1)
    worst = gains.idxmin()
    return (str(worst), float(gains[worst])) if gains[worst] < 0.0 else (None, float("nan"))


def _extremes(ranked: pd.DataFrame) -> tuple[Metric, ...]:
    if ranked.empty:
        return ()
    metrics = []
    for word, row in (("worst", ranked.iloc[0]), ("best", ranked.iloc[-1])):
        metrics += [
            Metric(Column(f"{word}_scenario", f"{word.capitalize()} scenario", "text"), str(row["scenario_id"])),
            Metric(Column(f"{word}_pnl", f"Gain in the {word}", "USD"), plain(row["direct"])),
            Metric(Column(f"{word}_share", f"Gain in the {word}", "share of NAV"), plain(row["direct_share"])),
        ]
    n_losing = int((ranked["direct"] < 0.0).sum())
    extreme = int((ranked["impact_band"] == "extreme").sum())
    return (
        *metrics,
        Metric(Column("n_scenarios", "Scenarios", "count"), len(ranked)),
        Metric(Column("n_losing", "Scenarios that lose", "count"), n_losing),
        Metric(Column("n_extreme", "Scenarios whose loss is extreme", "count"), extreme),
    )


def _worst_in_detail(inputs: Inputs, rows: pd.DataFrame, scenario: str) -> list[Table]:
    """What the worst scenario's gain is made of, both ways, and the positions that move most in it."""
    chosen = rows[rows["scenario_id"] == scenario].set_index("mode")
    parts = pd.DataFrame(
        {
            "part": [PART_WORDS.get(name, name.replace("_", " ")) for name in PNL_TERMS],
            **{mode: [chosen.loc[mode, f"pnl_{name}"] for name in PNL_TERMS] for mode in ("direct", "correlated")},
        }
    )
    parts = parts[(parts[["direct", "correlated"]].abs() > 0.005).any(axis=1)]
    tables = [table("worst_parts", f"What {scenario} is made of", _PARTS, parts)]
    held, packed = _symbols(inputs, rows), chosen.loc["direct", "position_pnl"]
    if held is not None and packed is not None:
        gains = held.assign(pnl=packed)
        gains = gains[gains["pnl"].notna()].sort_values(["pnl", "symbol"], ignore_index=True)
        ends = gains if len(gains) <= 2 * POSITIONS else pd.concat([gains.head(POSITIONS), gains.tail(POSITIONS)])
        tables.append(table("worst_positions", f"Lots that lose and gain most in {scenario}, direct", _POSITIONS, ends))
    return tables


def _notes(inputs: Inputs, rows: pd.DataFrame) -> tuple[str, ...]:
    notes = [
        *TWO_WAYS,
        "Options are repriced in full; linear is delta, vega and rho. ± is the one-session standard deviation that the scenario leaves "
        "open. Distance is in annual standard deviations of what is stated.",
    ]
    s = scenario_shocks.c
    mine = or_(s.scope == SHIPPED, s.scope == inputs.portfolio.owner_id.hex)
    shocks = inputs.read(select(s.scenario_id, s.sources, s.category).where(s.session == inputs.session, s.mode == "direct", mine))
    replays = shocks[shocks["category"] == "historical"].sort_values("scenario_id")
    if len(replays):
        told = "; ".join(f"{row.scenario_id} {_sources(row.sources)}" for row in replays.itertuples())
        notes.append(f"Where historical scenarios come from: {told}.")
    far = sorted(set(rows.loc[rows["flag"].notna(), "scenario_id"]))
    if far:
        notes.append(f"Implausibly far by the last 252 sessions (rule: distance above 4): {', '.join(far)}.")
    left_out = rows["uncovered"].max()
    if left_out > 0.0:
        notes.append(f"{int(rows['n_uncovered'].max())} lots worth {left_out:,.0f} have no betas and no proxy: no scenario moves them.")
    return tuple(notes)


def _sources(sources: dict[str, str]) -> str:
    """How many of a replay's variables are measured, stated and unspecified."""
    of_factors = [sources[name].split(" ")[0] for name in (*FACTORS, "rates")]
    counts = pd.Series(of_factors).value_counts()
    return " and ".join(f"{counts[word]} {word}" for word in ("measured", "stated", "unspecified") if word in counts)
