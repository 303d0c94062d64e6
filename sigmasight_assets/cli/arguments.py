"""Values of command-line options and files: read strictly, refused in one sentence that names the option."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from sigmasight_assets.cli.console import Exit, fail
from sigmasight_assets.ledger.csv_fields import number_fault
from sigmasight_assets.ledger.csv_problems import MAX_BYTES, PROBLEMS

RESERVED_TAGS = ("dagster/", "sigmasight/")


def parse_date(text: str, option: str) -> date:
    """A date as YYYY-MM-DD and in no other form."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            return date.fromisoformat(text.strip())
    except ValueError:
        pass  # 2022-02-30: said below
    raise fail(f"{option}: expected a date that exists as YYYY-MM-DD, was {text!r}.", Exit.REFUSED)


def parse_amount(text: str, option: str) -> Decimal:
    """A plain decimal number, by the rules of the CSV files."""
    fault = number_fault(text.strip())
    if fault:
        message, remedy = PROBLEMS[fault]
        raise fail(f"{option}: expected a plain number like 12500.50, was {text!r}. {message} {remedy}", Exit.REFUSED)
    return Decimal(text.strip())


def parse_tags(texts: Sequence[str], option: str) -> dict[str, str]:
    """Tags as NAME=VALUE; Dagster's own names and ours for scope and process are not to be set by hand."""
    tags = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or name.startswith(RESERVED_TAGS):
            reserved = ", ".join(RESERVED_TAGS)
            raise fail(f"{option}: expected NAME=VALUE with a name that does not begin with {reserved}, was {text!r}.", Exit.REFUSED)
        tags[name.strip()] = value
    return tags


def read_bytes(file: Path) -> bytes:
    """The file's content (one byte more than is allowed at most), or a refusal that names it."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.", Exit.REFUSED) from None
