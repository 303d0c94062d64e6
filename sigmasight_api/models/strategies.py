"""Answers about strategies: positions that share a strategy tag."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from pydantic import Field, create_model

from sigmasight_api.models.base import Document
from sigmasight_api.models.positions import GroupSums, PositionType


class Leg(Document):
    """A position of a strategy."""

    lot_id: uuid.UUID
    symbol: str
    position_type: PositionType
    underlying: str
    quantity: float
    expiry: date | None
    strike: float | None
    market_value: float | None = Field(description="USD")


class RecognisedStructure(Document):
    """What the legs on one underlying are."""

    name: str = Field(
        description="covered_call, protective_put, collar, vertical, straddle, strangle, calendar, butterfly, iron_condor or pair"
    )
    variant: str | None = Field(
        description="long, short, bull_call, bear_call, bull_put, bear_put, credit or debit; null: the name says all"
    )
    underlying: str | None = Field(description="Null for a pair, which has two")
    shares_of_book: float = Field(description="Shares of no strategy that cover the options; 0 where the strategy has its own")


Strategy: Any = create_model(
    "Strategy",
    __base__=GroupSums,
    __doc__="Positions that share a strategy tag: net exposures, gain, Greeks together, and what they are.",
    __module__=__name__,
    strategy=(str, Field(description="Name: the tag without its prefix")),
    legs=(list[Leg], ...),
    structure=(str | None, Field(description="Name of the structure that all its parts are; null where they are none, or several")),
    structures=(list[RecognisedStructure], Field(description="By underlying; what is not recognised is left out")),
)
