"""Rows of positions made ready to show, and their sums by group: plain Python over one book's rows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sigmasight_api.access import Book
from sigmasight_api.answers import meta_of
from sigmasight_api.errors import not_materialized
from sigmasight_api.models.positions import EXPOSURES, SUMS
from sigmasight_api.queries.positions import NOT_COMPUTED, STRATEGY, Close, close_of

Row = Mapping[str, Any]


def closing(book: Book, as_of: date | None) -> tuple[Close, dict[str, Any]]:
    """The session whose positions are meant, and `meta`.

    It is the last computed one on or before `as_of`. A book that no run has seen yet is shown as the ledger has it, at the last session
    that there are prices of.

    Raises
    ------
    Problem
        404 `not_materialized` where there are no prices at all.
    """
    found = book.provenance.latest("position_values", as_of)
    if found is not None and found.session is not None:
        return close_of(found.session, book.portfolio, book.service.calendar), meta_of(found)
    last = book.provenance.last_market_session
    if last is None:
        raise not_materialized("prices", as_of)
    session = book.service.calendar.roll_back(min(as_of or last, last))
    nothing = dict.fromkeys(("computed_at", "changed_at", "run_id", "code_version", "coverage", "stale_reason"))
    meta = {"table": "position_values", "as_of": session, **nothing, "stale": False, "status": "unavailable", "reason": NOT_COMPUTED}
    return close_of(session, book.portfolio, book.service.calendar), meta


def tag_names(text: str | None) -> list[str]:
    """The tags of a row, in alphabetical order."""
    return sorted((text or "").split(","), key=str.lower) if text else []


def strategies_of(names: Iterable[str]) -> list[str]:
    return [name[len(STRATEGY) :] for name in names if name.lower().startswith(STRATEGY)]


def position(row: Row, session: date) -> dict[str, Any]:
    """A row of `queries.positions.lots_at` as it is shown."""
    names = tag_names(row["tags"])
    return {**row, "session": session, "tags": names, "strategies": strategies_of(names)}


def lot_facts(row: Row) -> dict[str, Any]:
    """What the owner stated of a lot: what its version is of."""
    return {name: row[name] for name in ("lot_id", "entered_quantity", "entered_price", "entry_date", "exit_date", "exit_price")}


def tag_facts(names: Iterable[str]) -> dict[str, Any]:
    """What the version of a lot's tags is of."""
    return {"tags": sorted(names)}


def groups_of(rows: Sequence[Row], by: str) -> list[dict[str, Any]]:
    """Sums of lots by group, largest gross value first; lots without a tag or strategy come under None."""
    members: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        for name in _groups(row, by):
            members[name].append(row)
    out = [{"group": name, **sums(chosen)} for name, chosen in members.items()]
    return sorted(out, key=lambda group: (-(group["market_value_gross"] or 0.0), group["group"] is None, group["group"] or ""))


def _groups(row: Row, by: str) -> Sequence[str | None]:
    if by == "type":
        return [row["position_type"]]
    if by in ("tag", "strategy"):
        names = tag_names(row["tags"])
        return (strategies_of(names) if by == "strategy" else names) or [None]
    return [row[by]]


def sums(rows: Sequence[Row]) -> dict[str, Any]:
    """Exposures, Greeks and gains of some lots; a sum is None where no lot has the number, and never 0 for what is missing."""
    held = [row for row in rows if row["state"] == "open"]
    out: dict[str, Any] = {
        "n_positions": len(held),
        "n_missing": sum(row["market_value"] is None for row in held),
        "n_ended": sum(row["event"] is not None for row in rows),
    }
    for family, column in EXPOSURES.items():
        known = [row[column] for row in held if row[column] is not None]
        long, short = math.fsum(x for x in known if x > 0), math.fsum(x for x in known if x < 0)
        amounts = (long, short, long - short, long + short) if known or not held else (None,) * 4
        out |= {f"{family}_{side}": amount for side, amount in zip(("long", "short", "gross", "net"), amounts, strict=True)}
    for name in SUMS:
        out[name] = _total(rows, name)
    gains = [out["pnl"], out["dividends"]]
    out["pnl"] = None if gains == [None, None] else math.fsum(gain for gain in gains if gain is not None)
    out["status"] = "partial" if out["n_missing"] else "ok"
    return out


def _total(rows: Sequence[Row], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return math.fsum(known) if known else None
