"""Cells of the ledger's CSV files: what is accepted, and every fault with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from sigmasight_assets.ledger.csv_problems import MAX_DECIMALS, MAX_DIGITS, Problem, problem

CURRENCY = "currency"
"""A column that is not needed, but watched."""


TAGS_PER_LOT = 20
LONGEST_TAG = 50


def is_tag(text: str) -> bool:
    """Whether a text can be a tag: letters, digits and underscores, after `strategy:` or not."""
    return len(text) <= LONGEST_TAG and re.fullmatch(r"(strategy:)?[A-Za-z0-9_]+", text) is not None


class RowReader:
    """Reads the cells of one row, and collects what is wrong with them."""

    def __init__(self, line: int, cells: Mapping[str, str], problems: list[Problem]) -> None:
        self.line, self._cells, self._problems = line, cells, problems
        self.n_problems = 0

    def refuse(self, code: str, column: str, detail: str = "") -> None:
        self.n_problems += 1
        self._problems.append(problem(code, self.line, column, self.text(column), detail))

    def text(self, column: str) -> str:
        return self._cells.get(column, "").strip()

    def required(self, column: str) -> str:
        found = self.text(column)
        if not found:
            self.refuse("required", column)
        return found

    def require_usd(self) -> None:
        """Refuse a row that states another currency."""
        if self.text(CURRENCY).upper() not in ("", "USD"):
            self.refuse("not_usd", CURRENCY)

    def number(self, column: str, *, required: bool = True) -> Decimal | None:
        """A plain decimal number, exact; None (with a problem where it is required) otherwise."""
        found = self.required(column) if required else self.text(column)
        if not found:
            return None
        fault = number_fault(found)
        if fault:
            self.refuse(fault, column)
            return None
        return Decimal(found)

    def price(self, column: str, *, required: bool = True) -> Decimal | None:
        found = self.number(column, required=required)
        if found is not None and found <= 0:
            self.refuse("price_not_positive", column)
            return None
        return found

    def day(self, column: str, today: date, first: date, *, required: bool = True) -> date | None:
        """An ISO date, not in the future and not before the calendar."""
        found = self.required(column) if required else self.text(column)
        if not found:
            return None
        try:
            day = date.fromisoformat(found) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", found) else None
        except ValueError:
            day = None
        if day is None:
            self.refuse("not_a_date", column)
        elif day > today:
            self.refuse("date_in_future", column, f"Today is {today}.")
        elif day < first:
            self.refuse("date_too_early", column)
        else:
            return day
        return None

    def tags(self, column: str, most: int = TAGS_PER_LOT) -> tuple[str, ...]:
        """Comma-separated tags, the first spelling of each kept."""
        kept: dict[str, str] = {}
        for tag in (part.strip() for part in self.text(column).split(",")):
            if tag and not is_tag(tag):
                self.refuse("invalid_tag", column, f"It is {tag[:60]!r}.")
            elif tag:
                kept.setdefault(tag.lower(), tag)
        if len(kept) > most:
            self.refuse("too_many_tags", column)
        return tuple(kept.values())


_PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_CURRENCY = re.compile(r".*[$€£¥₹₩].*|[A-Z]{3}\s?[-+]?\d.*|[-+]?\d.*?\s?[A-Z]{3}", re.IGNORECASE)
_SEPARATED = re.compile(r".*,.*|[-+]?\d{1,3}(['’ _.\u00a0\u2009\u202f]\d{3})+(\.\d+)?")


def number_fault(text: str) -> str | None:
    """Why a text is no plain decimal number (a code of `csv_problems.PROBLEMS`); None where it is one."""
    if not _PLAIN.fullmatch(text):
        if _CURRENCY.fullmatch(text):
            return "currency_sign"
        return "thousands_separator" if _SEPARATED.fullmatch(text) else "not_a_number"
    whole, _, decimals = text.lstrip("+-").partition(".")
    if len(decimals.rstrip("0")) > MAX_DECIMALS:
        return "too_many_decimals"
    return "number_too_large" if len(whole.lstrip("0")) > MAX_DIGITS else None
