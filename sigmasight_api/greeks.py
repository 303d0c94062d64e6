"""Sums of lots' Greeks by what they have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from sigmasight_api.queries.risk import GREEKS

Lot = dict[str, Any]


def total(values: Iterable[float | None]) -> float | None:
    """A sum; None where one of the values is missing: what is not known is not zero."""
    known = list(values)
    return None if any(value is None for value in known) else math.fsum(value for value in known if value is not None)


def by_underlying(lots: Sequence[Lot]) -> list[dict[str, Any]]:
    """Options by underlying, largest delta first, beside the delta of all lots of it."""
    options = [lot for lot in lots if lot["asset_class"] == "option"]
    rows = _grouped(options, "underlying", lambda lot: str(lot["underlying"]))
    for row in rows:
        row["delta_dollars_net"] = total(lot["delta_dollars"] for lot in lots if lot["underlying"] == row["underlying"])
    return sorted(rows, key=lambda row: (row["delta_dollars"] is None, -abs(row["delta_dollars"] or 0.0), row["underlying"]))


def by_expiry(lots: Sequence[Lot]) -> list[dict[str, Any]]:
    """Options by expiry, the nearest first."""
    return _grouped([lot for lot in lots if lot["asset_class"] == "option"], "expiry", _expiry)


def without_delta(lots: Sequence[Lot]) -> list[dict[str, Any]]:
    """Lots of shares and options whose delta is not known."""
    missing = [lot for lot in lots if lot["delta_dollars"] is None]
    return [{name: lot[name] for name in ("lot_id", "symbol", "reason")} for lot in sorted(missing, key=lambda lot: str(lot["symbol"]))]


def _expiry(lot: Lot) -> date:
    """As the table of series has it, else as the symbol states it (yymmdd, 15 characters from its end)."""
    if lot["expiry"] is not None:
        found: date = lot["expiry"]
        return found
    stated = lot["symbol"][-15:-9]
    return date(2000 + int(stated[:2]), int(stated[2:4]), int(stated[4:]))


def _grouped(options: Sequence[Lot], name: str, key: Callable[[Lot], Any]) -> list[dict[str, Any]]:
    groups: dict[Any, list[Lot]] = {}
    for lot in options:
        groups.setdefault(key(lot), []).append(lot)
    return [
        {
            name: value,
            "n_lots": len(groups[value]),
            "n_missing": sum(lot["delta_dollars"] is None for lot in groups[value]),
            **{greek: total(lot[greek] for lot in groups[value]) for greek in GREEKS},
        }
        for value in sorted(groups)
    ]
