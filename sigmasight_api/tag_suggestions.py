"""Tags that positions could carry, by four rules; each says why."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sigmasight_api.position_rows import Row, strategies_of, tag_names
from sigmasight_api.queries.positions import STRATEGY
from sigmasight_api.strategy_rows import leg_of
from sigmasight_assets.engines.option_structures import structures
from sigmasight_assets.ledger.csv_fields import LONGEST_TAG

LARGE, SMALL = 0.05, 0.005
"""Shares of NAV from which a position is large, and below which it is small."""
VOLATILE, CALM = 0.40, 0.15
"""Specific volatility a year, of the factor model, from which an underlying is volatile, and below which it is calm."""

Suggestion = dict[str, Any]


def suggestions(rows: Sequence[Row]) -> list[Suggestion]:
    """What every rule suggests for a book's open lots; lots that carry the tag already are left out.

    Parameters
    ----------
    rows : sequence
        Of `queries.positions.suggestible`.
    """
    found = [suggestion for rule in _RULES for suggestion in rule(rows)]
    named = {row["lot_id"]: {name.lower() for name in tag_names(row["tags"])} for row in rows}
    out = []
    for suggestion in found:
        missing = [lot_id for lot_id in suggestion["lot_ids"] if suggestion["tag"].lower() not in named[lot_id]]
        if missing:
            out.append({**suggestion, "lot_ids": missing})
    return out


def _suggestion(rule: str, tag: str, why: str, rows: Iterable[Row]) -> Suggestion:
    return {"rule": rule, "tag": tag, "why": why, "lot_ids": [row["lot_id"] for row in rows]}


def tag_from(words: str) -> str:
    """Words as a tag: lower case, underscores between."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:LONGEST_TAG]


def _by_sector(rows: Sequence[Row]) -> list[Suggestion]:
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["asset_class"] != "private" and row["gics_sector"] is not None:
            members[row["gics_sector"]].append(row)
    return [
        _suggestion("sector", tag_from(sector), f"The sector of the underlying is {sector}.", members[sector]) for sector in sorted(members)
    ]


def _by_size(rows: Sequence[Row]) -> list[Suggestion]:
    known = [(row, abs(row["market_value"]) / row["nav"]) for row in rows if row["market_value"] is not None and (row["nav"] or 0.0) > 0]
    large, small = [row for row, share in known if share >= LARGE], [row for row, share in known if share < SMALL]
    return [
        _suggestion("size", "large_position", f"The market value is at least {LARGE:.0%} of NAV.", large),
        _suggestion("size", "small_position", f"The market value is below {SMALL:.1%} of NAV.", small),
    ]


def _by_volatility(rows: Sequence[Row]) -> list[Suggestion]:
    known = [row for row in rows if row["residual_vol"] is not None]
    volatile, calm = [row for row in known if row["residual_vol"] >= VOLATILE], [row for row in known if row["residual_vol"] < CALM]
    what = "The volatility of the underlying that the factors do not explain is"
    return [
        _suggestion("volatility", "high_volatility", f"{what} at least {VOLATILE:.0%} a year.", volatile),
        _suggestion("volatility", "low_volatility", f"{what} below {CALM:.0%} a year.", calm),
    ]


def _by_structure(rows: Sequence[Row]) -> list[Suggestion]:
    """Positions on one underlying, in no strategy yet, that are a structure together."""
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not strategies_of(tag_names(row["tags"])):
            members[row["underlying"]].append(row)
    out = []
    for underlying in sorted(members):
        for structure in structures([leg_of(row) for row in members[underlying]]):
            if structure is not None:
                tag = STRATEGY + tag_from(f"{structure.name} {underlying}")
                words = f"{structure.variant or ''} {structure.name}".replace("_", " ").strip()
                out.append(_suggestion("option_structure", tag, f"Together they are a {words} on {underlying}.", members[underlying]))
    return out


_RULES: tuple[Callable[[Sequence[Row]], list[Suggestion]], ...] = (_by_sector, _by_size, _by_volatility, _by_structure)
