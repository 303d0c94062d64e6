"""Column types that mean the same on SQLite and PostgreSQL, and short forms for the columns every table repeats."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from sqlalchemy import Column, Date, DateTime, Dialect, Float, Integer, LargeBinary, Numeric, String, Text, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine

DIGITS, DECIMALS = 38, 12
"""What an exact decimal holds: 26 digits before the point, 12 after it."""


def decimal_text(value: Decimal) -> str:
    """An exact decimal in its one plain form, without exponent and trailing zeros: equal numbers are equal texts.

    Raises
    ------
    ValueError
        For infinity, NaN, and more digits than both databases keep.
    """
    if not value.is_finite():
        raise ValueError(f"expected a finite decimal, was {value}")
    if value.adjusted() >= DIGITS - DECIMALS:
        raise ValueError(f"expected a decimal below 1e{DIGITS - DECIMALS}, was {value}")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text.partition(".")[2]) > DECIMALS:
        raise ValueError(f"expected at most {DECIMALS} decimals, was {value}")
    return "0" if value.is_zero() else text


class ExactDecimal(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC on PostgreSQL, text on SQLite (whose NUMERIC is a float); both keep and refuse the same values."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric(DIGITS, DECIMALS))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"expected a Decimal, was {type(value).__name__}")
        text = decimal_text(value)
        return text if dialect.name == "sqlite" else Decimal(text)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        return None if value is None else Decimal(decimal_text(Decimal(value)))


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with a time zone, stored as UTC; a naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("expected a datetime with a time zone, was a naive one")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PackedFloats(TypeDecorator["np.ndarray[Any, np.dtype[np.float64]]"]):
    """A float64 array as bytes, little-endian and flat; NaN where an element is missing."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else pack(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else unpack(value)


def pack(values: Any) -> bytes:
    """An array of any shape as the bytes of `PackedFloats`: equal arrays are equal bytes (NaN and 0 have several forms)."""
    array = np.array(values, dtype="<f8") + 0.0
    array[np.isnan(array)] = np.nan
    return array.tobytes()


def unpack(content: bytes) -> Any:
    """The flat array of `pack`."""
    return np.frombuffer(content, dtype="<f8").astype(np.float64)


STATUSES = ("ok", "stale", "partial", "unavailable", "quarantined")
"""What a row is worth, best first; the worst of its inputs wins."""


def session_column(**options: Any) -> Column[Any]:
    return Column("session", Date, nullable=False, comment="Trading session (XNYS)", **options)


def portfolio_column(**options: Any) -> Column[Any]:
    return Column("portfolio_id", Uuid, nullable=False, comment="Portfolio", **options)


def symbol_column(name: str = "symbol", comment: str = "Security symbol", **options: Any) -> Column[Any]:
    return Column(name, String(64), comment=comment, **options)


def number(name: str, comment: str, unit: str, **options: Any) -> Column[Any]:
    """A computed float64 (double precision on both databases); NULL where it is missing."""
    return Column(name, Float(53), comment=comment, info={"unit": unit}, **options)


def count(name: str, comment: str, unit: str = "rows", **options: Any) -> Column[Any]:
    return Column(name, Integer, comment=comment, info={"unit": unit}, **options)


def code(name: str, comment: str, allowed: tuple[str, ...] = (), **options: Any) -> Column[Any]:
    """A short word of a closed vocabulary; `allowed` is enforced by the schema gate."""
    return Column(name, String(32), comment=comment, info={"allowed": allowed} if allowed else {}, **options)


def status_columns() -> tuple[Column[Any], Column[Any]]:
    return (
        code("status", "ok, stale, partial, unavailable or quarantined", STATUSES, nullable=False),
        Column("reason", String(64), comment="Why the status is not ok; NULL when it is"),
    )
