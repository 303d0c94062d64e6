"""Which tables of a report are drawn, and how: by the section's and the table's name."""

from __future__ import annotations

from collections.abc import Callable

from sigmasight_assets.reports.drawings import Series, bars, line
from sigmasight_assets.reports.model import Section, Table, Value

MOST_BARS = 25


def picture(section: Section, table: Table) -> str:
    """The drawing of a table; empty where there is none to make of it."""
    draw = _DRAWN.get((section.name, table.name))
    return draw(table) if draw is not None and table.rows else ""


def column(table: Table, name: str) -> list[Value]:
    """The cells under a name."""
    place = [one.name for one in table.columns].index(name)
    return [row[place] for row in table.rows[:MOST_BARS]]


def numbers(table: Table, name: str, scale: float = 1.0) -> list[float | None]:
    return [scale * float(cell) if isinstance(cell, (int, float)) else None for cell in column(table, name)]


def words(table: Table, name: str) -> list[str]:
    return ["" if cell is None else str(cell).replace("_", " ") for cell in column(table, name)]


def _history(table: Table) -> str:
    """Rows are newest first."""
    days = [str(row[0]) for row in reversed(table.rows)]
    place = [one.name for one in table.columns].index("nav")
    nav = [float(row[place]) if isinstance(row[place], (int, float)) else None for row in reversed(table.rows)]  # type: ignore[arg-type]
    return line("Net asset value", days, Series("NAV", nav), "USD")


def _families(table: Table) -> str:
    sides = [Series(side, numbers(table, f"{side}_share")) for side in ("long", "short", "net")]
    return bars("Exposures over NAV", words(table, "family"), sides, "share")


def _sectors(table: Table) -> str:
    sides = [Series(name, numbers(table, key)) for name, key in (("market value", "net_share"), ("delta", "delta_share"))]
    return bars("Net over NAV", words(table, "group"), sides, "share")


def _betas(table: Table) -> str:
    series = Series("beta", numbers(table, "beta"), numbers(table, "std_error", 2.0))
    return bars("Betas with two standard errors either way", words(table, "factor"), [series], "ratio")


def _grid(table: Table) -> str:
    return bars("Gain over NAV", words(table, "scenario_id"), [Series("gain", numbers(table, "pnl_share"))], "share")


def _scenarios(table: Table) -> str:
    modes = [Series(name, numbers(table, key)) for name, key in (("direct", "direct_share"), ("correlated", "correlated_share"))]
    return bars("Gain over NAV, worst first", words(table, "scenario_id"), modes, "share")


def _components(table: Table) -> str:
    return bars("What adds to expected shortfall, 95 %", words(table, "underlying"), [Series("ES", numbers(table, "es_95"))], "USD")


def _terms(title: str) -> Callable[[Table], str]:
    return lambda table: bars(title, words(table, "term"), [Series("the day", numbers(table, "day"))], "USD")


def _clusters(table: Table) -> str:
    return bars("Clusters, of the names' exposure", words(table, "name"), [Series("share", numbers(table, "share"))], "share")


_DRAWN: dict[tuple[str, str], Callable[[Table], str]] = {
    ("exposures", "families"): _families,
    ("allocation", "by_sector"): _sectors,
    ("pnl_history", "history"): _history,
    ("factor_exposures", "exposures"): _betas,
    ("position_correlations", "clusters"): _clusters,
    ("market_scenarios", "grid"): _grid,
    ("stress_results", "scenarios"): _scenarios,
    ("risk_metrics", "components"): _components,
    ("pnl_attribution", "explain"): _terms("The day's gain by the Greeks"),
    ("pnl_attribution", "factor"): _terms("The day's gain by factor"),
}
