"""Exact decimals in request bodies: a JSON number or a text, kept digit by digit."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BeforeValidator, WithJsonSchema

from sigmasight_assets.ledger.csv_fields import number_fault
from sigmasight_assets.ledger.csv_problems import MAX_DIGITS, PROBLEMS

_LONGEST_EXPONENT = 60
_SCHEMA = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-+]?(\d+(\.\d*)?|\.\d+)$"}],
    "description": "A number, or its text: kept exactly, 15 digits before the point and 12 after it",
}


def decimal_of(value: Any) -> Decimal:
    """The exact decimal that a JSON number or text states.

    Raises
    ------
    ValueError
        With the remedy, for anything that the ledger does not keep exactly.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError(f"expected a number or its text, was {type(value).__name__}")
    text = value.strip() if isinstance(value, str) else plain_text(value if isinstance(value, Decimal) else Decimal(str(value)))
    fault = number_fault(text)
    if fault:
        raise ValueError(" ".join(PROBLEMS[fault]))
    return Decimal(text)


def plain_text(value: Decimal) -> str:
    """A decimal without exponent."""
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST_EXPONENT:
        raise ValueError(f"expected a number with at most {MAX_DIGITS} digits before the point, was {str(value)[:40]}")
    return format(value, "f")


Exact = Annotated[Decimal, BeforeValidator(decimal_of), WithJsonSchema(_SCHEMA)]


class _ExactRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = json.loads(await self.body(), parse_float=Decimal)
        return self._json


class ExactRoute(APIRoute):
    """Bodies whose numbers are read as decimals: a float would keep 17 digits of them at most."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handler(_ExactRequest(request.scope, request.receive))

        return exact
