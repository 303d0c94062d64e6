"""Bodies and answers of writes to positions and tags."""

from __future__ import annotations

import re
import uuid
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from sigmasight_api.models.base import Body, Document, OwnPortfolio
from sigmasight_api.models.decimals import Exact
from sigmasight_api.models.portfolios import Operation, Updating
from sigmasight_api.models.positions import PositionTags, PositionType
from sigmasight_api.models.tags import Tag
from sigmasight_assets.ledger.csv_fields import TAGS_PER_LOT

MOST_LOTS = 500
"""Of one request."""
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: Any) -> date:
    if not isinstance(value, str) or not _ISO.fullmatch(value):
        raise ValueError("expected a date as YYYY-MM-DD")
    return date.fromisoformat(value)


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Text = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
TagName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^(strategy:)?[A-Za-z0-9_]+$", max_length=50)]
TagNames = Annotated[list[TagName], Field(max_length=TAGS_PER_LOT, description="Tags; those that you lack are made")]


class NewPosition(Body):
    """A lot to be added; the rules are those of a row of a file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"symbol": "KO", "quantity": 100, "entry_price": 63.5, "entry_date": "2022-12-01", "tags": ["core"]}]
        }
    )

    portfolio_id: OwnPortfolio = None
    symbol: Text = Field(description="AAPL, BRK.B, AAPL240119C00195000 or a broker's form; any name with asset_class private")
    quantity: Exact = Field(description="Signed shares or contracts as of the entry date; negative is short")
    entry_price: Exact = Field(description="USD per share")
    entry_date: Day
    exit_date: Day | None = None
    exit_price: Exact | None = Field(None, description="USD per share; with exit_date, or not at all")
    asset_class: Text | None = Field(None, description="equity, option or private; recognised by the symbol where it is left out")
    tags: TagNames = Field(default_factory=list)


class PositionChange(Body):
    """What is to be different; what is left out stays. `exit_date` and `exit_price` null open the lot again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quantity": 90}]})

    quantity: Exact | None = None
    entry_price: Exact | None = None
    entry_date: Day | None = None
    exit_date: Day | None = None
    exit_price: Exact | None = None


class Closing(Body):
    """How a lot is closed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"exit_date": "2022-12-27", "exit_price": 178, "quantity": 60}]})

    exit_date: Day
    exit_price: Exact = Field(description="USD per share, as of the exit date")
    quantity: Exact | None = Field(
        None, description="Shares or contracts of the exit date, without a sign; left out: all. A part splits the lot"
    )


class LedgerWarning(Document):
    """What may be meant otherwise."""

    code: str
    message: str
    value: Any = None


class Lot(Document):
    """A lot as the ledger has it."""

    lot_id: uuid.UUID
    portfolio_id: uuid.UUID
    symbol: str
    asset_class: str
    position_type: PositionType
    underlying: str
    entered_quantity: float = Field(description="Signed shares or contracts as of the entry date")
    entered_price: float = Field(description="USD per share, as of the entry date")
    entry_date: date
    exit_date: date | None
    exit_price: float | None = Field(description="USD per share, as of the exit date")
    tags: list[str]


class WrittenPosition(Operation):
    """A lot after a write."""

    position: Lot
    warnings: list[LedgerWarning]


class ClosedPosition(Operation):
    """A lot after it was closed."""

    closed: Lot
    remaining: Lot | None = Field(description="What is still held, under the id of the lot; null where nothing is")


class DeletedPosition(Operation):
    """What is gone."""

    lot_id: uuid.UUID


class TagSet(Body):
    """All tags of a position."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": ["core", "strategy:covered_call"]}]})

    tags: TagNames


class NewTag(Body):
    """A tag to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "high_conviction"}]})

    name: TagName


class Assignment(Body):
    """Tags for many positions at once."""

    lot_ids: list[uuid.UUID] = Field(min_length=1, max_length=MOST_LOTS, description="Positions of the caller, of any portfolio")
    add: TagNames = Field(default_factory=list)
    remove: TagNames = Field(default_factory=list, description="Taken off first")


class SetTags(Operation, PositionTags):
    """The tags of a position as they were set, and what brings the names of its book's clusters up to date."""


class AssignedTags(Document):
    """The tags of a position after an assignment."""

    lot_id: uuid.UUID
    tags: list[str]


class Assigned(Document):
    """What an assignment changed."""

    items: list[AssignedTags]
    n_changed: int = Field(description="Positions whose tags are others now")
    updating: Updating


class RenamedTag(Tag):
    """A tag under its new name."""

    updating: Updating


class DeletedTag(Document):
    """What is gone."""

    id: uuid.UUID
    name: str
    n_positions: int = Field(description="Positions that carried it")
    updating: Updating


class TagSuggestion(Document):
    """A tag that positions could carry, and why."""

    rule: str = Field(description="sector, size, volatility or option_structure")
    tag: str
    why: str
    lot_ids: list[uuid.UUID] = Field(description="Positions without the tag that it is suggested for: lot_ids and add of an assignment")


class NewFlow(Body):
    """Money put in (+) or taken out (-)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"date": "2022-12-20", "amount": -2500, "note": "rent"}]})

    date: Day
    amount: Exact = Field(description="USD, positive into the portfolio")
    note: str | None = Field(None, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f]*$")


class NewAppraisal(Body):
    """A mark of a private asset."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"symbol": "HOME_EQUITY", "date": "2022-12-27", "price_per_unit": 315000}]})

    symbol: Text
    date: Day
    price_per_unit: Exact = Field(description="USD per unit")


class WrittenEntry(Operation):
    """A flow or a mark after a write."""

    id: uuid.UUID


class DeletedEntry(Operation):
    """What is gone."""

    id: uuid.UUID
