"""Strategies of a book: sums over the positions that share a tag, and the structures that they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sigmasight_api.position_rows import Row, strategies_of, sums, tag_names
from sigmasight_assets.engines.option_structures import Kind, Leg, Structure, structures

LEG = ("lot_id", "symbol", "position_type", "underlying", "quantity", "expiry", "strike", "market_value")


def strategies(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every strategy of a book's rows, in alphabetical order."""
    members: dict[str, list[Row]] = defaultdict(list)
    free: dict[str, float] = defaultdict(float)
    for row in rows:
        names = strategies_of(tag_names(row["tags"]))
        for name in names:
            members[name].append(row)
        if not names and row["asset_class"] == "equity" and row["state"] == "open":
            free[row["underlying"]] += row["quantity"]
    return [_strategy(name, members[name], free) for name in sorted(members, key=str.lower)]


def _strategy(name: str, rows: Sequence[Row], free: dict[str, float]) -> dict[str, Any]:
    """One strategy; shares of the book that cover its options are not free any more for the next."""
    held = [row for row in rows if row["state"] == "open"]
    found = structures([leg_of(row) for row in held], free)
    known = [structure for structure in found if structure is not None]
    for structure in known:
        if structure.underlying is not None:
            free[structure.underlying] -= structure.shares_of_book
    return {
        "strategy": name,
        **sums(rows),
        "legs": [{column: row[column] for column in LEG} for row in held],
        "structure": _common(found),
        "structures": [vars(structure) for structure in known],
    }


def leg_of(row: Mapping[str, Any]) -> Leg:
    """A position as the leg of a structure."""
    kind: Kind = "other"
    if row["asset_class"] == "equity":
        kind = "share"
    elif row["asset_class"] == "option":
        kind = "call" if row["option_type"] == "C" else "put"
    size = row["quantity"] * row["multiplier"]
    return Leg(kind, row["underlying"], size, row["market_value"], row["expiry"], row["strike"])


def _common(found: Sequence[Structure | None]) -> str | None:
    names = {None if structure is None else structure.name for structure in found}
    return names.pop() if len(names) == 1 else None
