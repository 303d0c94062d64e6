"""What a report is made of, before any format."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Value = float | int | str | date | None


@dataclass(frozen=True)
class Column:
    """A column of a table, or a metric's name: how it is called, shown and measured.

    Attributes
    ----------
    name : str
        Key in JSON; carries no formatting.
    label : str
        Heading in Markdown.
    unit : str
        What the figure is measured in. Its first word decides how Markdown rounds it: `USD` to the dollar, `share` and `decimal` as
        per cent, `price` to four decimals, `count` as it is, `text` and `date` as texts, any other unit to four digits.
    """

    name: str
    label: str
    unit: str


@dataclass(frozen=True)
class Metric:
    """One figure."""

    column: Column
    value: Value


@dataclass(frozen=True)
class Table:
    """Rows of values under columns.

    Attributes
    ----------
    of : int or None
        How many rows there are where only the first of them are given; None: all are.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    of: int | None = None


@dataclass(frozen=True)
class Section:
    """What one engine has to say.

    Attributes
    ----------
    name : str
        Group in JSON: the engine's table.
    status, reason : str
        As in the tables; `not_available` where the engine does not exist yet.
    as_of : date or None
    coverage : float or None
        Share of the book that the figures cover; None where the notion does not apply.
    notes : sequence of str
        Sentences shown under the title: plain text, no markup.
    metrics_are_in_tables : bool
        True where the tables show every metric, so that Markdown does not list them again.
    """

    name: str
    title: str
    status: str
    reason: str | None = None
    as_of: date | None = None
    coverage: float | None = None
    notes: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    metrics_are_in_tables: bool = False


@dataclass(frozen=True)
class Report:
    """One portfolio on one session."""

    portfolio_id: uuid.UUID
    slug: str
    name: str
    session: date
    sections: tuple[Section, ...]
    positions: Sequence[Mapping[str, Any]] = field(default=(), repr=False)

    @property
    def stem(self) -> str:
        """Name of the report's folder."""
        return f"{self.slug}_{self.session}"
