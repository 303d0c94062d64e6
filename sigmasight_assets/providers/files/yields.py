"""Files of Treasury par yields: a row per session and tenor, or a column per tenor; the unit is stated, never guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_assets.providers.files.configuration import Configuration, FileRule
from sigmasight_assets.providers.files.findings import Findings
from sigmasight_assets.providers.files.headers import ALIASES, named_columns, plain, stated_unit, tenor_of
from sigmasight_assets.providers.files.table_file import TableFile
from sigmasight_assets.sessions import FIRST_DATE, SessionCalendar
from sigmasight_assets.store.frames import session_array

LOWEST, HIGHEST = -0.05, 0.5
COLUMNS = ("session", "tenor_months", "par_yield", "source", "line", "file")


def read_yields(table: TableFile, rule: FileRule, configuration: Configuration) -> pd.DataFrame:
    """Rows `COLUMNS` of a file, yields as decimals; empty (with findings) where the file cannot be understood."""
    named = {name: places[0] for name, places in named_columns("yields", table.headers, rule.columns).items()}
    if "session" not in named and rule.session is None:
        table.findings.add("missing_column", table.name, column="date")
        return _empty()
    tenors = {
        place: (tenor, table.headers[place])
        for place in range(len(table.headers))
        if place not in named.values() and (tenor := tenor_of(table.headers[place]))
    }
    rows = _read_long(table, rule, named) if "tenor_months" in named else _read_wide(table, rule, named, tenors)
    if rows is None:
        return _empty()
    n = len(rows) // max(table.n_rows, 1)
    if "session" in named:
        sessions = np.tile(table.dates(named["session"], rule.date_format or configuration.date_format), n)
    else:
        sessions = np.full(len(rows), np.datetime64(rule.session, "D")).astype("datetime64[s]")
    label = rule.source or configuration.source or Path(table.name).name.split(".")[0][:40]
    source = np.full(len(rows), label, dtype=object)
    if "source" in named:
        source = np.tile([str(text).strip()[:40] or label for text in table.texts(named["source"])], n)
    rows = rows.assign(session=sessions, source=source, line=np.tile(table.lines(np.arange(table.n_rows)), n), file=table.name)
    absurd = (rows["par_yield"] < LOWEST) | (rows["par_yield"] > HIGHEST)
    if absurd.any():
        some = rows[absurd].head(20)
        shown = [f"{value:g}" for value in some["par_yield"]]
        table.findings.add_lines("yield_unit", table.name, None, some["line"].tolist(), shown, int(absurd.sum()))
    return rows[rows["session"].notna()][list(COLUMNS)]


def _read_long(table: TableFile, rule: FileRule, named: dict[str, int]) -> pd.DataFrame | None:
    value = next((name for name in ("par_yield", "par_yield_pct", "yield") if name in named), None)
    if value is None:
        table.findings.add("missing_column", table.name, column="par_yield")
        return None
    unit = {"par_yield": "decimal", "par_yield_pct": "percent"}.get(value) or rule.unit or stated_unit(table.name)
    if value == "par_yield" and rule.unit:
        unit = rule.unit
    if unit is None:
        table.findings.add("unit_not_stated", table.name, column=table.headers[named[value]])
        return None
    table.load(list(named.values()), [named[value]])
    texts = table.texts(named["tenor_months"])
    months = [_months(str(text)) for text in texts.categories]
    tenor = np.array([*months, np.nan], dtype=np.float64)[np.asarray(texts.codes, dtype=np.int64)]
    table.report("not_a_number", named["tenor_months"], np.flatnonzero(np.isnan(tenor)), texts)
    values = table.numbers(named[value]) / (100.0 if unit == "percent" else 1.0)
    return pd.DataFrame({"tenor_months": tenor, "par_yield": values})


def _months(text: str) -> float:
    if text.strip().isdigit():
        return float(text)
    tenor = tenor_of(text)
    return np.nan if tenor is None else float(tenor[0])


def _read_wide(
    table: TableFile, rule: FileRule, named: dict[str, int], tenors: dict[int, tuple[tuple[int, bool], str]]
) -> pd.DataFrame | None:
    if not tenors:
        table.findings.add("missing_column", table.name, column="tenors", detail="Expected columns such as DGS10, m120 or 10 Yr.")
        return None
    known = {"session", *ALIASES["yields"]["session"], "source"}
    for place, header in enumerate(table.headers):
        if place not in tenors and plain(header) not in known and header:
            table.findings.add("ignored_column", table.name, column=header)
    table.load([*({named[name] for name in ("session", "source") if name in named}), *tenors], list(tenors))
    parts = []
    for place, ((months, in_percent), header) in tenors.items():
        unit = rule.unit or stated_unit(header) or ("percent" if in_percent else None) or stated_unit(table.name)
        if unit is None:
            table.findings.add("unit_not_stated", table.name, column=header)
            return None
        values = table.numbers(place) / (100.0 if unit == "percent" else 1.0)
        parts.append(pd.DataFrame({"tenor_months": float(months), "par_yield": values}))
    return pd.concat(parts, ignore_index=True)


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS}).astype(
        {"session": "datetime64[s]", "tenor_months": "float64", "par_yield": "float64", "line": "int64"}
    )


def merge_yields(parts: list[pd.DataFrame], calendar: SessionCalendar, findings: Findings) -> pd.DataFrame:
    """All published yields on sessions, one row per session and tenor, ordered; contradictions are findings."""
    parts = [part for part in parts if len(part)] or [_empty()]
    rows = pd.concat(parts, ignore_index=True).dropna(subset=["tenor_months", "par_yield"])
    early = rows["session"] < pd.Timestamp(FIRST_DATE)
    for file, part in rows[early].groupby("file"):
        findings.add("before_the_calendar", str(file), line=int(part["line"].min()), count=len(part))
    rows = rows[~early]
    on_session = rows["session"].isin(session_array(calendar.days.tolist()))
    for file, part in rows[~on_session].groupby("file"):
        days = sorted(set(part["session"].dt.strftime("%Y-%m-%d")))
        findings.add("non_session", str(file), line=int(part["line"].min()), value=days[0], detail=f"{len(days)} days.", count=len(part))
    rows = rows[on_session].astype({"tenor_months": "int64"}).sort_values(["session", "tenor_months"], kind="stable")
    doubled = rows.duplicated(["session", "tenor_months"])
    if doubled.any():
        first = rows.groupby(["session", "tenor_months"])["par_yield"].transform("first")
        differs = doubled & ((rows["par_yield"] - first).abs() > 1e-12)
        for row in rows[differs].head(50).itertuples():
            detail = f"{row.tenor_months} months on {row.session:%Y-%m-%d}."
            findings.add("disagreeing_rows", str(row.file), line=int(row.line), column="par_yield", value=row.par_yield, detail=detail)
        for file, part in rows[doubled & ~differs].groupby("file"):
            findings.add("duplicate_rows", str(file), line=int(part["line"].iloc[0]), count=len(part))
    return rows[~doubled].reset_index(drop=True)
