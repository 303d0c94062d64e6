"""Answers about positions: lots of the ledger with the values of a session."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, create_model

from sigmasight_api.answers import OfPortfolio
from sigmasight_api.models.base import Document, Meta, field_of, model_of
from sigmasight_api.queries.positions import NOT_COMPUTED, SORTABLE, VALUES
from sigmasight_assets.store.tables import option_greeks, portfolio_snapshots, position_values
from sigmasight_assets.store.tables.portfolio import POSITION_TYPES

PositionType = Literal["LONG", "SHORT", "LC", "LP", "SC", "SP"]
State = Literal["open", "ended", "upcoming"]
Grouping = Literal["type", "strategy", "tag", "sector", "underlying"]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
Words = Annotated[list[Word], Field(max_length=50)]

SUMS = (
    "cost_basis", "unrealized_pnl", "pnl", "dividends", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct",
)  # fmt: skip
EXPOSURES = {"market_value": "market_value", "notional": "notional_exposure", "delta": "delta_dollars"}
"""Family -> the column of a lot that it sums."""
SIDES = ("long", "short", "gross", "net")


class PositionFilters(OfPortfolio):
    """Which lots, in which order; a field that is given several times means any of its values."""

    type: Annotated[list[PositionType], Field(default_factory=list, max_length=6, description="Position types", examples=[["LC", "SP"]])]
    symbol: Annotated[Words, Field(default_factory=list, description="Symbols, of options in OSI form", examples=[["AAPL"]])]
    underlying: Annotated[Words, Field(default_factory=list, description="Underlyings: a share and all options on it")]
    tags: Annotated[Words, Field(default_factory=list, description="Tags, whatever their case")]
    tag_mode: Annotated[Literal["any", "all"], Field(description="Whether a lot needs one of the tags, or all")] = "any"
    strategy: Annotated[Words, Field(default_factory=list, description="Strategies: tags strategy:name without their prefix")]
    sector: Annotated[Words, Field(default_factory=list, description="As `sector` of a position says, whatever its case")]
    min_value: Annotated[
        float | None, Field(ge=0, allow_inf_nan=False, description="Smallest |market_value|, USD; what has no value is left out")
    ] = None
    state: Annotated[Literal["open", "ended", "upcoming", "all"], Field(description="At the close of the session")] = "open"
    sort: Annotated[
        str | None, Field(max_length=200, description=f"Fields, - before a falling one: {', '.join(SORTABLE)}", examples=["-pnl"])
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Rows of the page")] = 50
    offset: Annotated[int, Field(ge=0, le=10_000_000, description="Rows before it")] = 0


def _described(text: str, kind: Any) -> tuple[Any, Any]:
    return kind, Field(description=text)


_COMMENTED = {name: field_of(position_values.c[name], optional=True) for name in VALUES}
_FACTS: dict[str, tuple[Any, Any]] = {
    "lot_id": _described("Lot of the ledger: what {id} means in paths", uuid.UUID),
    "portfolio_id": _described("Portfolio", uuid.UUID),
    "session": _described("Session whose close it is", date),
    "symbol": _described("Symbol as it stands on the session (an option series moves with splits)", str),
    "name": _described("Name of the underlying security", str | None),
    "asset_class": _described("equity, option or private", str),
    "position_type": _described(f"{', '.join(POSITION_TYPES)}: L long, S short, C call, P put", PositionType),
    "underlying": _described("Underlying symbol; the symbol itself for a share", str),
    "sector": _described("GICS sector of the underlying, what a fund holds, or that it is private", str),
    "tags": _described("Names of its tags, in alphabetical order", list[str]),
    "strategies": _described("Names of its strategy tags, without the prefix", list[str]),
    "state": _described("open, ended or upcoming at the close of the session", State),
    "event": _described("How it ended on this very session; null otherwise", str | None),
    "entry_date": _described("As entered", date),
    "exit_date": _described("As entered; null while it is not sold", date | None),
    "exit_price": _described("As entered, USD per share", float | None),
    "entered_quantity": _described("Signed shares or contracts as of the entry date", float),
    "entered_price": _described("Price paid as of the entry date, USD per share", float),
    "quantity": _described("Signed shares or contracts after splits; as entered where the session is not computed", float),
    "multiplier": _described("Shares per contract; 1 for a share", float),
    "entry_price": _described("Price paid after splits, USD per share; as entered where the session is not computed", float),
    **_COMMENTED,
    "expiry": _described("Of an option", date | None),
    "strike": _described("Of an option, adjusted for splits, USD per share", float | None),
    "option_type": _described("C or P", str | None),
    "iv": field_of(option_greeks.c.iv, optional=True),
    "iv_source": field_of(option_greeks.c.iv_source, optional=True),
    "status": _described("ok, stale, partial, unavailable or quarantined; null for a lot that is not open", str | None),
    "reason": _described(f"Why the status is not ok; {NOT_COMPUTED}: no run has seen the lot yet", str | None),
}

Position: Any = create_model("Position", __base__=Document, __doc__="A lot, and its values of a session.", __module__=__name__, **_FACTS)
SinglePosition: Any = create_model(
    "SinglePosition", __base__=Position, __doc__="A lot, and its values of a session.", __module__=__name__, meta=(Meta, ...)
)


def _sum_fields() -> dict[str, tuple[Any, Any]]:
    exposures = [f"{family}_{side}" for family in EXPOSURES for side in SIDES]
    fields = {name: field_of(portfolio_snapshots.c[name], optional=True) for name in exposures}
    for name in SUMS:
        column = portfolio_snapshots.c.get(name)  # its pnl has the dividends in it, as the sums have
        fields[name] = field_of(position_values.c[name] if column is None else column, optional=True)
    return fields


_COUNTS: dict[str, tuple[Any, Any]] = {
    "n_positions": _described("Open lots", int),
    "n_missing": _described("Open lots without a value: sums are of the others", int),
    "n_ended": _described("Lots that ended on the session: their gain is in pnl", int),
}
GroupSums: Any = create_model(
    "GroupSums",
    __base__=Document,
    __doc__="Sums over some lots, each null where none of them has the number.",
    __module__=__name__,
    **_COUNTS,
    **_sum_fields(),
    status=_described("partial where a lot has no value", str),
)
PositionGroup: Any = create_model(
    "PositionGroup",
    __base__=GroupSums,
    __doc__="Sums over the lots of a group, each null where none of them has the number.",
    __module__=__name__,
    group=_described("Name of the group; null: lots without a tag or strategy", str | None),
)
GroupTotal = model_of(
    "GroupTotal",
    "The whole book, as its snapshot says.",
    portfolio_snapshots,
    only=(
        "session", "portfolio_id", "nav", "cash", "pnl", "dividends", "unrealized_pnl", "coverage", "n_positions", "n_missing",
        *(f"{family}_{side}" for family in EXPOSURES for side in SIDES),
        "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct", "status", "reason",
    ),
)  # fmt: skip


class GroupedPositions(Document):
    """Subtotals of a book."""

    by: Grouping
    overlapping: bool = Field(description="Whether a lot may count in several groups, so that the groups add up to more than the total")
    groups: list[PositionGroup]  # type: ignore[valid-type]
    total: GroupTotal | None = Field(description="The snapshot of the session; null where it is not computed")  # type: ignore[valid-type]
    meta: Meta


TOTALS = tuple(map(str, GroupTotal.model_fields))


class PositionTags(Document):
    """The tags of a position."""

    lot_id: uuid.UUID
    tags: list[str]
    meta: dict[str, Any]
