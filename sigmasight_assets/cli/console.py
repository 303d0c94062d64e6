"""What commands print: tables, progress and errors as one paragraph; exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from rich.console import Console
from rich.table import Table

from sigmasight_assets.errors import (
    DatabaseUnavailable,
    InvalidFile,
    InvalidSymbol,
    LedgerRefused,
    NotASession,
    NotFound,
    NotMaterialized,
    SigmaSightError,
)

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """Exit codes of every command (README)."""

    OK = 0
    FAILED = 1
    REFUSED = 2
    NOT_MATERIALIZED = 3
    DATABASE = 4
    RUN_FAILED = 5
    INTERRUPTED = 130


_CODES: dict[type[SigmaSightError], Exit] = {
    NotMaterialized: Exit.NOT_MATERIALIZED,
    DatabaseUnavailable: Exit.DATABASE,
    LedgerRefused: Exit.REFUSED,
    NotFound: Exit.REFUSED,
    InvalidFile: Exit.REFUSED,
    InvalidSymbol: Exit.REFUSED,
    NotASession: Exit.REFUSED,
}


def exit_code_of(error: SigmaSightError) -> Exit:
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), Exit.FAILED)


def fail(message: str, code: Exit) -> SystemExit:
    """Say what is wrong on stderr; the caller raises the result."""
    err.print(f"[red]error[/red]: {message}", soft_wrap=True)
    return SystemExit(code)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], numeric_from: int = 1) -> None:
    """A table with texts on the left, numbers on the right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i >= numeric_from else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    width = max(out.width, 160) if not sys.stdout.isatty() else None
    Console(highlight=False, width=width).print(table)


@contextmanager
def working(text: str) -> Iterator[None]:
    """A spinner while something takes more than a moment; a line where there is no terminal."""
    if out.is_terminal:
        with out.status(text):
            yield
    else:
        out.print(f"{text} …")
        yield
