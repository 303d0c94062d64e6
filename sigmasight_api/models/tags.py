"""Answers about tags."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from sigmasight_api.models.base import model_of
from sigmasight_assets.store.tables import tags

_COUNTS: dict[str, tuple[Any, Any]] = {
    "n_positions": (int, Field(description="Lots that carry it, open or not")),
    "n_portfolios": (int, Field(description="Portfolios with such lots")),
}
Tag: Any = model_of("Tag", "A tag of the caller.", tags, only=("id", "name"), **_COUNTS)
